"""Loops over `Booster.update` by hand: one run for each booster, one step for each round."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autolog import following
from autolog.following import naming
from autolog.integration import Call
from autolog.live import Run

from . import data, lineage, params, results
from .rounds import UNIT, key_of

if TYPE_CHECKING:
    from . import Lightgbm


class Token:
    """What a loop's run stands for in place of the booster, which frees its memory by itself."""

    __slots__ = ("__weakref__",)


class Loop:
    """A booster that is trained round by round.

    Attributes:
        held: Its `__dict__`, by which it is known from another at the same address.
        dying: The booster while its memory is about to be freed.
    """

    def __init__(self, booster: Any) -> None:
        self.token = Token()
        self.held = vars(booster)
        self.ref = weakref.ref(booster)
        self.dying: Any = None
        self.run: Any = None
        self.sets: set[str] = set()

    @property
    def booster(self) -> Any:
        """The booster, None where its memory may be gone."""
        return self.ref() if self.dying is None else self.dying


_loops: dict[int, Loop] = {}


def forget() -> None:
    """Forget all of them, when the recording is switched off."""
    _loops.clear()


def of(booster: Any) -> Loop | None:
    """The loop that trains this very booster, if its run is open."""
    loop = _loops.get(id(booster))
    if loop is None or loop.held is not vars(booster) or loop.run.ended:
        return None
    return loop


def stands(booster: Any, args: Any) -> bool:
    """Whether a booster that dies has a run that is open."""
    return id(booster) in _loops and of(booster) is not None


def begun(own: Lightgbm, call: Call) -> Loop:
    """The loop of a booster whose round is about to be trained; its first opens a run."""
    booster = call.instance
    loop = of(booster)
    if loop is not None:
        return loop
    loop = _loops[id(booster)] = Loop(booster)
    before = following.maker(booster)[0]
    run = loop.run = own.standing.open(
        loop.token, call, own.run_name(call), "lightgbm", _ending(own, loop)
    )
    own.tags(run, lineage.class_name(booster))
    run.set_tag("method", "update")
    if before is not None and before.id != run.id:
        run.set_tag("continued_from", before.id)
    given = params.told(vars(booster).get("params") or {})
    if call.arg("fobj") is not None:
        given["objective"] = params.named(call.arg("fobj"))
    run.log_params(given, chosen=given)
    data.trained_on(run, vars(booster)["train_set"], own.kept, naming.UNKNOWN)
    following.trained(booster, run)
    return loop


def _ending(own: Lightgbm, loop: Loop) -> Any:
    def at_end(run: Run) -> None:
        for key in [key for key, known in list(_loops.items()) if known is loop]:
            del _loops[key]
        booster = loop.booster
        if booster is None:
            return
        told = {params.main_name(name) for name in vars(booster).get("params") or {}}
        found = params.effective(booster)
        run.log_params({k: v for k, v in found.items() if k not in told}, chosen=())
        run.point("rounds", booster.current_iteration(), None, {"call": "current_iteration()"})
        if not run.light:
            results.report_importances(run, booster, own.options.plots)
        own.save(run, booster, None)

    return at_end


def update(own: Lightgbm, call: Call) -> Iterator[None]:
    """One round of a loop."""
    loop = begun(own, call)
    began = time.perf_counter()
    try:
        yield
    except GeneratorExit:
        own.standing.end(loop.token, call.error)
        raise
    spent = time.perf_counter() - began
    step = call.instance.current_iteration()
    loop.run.log_metric("round_time", spent, step=step, unit=UNIT)


def evaluated(own: Lightgbm, call: Call) -> None:
    """What `eval`, `eval_train` or `eval_valid` gave: by round where a loop stands."""
    if not isinstance(call.result, list):
        return
    loop = of(call.instance)
    run = loop.run if loop is not None else following.maker(call.instance)[0]
    if run is None:
        return
    if loop is not None:
        _record_sets(own, loop)
    step = call.instance.current_iteration()
    known = run.state.setdefault("lightgbm.series", set())
    for item in call.result:
        key = key_of(str(item[0]), str(item[1]))
        if loop is not None:
            run.log_metric(key, item[2], step=step, unit=UNIT)
        elif key not in known:  # a training has told it by round
            run.log_metric(key, item[2])


def _record_sets(own: Lightgbm, loop: Loop) -> None:
    """The sets that a loop evaluates on, when it first does."""
    names = loop.held.get("name_valid_sets") or ()
    for one, name in zip(loop.held.get("valid_sets") or (), names, strict=False):
        if name not in loop.sets:
            loop.sets.add(name)
            data.evaluated_on(loop.run, one, own.kept, name, named=True, variable=name)


def gone(own: Lightgbm, booster: Any) -> None:
    """End the run of a booster whose memory is about to be freed."""
    loop = of(booster)
    if loop is None:
        return
    loop.dying = booster
    try:
        own.standing.end(loop.token)
    finally:
        loop.dying = None
        loop.held = {}
        _loops.pop(id(booster), None)
