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
