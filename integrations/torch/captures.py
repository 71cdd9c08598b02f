"""What each hook records, in words, for `autolog doctor --explain`."""

from __future__ import annotations

from autolog.integration import Captured

CAPTURES = {
    "optimizer": (Captured("param", "class and settings of the optimizer, by parameter group"),),
    "loop": (
        Captured("dataset", "data: class, length, loader; digest of what is in memory", "datasets"),
        Captured("param", "batch_size, shuffle, num_workers"),
        Captured("metric", "epoch: iterations of the loader"),
    ),
    "scheduler": (Captured("param", "class and settings of the scheduler"),),
    "save": (Captured("table", "checkpoints: file, size, digest, step, what it holds"),),
    "load": (Captured("tag", "resumed_from: the run whose checkpoint a training goes on from"),),
}

INSTALLED = {
    "torch.autograd.backward": (
        Captured("metric", "the training loss, by step, under its name; tag nan_loss"),
        Captured("metric", "the parts of a loss that is a sum"),
    ),
    "torch.optim.Optimizer.step": (
        Captured("metric", "lr of each parameter group; a step begins and counts"),
        Captured("table", "layers: name, class, shapes, parameters"),
        Captured("param", "model, model_parameters; argparse, configurations", "settings"),
        Captured("metric", "what variables of a loop round the training hold", "settings"),
        Captured("model", "the final weights, when the training is over", "models"),
    ),
    "torch.nn.functional.cross_entropy": (
        Captured("metric", "here and in 20 other losses: an evaluation's loss and accuracy"),
    ),
    "torch.nn.utils.clip_grad_norm_": (Captured("metric", "grad_norm, as it was given back"),),
    "torch.amp.GradScaler.scale": (Captured("metric", "the loss as it was before it was scaled"),),
    "torch.optim.lr_scheduler.ReduceLROnPlateau.step": (
        Captured("metric", "the number that the scheduler is told"),
    ),
    "torch.nn.Module.load_state_dict": (
        Captured("tag", "resumed_from; a reset model begins a new run"),
        Captured("model", "best: weights that the program goes back to", "models"),
    ),
    "torch.nn.Module.state_dict": (Captured("metric", "best_step, best_epoch, best_<name>"),),
    "torch.nn.Module.eval": (Captured("metric", "where one evaluation ends and the next begins"),),
    "sys.stdout.write": (
        Captured("metric", "numbers that the program prints, by the call's source", "settings"),
    ),
}
"""What the lean hooks record, by the place that they are put on."""
