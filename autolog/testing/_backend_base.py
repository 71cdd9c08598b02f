"""What all parts of the backend suite stand on: the author's methods, and the fixtures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from autolog.backend import Backend
from autolog.opening import open_backend
from autolog.records import Record

from ._backend_parts import exact

RUN, OTHER = "a" * 32, "b" * 32
ONE, TWO = "1" * 32, "2" * 32


class SuiteBase:
    """The author's methods and the fixtures; `BackendSuite` says what they mean."""

    process_local: ClassVar[bool] = False
    opener: ClassVar[Any] = staticmethod(open_backend)
    expected_failures: ClassVar[Mapping[str, str]] = {}
    machine_examples: ClassVar[int] = 40
    question_examples: ClassVar[int] = 25

    def make(self, folder: Path) -> Backend:
        """A backend on an empty store; a store of its own for each `folder`."""
        raise NotImplementedError

    def raw_records(self, backend: Backend, run: str) -> list[Record]:
        """The run's records as the store holds them, read without `backend`'s own code."""
        raise NotImplementedError

    def raw_artifact(self, backend: Backend, run: str, path: str) -> bytes | None:
        """The artifact's bytes as the store holds them, or None."""
        raise NotImplementedError

    def tear(self, backend: Backend, run: str) -> None:
        """Damage the store as a crash would: the last record of `run` is cut off in its middle."""
        pytest.skip("this store has no tail that could be torn")

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        """The backend under test, closed afterwards."""
        backend = self.make(tmp_path)
        yield backend
        backend.close()

    @pytest.fixture(autouse=True)
    def _expect_failures(self, request: pytest.FixtureRequest) -> None:
        reason = self.expected_failures.get(request.node.originalname)
        if reason is not None:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture
    def shared(self, backend: Backend) -> Backend:
        """The backend, where other processes can see its store."""
        if self.process_local:
            pytest.skip("this store is seen by one process alone")
        return backend

    def check(self, backend: Backend, run: str, expected: list[Record]) -> None:
        """The store holds `expected` and nothing else, and says so."""
        assert exact(self.raw_records(backend, run)) == exact(expected)
        assert exact(backend.records(run)) == exact(expected)
