"""What each hook records, in words, for `autolog doctor --explain`."""

from __future__ import annotations

from autolog.integration import Captured

CAPTURES = {
    "fit": (
        Captured("param", "what argparse, configuration objects, constants say", "settings"),
        Captured("tag", "continued_from, resumed_from: the run that trained this model before"),
        Captured("model", "the module with its final weights", "models"),
    ),
    "stage": (
        Captured("param", "hyperparameters of module and data module, settings of the Trainer"),
        Captured("param", "each optimizer, its groups, its scheduler, when that is stepped"),
        Captured("param", "callbacks and their settings; what a LightningCLI was told; seed"),
        Captured("metric", "what was logged, by step and by epoch; lr by group, epoch, epoch_time"),
        Captured("metric", "best_score, stopped_epoch, wait_count, best_model_score, kth_value"),
        Captured("tag", "stopping_reason, best_model_path, last_model_path"),
        Captured("tag", "model_class, device, dtype, versions"),
        Captured("table", "layers: name, class, shapes, parameters", "summary"),
    ),
    "loaded": (
        Captured("dataset", "data of the loaders: shape, types, digest", "datasets"),
        Captured("dataset", "statistics of their columns, counts of classes", "statistics"),
        Captured("param", "batch_size, shuffle, num_workers"),
    ),
    "saved": (Captured("table", "checkpoints: file, size, digest, step, epoch, score, kept"),),
    "judge": (
        Captured("metric", "what validate and test gave back, under Lightning's names"),
        Captured("dataset", "the data that were judged or predicted from", "datasets"),
    ),
    "tuner": (Captured("param", "what lr_find and scale_batch_size found, with the next fit"),),
    "summarized": (Captured("artifact", "model_summary.txt", "summary"),),
    "logger": (Captured("metric", "what the program or a callback tells a logger"),),
}
