"""Other processes: which rank of a distributed training this one is; spawned ones record too."""

from __future__ import annotations

import pickle
import sys
from types import FrameType
from typing import Any

import torch

from autolog.session import shared_settings

from .frames import variables

SILENT = ("torch.utils.data.", "torch._inductor.", "multiprocessing.managers")
"""Modules whose worker processes train nothing of the program's own."""

JOIN = """
try:
    import pickle
    from autolog.session import join
    join(pickle.loads(settings))
except Exception:
    pass
"""


class Joining:
    """Pickled with what a new process is prepared by, it switches the recording on there.

    Names nothing of ours in the pickle, so that a process that cannot import us starts all the
    same.
    """

    def __init__(self, settings: bytes) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (JOIN, {"settings": self._settings})


def carry(preparation: Any, frame: FrameType | None) -> None:
    """Let a process that is about to be spawned record as this one does."""
    settings = shared_settings()
    if isinstance(preparation, dict) and settings and not _module(frame).startswith(SILENT):
        preparation["autolog"] = Joining(pickle.dumps(settings))


def _module(frame: FrameType | None) -> str:
    """Where the function is defined that a process is launched for."""
    while frame is not None and frame.f_code.co_name != "_launch":
        frame = frame.f_back
    process = variables(frame).get("process_obj") if frame is not None else None
    target = getattr(process, "_target", None)
    target = getattr(target, "__func__", target)
    return str(getattr(target, "__module__", ""))


def silent(ranks: bool) -> bool:
    """Whether a training in this process is nobody's: a loader's worker makes data; of processes
    that train together the first tells, unless `ranks` asks for all.
    """
    if torch.utils.data.get_worker_info() is not None:
        return True
    together = rank()
    return together is not None and together[0] != 0 and not ranks


def rank() -> tuple[int, int] | None:
    """The rank of this process and the number of processes that train together; None alone."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()
