"""What a search or a validation gives out to be fitted, and what comes back, as it comes.

A *round* is one call of scikit-learn's `Parallel`; a search has one for each time that it asks for
candidates to be evaluated. Only the outermost training's own rounds count: while one is open, what
the estimators inside it do in parallel is no business of ours, nor is a search's refit.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autolog.forking import ForkSafeLock
from autolog.integration import bind
from autolog.live import Run
from autolog.reporting import guarded

from .batches import listen
from .drafts import Drafts, error_of
from .splits import Split, split_of

FITS = (
    "_fit_and_score",
    "_fit_and_predict",
    "_permutation_test_score",
    "_incremental_fit_estimator",
)
"""The functions of `sklearn.model_selection._validation` that are one task each."""

TICK = 0.1
"""Seconds between two points of `progress`, at the least."""


class Round:
    """One call of `Parallel`, seen from the thread that made it."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.given = 0
        self.fits = False
        self.busy = False
        self.candidates = 0
        self.splits: list[Split] = []
        self.last: tuple[Any, Any] = (None, None)


class Watch:
    """The fits of one run.

    Attributes:
        done: Fits that have come back.
        errors: For each fit in the order given out, the end of its traceback, or None.
        rounds: The splits of each round with its number; where they are those of the round
            before, they are not repeated.
    """

    def __init__(self, run: Run, estimator: Any, total: int | None, by_fold: bool) -> None:
        self.run = run
        self.total = 0
        self.done = 0
        self.errors: list[str | None] = []
        self.rounds: list[tuple[int, list[Split]]] = []
        self.round: Round | None = None
        self.drafts = Drafts(run, by_fold)
        self._rounds = 0
        self._held = vars(estimator) if hasattr(estimator, "__dict__") else {}
        self._best = self._held.get("best_params_")
        self._pid = os.getpid()
        self._lock = ForkSafeLock()
        self._ticked = time.monotonic()
        self._said = 0
        if total:
            self._expect(total)

    # -- rounds ----------------------------------------------------------------------------

    def free(self) -> bool:
        """Whether a call of `Parallel` that begins now is a round of this training."""
        refits = self._held.get("best_params_") is not self._best
        return self.round is None and os.getpid() == self._pid and not refits

    @contextlib.contextmanager
    def over(self, parallel: Any) -> Iterator[Callable[[Any], Any]]:
        """Watch one round; gives what each task is to be passed through when it is given out."""
        self.round = one = Round()
        stop = listen(parallel, self.come)
        try:
            yield lambda task: self._give(one, task)
        finally:
            stop()
            self.round = None
            if one.splits and (not self.rounds or self.rounds[-1][1] != one.splits):
                self.rounds.append((self._rounds, one.splits))
            self._rounds += one.fits
            self.drafts.close(one.candidates)

    def _give(self, one: Round, task: Any) -> Any:
        with guarded("sklearn.fits"), self._lock, self._counted():
            function, args, kwargs = task
            function = getattr(function, "function", function)  # scikit-learn's own wrapper
            if getattr(function, "__name__", "") in FITS:
                one.fits = True
                self._note(one, bind(function, args, kwargs))
            one.given += 1
        return task

    def _note(self, one: Round, given: Mapping[str, Any]) -> None:
        """Read off a task which split and candidate it is; of a search each split but once."""
        train, test = given.get("train"), given.get("test")
        candidate, split = given.get("candidate_progress"), given.get("split_progress")
        if candidate is not None and split is not None:
            if not one.given:
                one.candidates = candidate[1]
                self._expect(candidate[1] * split[1])
            self.drafts.expect(one.given, candidate[0], split, given.get("parameters"))
        if train is None or (candidate is not None and candidate[0] > 0):
            return
        again = train is one.last[0] and test is one.last[1]
        one.last = train, test
        one.splits.append(one.splits[-1] if again else split_of(train, test))

    # -- what comes back -------------------------------------------------------------------

    def ours(self) -> Round | None:
        """The round whose next task is being computed right here, one after the other."""
        one = self.round
        here = one is not None and not one.busy and one.thread == threading.get_ident()
        return one if here and os.getpid() == self._pid else None

    @contextlib.contextmanager
    def fitting(self, one: Round) -> Iterator[None]:
        """Fits inside a fit are not the round's."""
        one.busy = True
        try:
            yield
        finally:
            one.busy = False

    def come(self, first: int, results: Sequence[Any]) -> None:
        """Note results that have just come back, from any thread."""
        if self.round is None or not self.round.fits:
            return
        with self._lock, self._counted():
            self.done += len(results)
            for number, result in enumerate(results, first):
                self.drafts.add(number, result)
            now = time.monotonic()
            if now - self._ticked >= TICK:
                self._ticked = now
                self._progress()
                self.drafts.sketch(now)

    def gathered(self, results: Any) -> None:
        """Note what the whole round gave; a failed fit says why."""
        if self.round is not None and self.round.fits and isinstance(results, list):
            self.errors += [error_of(result) for result in results]

    def close(self, failed: bool) -> None:
        """Say what is left to say; of a training that `failed` also what it had tried."""
        if self.done > self._said:
            self._progress()
        lost = sum(error is not None for error in self.errors)
        if lost:
            self.run.log_metric("failed_fits", lost)
        if failed:
            self.drafts.sketch()

    def _expect(self, more: int) -> None:
        self.total += more
        self.run.log_system("progress_total", {"total": self.total, "unit": "fit"})

    def _progress(self) -> None:
        self._said = self.done
        self.run.log_metric("progress", self.done, step=self.done, unit="fit")

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """Our own time, where the engine does not take it."""
        began = time.thread_time_ns()
        try:
            yield
        finally:
            self.run.overhead += time.thread_time_ns() - began


@contextlib.contextmanager
def watching(
    run: Run, estimator: Any = None, *, total: int | None = None, by_fold: bool = False
) -> Iterator[None]:
    """Watch the fits of a search (`estimator`) or a validation; light runs are spared."""
    if run.light:
        yield
        return
    watch = run.state["watch"] = Watch(run, estimator, total, by_fold)
    failed = True
    try:
        yield
        failed = False
    finally:
        with guarded("sklearn.fits"):
            watch.close(failed)
        del run.state["watch"]


def watch_of(run: Run | None) -> Watch | None:
    """The watch over a run's fits; None where it has none."""
    return None if run is None else run.state.get("watch")


def series(run: Run, key: str, values: Iterable[Any], *, unit: str) -> None:
    """A series as the framework has it at the end: what was said live is not said again."""
    watch, numbers = watch_of(run), list(values)
    told = {} if watch is None else watch.drafts.told
    known = [told.get((key, step)) for step in range(len(numbers))]
    if not any(value is not None for value in known):
        run.log_series(key, numbers, unit=unit)
        return
    for step, (value, said) in enumerate(zip(numbers, known, strict=True)):
        if said is None or (said != value and (said == said or value == value)):
            run.log_metric(key, value, step=step, unit=unit)
