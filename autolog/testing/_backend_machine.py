"""Random histories: the backend under test beside `memory:`, which must never differ."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from autolog.backend import Backend
from autolog.errors import BackendError, NotFound
from autolog.opening import open_backend

from ._backend_parts import exact, record

RUNS = tuple(digit * 32 for digit in "abc")
LIGHT = RUNS[2]
WRITERS = tuple(digit * 32 for digit in "01")
PATHS = ("a", "a/b", "b/c/d", "model/MLmodel")
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


class Machine(RuleBasedStateMachine):
    """One history: each step is taken with the backend under test and with `memory:`."""

    make: ClassVar[Callable[[], Backend]]

    def __init__(self) -> None:
        super().__init__()
        self.tested = type(self).make()
        self.model = open_backend(f"memory:{secrets.token_hex(8)}")

    def teardown(self) -> None:
        self.tested.close()
        for run in RUNS:
            with contextlib.suppress(NotFound):
                self.model.delete(run)

    def both(self, call: Callable[[Backend], Any]) -> None:
        """Do it to both; they raise alike and answer alike."""
        answers = []
        for backend in (self.model, self.tested):
            try:
                answers.append(call(backend))
            except BackendError as error:
                answers.append(isinstance(error, NotFound))
        assert answers[0] == answers[1]

    @rule(
        run=st.sampled_from(RUNS),
        writer=st.sampled_from(WRITERS),
        back=st.integers(0, 3),
        values=st.lists(VALUES, min_size=1, max_size=5),
    )
    def write(self, run: str, writer: str, back: int, values: list[Any]) -> None:
        """Append, sending up to `back` records again: as they were."""
        held = {r.seq: r for r in _records(self.model, run) if r.writer == writer}
        start = max(len(held) - back, 0)
        batch = [held[seq] for seq in range(start, len(held))]
        batch += [_record(run, writer, len(held) + i, v) for i, v in enumerate(values)]
        self.both(lambda backend: backend.write(batch))

    @rule(run=st.sampled_from(RUNS), writer=st.sampled_from(WRITERS), gap=st.integers(1, 3))
    def leave_a_gap(self, run: str, writer: str, gap: int) -> None:
        seq = self.model.acked(run).get(writer, 0) + gap
        self.both(lambda backend: backend.write([_record(run, writer, seq, 1)]))

    @rule(
        run=st.sampled_from(RUNS),
        path=st.sampled_from(PATHS),
        data=st.binary(max_size=100),
        abort=st.booleans(),
    )
    def create_artifact(self, run: str, path: str, data: bytes, abort: bool) -> None:
        def create(backend: Backend) -> None:
            suppressed = contextlib.suppress(ZeroDivisionError)
            with suppressed, backend.create_artifact(run, path) as stream:
                stream.write(data)
                if abort:
                    raise ZeroDivisionError

        held = self.model.artifacts(run)
        clash = any(f"{a}/".startswith(f"{b}/") for a, b in _pairs(path, held) if a != b)
        if not (abort and clash):  # a store may see a clash before the abort, or never
            self.both(create)

    @rule(run=st.sampled_from(RUNS), path=st.sampled_from((*PATHS, "b", "model", "x")))
    def drop_artifact(self, run: str, path: str) -> None:
        self.both(lambda backend: backend.drop_artifact(run, path))

    @rule(run=st.sampled_from(RUNS))
    def delete(self, run: str) -> None:
        if _records(self.model, run):
            assert self.tested.delete(run) > 0
            self.model.delete(run)

    @rule()
    def close(self) -> None:
        self.tested.close()

    @invariant()
    def equal(self) -> None:
        assert {run for run in RUNS if _records(self.model, run)} <= set(self.tested.run_ids())
        for run in RUNS:
            assert exact(_records(self.tested, run)) == exact(_records(self.model, run))
            assert self.tested.acked(run) == self.model.acked(run)
            assert self.tested.artifacts(run) == self.model.artifacts(run)
            for path in self.model.artifacts(run):
                assert _read(self.tested, run, path) == _read(self.model, run, path)


def machine(make: Callable[[], Backend]) -> type[Machine]:
    """A state machine over backends that `make()` gives, each of them empty."""
    return type("Histories", (Machine,), {"make": staticmethod(make)})


def _pairs(path: str, others: list[str]) -> list[tuple[str, str]]:
    return [pair for other in others for pair in ((path, other), (other, path))]


def _record(run: str, writer: str, seq: int, value: Any) -> Any:
    if seq == 0:
        return record(run, writer, 0, {"light": run == LIGHT}, kind="run", key="")
    return record(run, writer, seq, value)


def _records(backend: Backend, run: str) -> list[Any]:
    try:
        return list(backend.records(run))
    except NotFound:
        return []


def _read(backend: Backend, run: str, path: str) -> bytes:
    with backend.open_artifact(run, path) as stream:
        return stream.read()
