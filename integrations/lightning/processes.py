"""Processes that Lightning starts: the first of them writes to the run of the fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from autolog import session


@dataclasses.dataclass
class Told:
    """What a spawned process is to know of the run that it works for."""

    settings: dict[str, Any]
    run: Mapping[str, Any]
    every: int
    names: Mapping[str, str]


class Spawned:
    """The function that a process is to call, which first takes up the recording; pickled."""

    def __init__(self, function: Any, told: Told) -> None:
        self.function = function
        self.told = told

    def __call__(self, rank: int, *args: Any) -> Any:
        """Call it as torch does, within the run in the first process, silently in the others."""
        told = self.told
        with session.serving(told.settings, None if rank else told.run) as run:
            if run is not None:
                from .watch import resume

                resume(run, args[0], told)
            return self.function(rank, *args)
