"""A store as somebody with bounds on experiments sees it: what lies beyond them is not there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from autolog.backend import Backend, Versions
from autolog.errors import NotFound
from autolog.paths import check_id
from autolog.records import Block, Record

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
        self._known: dict[str, tuple[float, list[object]]] = {}

    def of(self, run: str) -> list[object]:
        """Each experiment that the run was ever in, in wire form; empty for no such run."""
        until, found = self._known.get(run, (0.0, []))
        if time.monotonic() < until:
            return found
        found = self._read(run)
        if found:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[run] = (time.monotonic() + GOOD_FOR, found)
        return found

    def _read(self, run: str) -> list[object]:
        try:
            return [
                entry.value.get("experiment", "") if isinstance(entry.value, dict) else None
                for _, entries in self._backend.blocks(run)
                for entry in entries
                if entry.kind == "run"
            ]
        except NotFound:
            return []


class Scoped(Backend):
    """`inner` for `principal`: every call about another experiment's run finds no such run.

    Everything that reads (searches, children, histories) stands on it, and so has the bounds too.
    """

    def __init__(self, inner: Backend, principal: Principal, experiments: Experiments) -> None:
        self.inner = inner
        self.experiments = experiments
        self.principal = principal
        self.uri = inner.uri

    def allows(self, run: str) -> bool:
        """Whether the run exists and all experiments that it was ever in are within the bounds."""
        check_id(run)
        found = self.experiments.of(run)
        return bool(found) and all(map(self.principal.may_see_wire, found))

    def _need(self, run: str) -> str:
        if not self.allows(run):
            raise NotFound(f"no run {run} in {self.uri}")
        return run

    # -- writing ---------------------------------------------------------------------------

    def write(self, batch: Sequence[Record]) -> None:
        """As the contract says; raises ApiError where a record lies beyond the bounds."""
        for run in {record.run for record in batch}:
            if self.inner.acked(run) and not self.allows(run):
                raise self._beyond(f"run {run}")
        for run, opening in _openings(batch).items():
            if opening is None and not self.allows(run):
                raise self._beyond(f"run {run}, whose first record does not say its experiment,")
        self._check_openings(batch)
        self.inner.write(batch)

    def _check_openings(self, batch: Iterable[Record]) -> None:
        """No record may open a run in another experiment, nor under another experiment's run."""
        for record in batch:
            if record.kind != "run":
                continue
            facts = record.value if isinstance(record.value, dict) else {}
            if not self.principal.may_see_wire(facts.get("experiment", "")):
                raise self._beyond("this experiment")
            parent = facts.get("parent")
            if isinstance(parent, str) and self.inner.acked(parent) and not self.allows(parent):
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
        return [run for run in self.inner.run_ids() if self.allows(run)]

    def records(self, run: str) -> Iterator[Record]:
        """As the contract says."""
        return self.inner.records(self._need(run))

    def blocks(self, run: str) -> Iterator[Block]:
        """As the contract says."""
        return self.inner.blocks(self._need(run))

    def versions(self, memo: Any = None) -> Versions | None:
        """None: which runs have changed is not told of those beyond the bounds."""
        return None

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
        return self.inner.delete(self._need(run))


def _openings(batch: Iterable[Record]) -> dict[str, Record | None]:
    """For each run of the batch its first `run` record there, None where there is none."""
    found: dict[str, Record | None] = {}
    for record in batch:
        found.setdefault(record.run, None)
        if record.kind == "run" and found[record.run] is None:
            found[record.run] = record
    return found
