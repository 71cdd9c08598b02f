"""A store as somebody with bounds on experiments sees it: what lies beyond them is not there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from autolog.backend import Backend
from autolog.codec import unescape_text
from autolog.errors import NotFound
from autolog.paths import check_id, is_id
from autolog.query import Curve, Found, Query, Window
from autolog.records import Block, Record
from autolog.store import Store
from autolog.summary import Summary

from .access import Principal
from .errors import ApiError

GOOD_FOR, MOST = 10.0, 100_000
"""Seconds for which a run's experiment is remembered, and of how many runs."""


class Experiments:
    """Which experiments runs are in, remembered for a few seconds by each process.

    Raises as the store does.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, tuple[float, str]] = {}

    def of(self, run: str) -> str | None:
        """The run's experiment, empty for none; None for no such run."""
        until, found = self._known.get(run, (0.0, ""))
        if time.monotonic() < until:
            return found
        try:
            found = Store(self._backend).summary(run).experiment
        except NotFound:
            return None
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[run] = (time.monotonic() + GOOD_FOR, found)
        return found

    def forget(self, run: str) -> None:
        """The run has gone."""
        self._known.pop(run, None)


class Scoped(Backend):
    """`inner` for `principal`: every call about another experiment's run finds no such run.

    Everything that reads (searches, children, histories) stands on it, and so has the bounds too.
    """

    def __init__(self, inner: Backend, principal: Principal, known: Experiments) -> None:
        self.inner = inner
        self.principal = principal
        self.uri = inner.uri
        self.root: Path | None = getattr(inner, "root", None)
        self._known = known

    def allows(self, run: str) -> bool:
        """Whether the run exists and its experiment is within the bounds."""
        check_id(run)
        found = self._known.of(run)
        return found is not None and self.principal.may_see(found)

    def _need(self, run: str) -> str:
        if not self.allows(run):
            raise NotFound(f"no run {run} in {self.uri}")
        return run

    # -- writing ---------------------------------------------------------------------------

    def write(self, batch: Sequence[Record]) -> None:
        """As the contract says; raises ApiError where a record lies beyond the bounds."""
        new = set()
        for run in {record.run for record in batch}:
            if self._known.of(run) is None:
                new.add(run)
            elif not self.allows(run):
                raise self._beyond(f"run {run}")
        opened = {run for run, _ in _openings(batch)}
        if new - opened:
            raise self._beyond("a run whose first batch does not say its experiment")
        for run, facts in _openings(batch):
            self._check_opening(facts, is_new=run in new)
        self.inner.write(batch)

    def _check_opening(self, facts: dict[str, object], is_new: bool) -> None:
        """No record may put a run into another experiment, nor under another experiment's run."""
        experiment = facts.get("experiment")
        named = isinstance(experiment, str)
        within = named and self.principal.may_see(unescape_text(str(experiment)))
        if not within and (is_new or experiment is not None):
            raise self._beyond("this experiment")
        parent = facts.get("parent")
        known = isinstance(parent, str) and is_id(parent) and self._known.of(parent) is not None
        if known and not self.allows(str(parent)):
            raise self._beyond("the parent run")

    def _beyond(self, what: str) -> ApiError:
        bounds = self.principal.experiment
        return ApiError(403, "forbidden", f"{what} is not within the experiment {bounds!r}")

    def acked(self, run: str) -> dict[str, int]:
        """As the contract says."""
        return self.inner.acked(run) if self.allows(run) else {}

    def create_artifact(self, run: str, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """As the contract says."""
        return self.inner.create_artifact(self._need(run), path)

    def send_artifact(
        self, run: str, path: str, source: BinaryIO, digest: str | None = None
    ) -> None:
        """As the contract says."""
        self.inner.send_artifact(self._need(run), path, source, digest)

    # -- reading ---------------------------------------------------------------------------

    def run_ids(self) -> list[str]:
        """As the contract says."""
        return [one.id for one in self.summaries()]

    def search(self, query: Query) -> Found | None:
        """As the contract says, by the inner store: the bounds are a part of the question."""
        own = self.principal.experiment.rstrip("/")
        found = self.inner.search(replace(query, within=(*query.within, own)))
        if found is None:
            return None
        runs, below = self._seen(found.runs), self._seen(found.below)  # an inexact answer has more
        held = {one.id for one in (*runs, *below)}
        only = {run: child for run, child in found.only_child.items() if {run, child} <= held}
        return replace(found, runs=runs, below=below, only_child=only)

    def experiments(self) -> dict[str, int] | None:
        """As the contract says."""
        told = self.inner.experiments()
        return told and {name: n for name, n in told.items() if self.principal.may_see(name)}

    def summaries(self, runs: Sequence[str] | None = None) -> Iterable[Summary]:
        """As the contract says."""
        if runs is None:
            asked = self.search(Query())
            found = Store(self.inner).summaries() if asked is None else asked.runs
            return self._seen(found)
        store = Store(self.inner)
        return [store.summary(run) for run in runs if self.allows(run)]

    def _seen(self, runs: Iterable[Summary]) -> list[Summary]:
        return [one for one in runs if self.principal.may_see(one.experiment)]

    def records(self, run: str) -> Iterator[Record]:
        """As the contract says."""
        return self.inner.records(self._need(run))

    def blocks(self, run: str) -> Iterator[Block]:
        """As the contract says."""
        return self.inner.blocks(self._need(run))

    def blocks_since(self, run: str, seen: Mapping[str, int]) -> Iterator[Block]:
        """As the contract says."""
        return self.inner.blocks_since(self._need(run), seen)

    def children(self, run: str) -> list[str]:
        """As the contract says."""
        return [child for child in Store(self.inner).children(run) if self.allows(child)]

    def history(self, run: str, key: str, window: Window) -> Curve | None:
        """As the contract says."""
        return self.inner.history(self._need(run), key, window)

    def artifacts(self, run: str) -> list[str]:
        """As the contract says."""
        return self.inner.artifacts(run) if self.allows(run) else []

    def artifact_digests(self, run: str) -> dict[str, str | None]:
        """As the contract says."""
        return self.inner.artifact_digests(run) if self.allows(run) else {}

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """As the contract says."""
        return self.inner.open_artifact(self._need(run), path)

    def drop_artifact(self, run: str, path: str) -> None:
        """As the contract says."""
        self.inner.drop_artifact(self._need(run), path)

    def delete(self, run: str) -> int:
        """As the contract says."""
        freed = self.inner.delete(self._need(run))
        self._known.forget(run)
        return freed


def _openings(batch: Iterable[Record]) -> list[tuple[str, dict[str, object]]]:
    """The facts of each `run` record of the batch."""
    return [
        (record.run, record.value if isinstance(record.value, dict) else {})
        for record in batch
        if record.kind == "run"
    ]
