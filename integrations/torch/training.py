"""One training that is being recorded: its models, its optimizers, its series."""

from __future__ import annotations

import dataclasses
import math
import threading
import weakref
from typing import Any

from torch import nn

from autolog.callsite import Site
from autolog.live import Run

from .best import Keeper, States
from .configs import Birth
from .losses import Key, Place, Series

STEP = "optimizer step"


@dataclasses.dataclass(eq=False)
class Known:
    """An optimizer as we know it.

    Attributes:
        optimizer: Itself, held weakly.
        born: How many steps of any optimizer had been made when it was built.
        name: What the program calls it.
        kind: What its library calls it, where its class does not say.
        reset: Whether its parameters were changed by hand since their last step, before it was
            built: another training begins.
        training: The one that it belongs to.
        prefix: Before the names of its numbers, where a training has several optimizers.
        steps: Its own.
        rates: The learning rates of its groups that were recorded last.
        last: Its last parameter, held weakly.
        foreign: Whether it belongs to no module, and is left alone.
        birth: The places in the program that led to its construction.
        settings: Of its groups, when it was built.
        schedules: Settings of its schedulers that are not written down yet; `scheduled` are.
        thread: In which it was built.
    """

    optimizer: weakref.ref[Any]
    born: int
    name: str
    kind: str = ""
    reset: bool = False
    training: Training | None = None
    prefix: str = ""
    steps: int = 0
    rates: list[Any] = dataclasses.field(default_factory=list)
    last: weakref.ref[Any] | None = None
    foreign: bool = False
    birth: Birth = dataclasses.field(default_factory=list)
    settings: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    schedules: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    scheduled: int = 0
    thread: int = dataclasses.field(default_factory=threading.get_ident)


class ByHand:
    """Stands for an optimizer where there is none: the parameters, while a training is begun."""

    def __init__(self, parameters: list[Any], rate: float | None) -> None:
        settings = {} if rate is None else {"lr": rate}
        self.defaults: dict[str, Any] = {}
        self.param_groups: list[dict[str, Any]] = [{"params": parameters, **settings}]


class Training:
    """What is known of one training while it lasts.

    `begun` and `last` are the numbers of its first and last step among all steps of the process;
    `mark` is the version of its last parameter after its last step.
    """

    def __init__(self, begun: int, site: Site | None) -> None:
        self.run: Run
        self.site = site
        self.begun = self.last = begun
        self.step = 0
        self.epoch = 0
        self.loop = 0
        self.alone = True
        self.evaluated = False
        self.roots: list[weakref.ref[nn.Module]] = []
        self.kept: list[Any] = []
        self.optimizers: list[Known] = []
        self.losses: dict[Key, Series] = {}
        self.series: dict[str, Series] = {}
        self.parameter: weakref.ref[Any] | None = None
        self.mark = 0
        self.code: Any = None
        self.sick: set[str] = set()
        self.told: dict[str, Any] = {}
        self.renamed: set[str] = set()
        self.rounds: set[tuple[int, int]] = set()
        self.readings: dict[tuple[int, str], Any] = {}
        self.globals: Any = None
        self.data: dict[Any, Any] = {}
        self.first_data: tuple[str, dict[str, Any]] | None = None
        self.states = States()
        self.keeper: Keeper | None = None
        self.checkpoints: dict[str, list[Any]] = {
            "file": [], "bytes": [], "sha256": [], "step": [], "epoch": [], "holds": [],
        }  # fmt: skip

    @property
    def over(self) -> bool:
        """Whether its run has ended."""
        return self.run.ended

    def has(self, module: nn.Module) -> bool:
        """Whether a module is one of its models."""
        return any(root() is module for root in self.roots)

    def untouched(self, parameter: Any) -> bool:
        """Whether nobody has changed the parameter since the last step, as far as one can see."""
        last = self.parameter() if self.parameter is not None else None
        return last is None or last._version == self.mark

    def name_loss(self, place: Place, known: Known, before: Series | None) -> Series:
        """The series of a place of `backward`, which has lost the one that it had `before`.

        Another place of the same name goes on with its series where the same optimizer has made
        further steps since; where they take turns, each has a series of its own.
        """
        name = place.name or "loss"
        if place.number:
            name = f"{name}_{place.number}"
        for count in range(1, 100):
            key = name if count == 1 else f"{name}-{count}"
            taken = self.series.get(key)
            if taken is None:
                own = self.run.unique("series", key)
                taken = self.series[key] = Series(own, "what backward() is called on", True)
            elif taken is before or taken.optimizer is not known or taken.last >= known.steps:
                continue
            taken.place, taken.optimizer = place, known
            return taken
        return self.series[name]

    def point(self, key: str, value: float, step: int, rule: str, site: Site | None = None) -> None:
        """One number of a series that is not a training loss."""
        series = self.series.get(key)
        if series is None:
            series = self.series[key] = Series(self.run.unique("series", key), rule)
        series.last, series.value = step, value
        self.run.point(series.key, value, step, None if series.told else series.info(site))
        if self.keeper is not None:
            self.keeper.seen(self, key, value, step)

    def not_finite(self, key: str, value: float, step: int) -> None:
        """Say once for each series that it is no number any more, and since when."""
        if key not in self.sick:
            self.sick.add(key)
            word = "nan" if math.isnan(value) else "infinite"
            self.run.set_tag(f"{word}_{key}", f"since step {step}")
