"""What each hook records, in words, for `autolog doctor --explain`."""

from __future__ import annotations

from autolog.integration import Captured

CAPTURES = {
    "optimizer": (Captured("param", "class and settings of the optimizer, by parameter group"),),
    "loop": (
        Captured("dataset", "the training data: class, length; digest of tensors", "datasets"),
        Captured("param", "batch_size, shuffle, num_workers"),
        Captured("metric", "epoch: iterations of the loader"),
    ),
}
