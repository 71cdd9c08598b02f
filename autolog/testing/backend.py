"""The suite that every backend passes; its author inherits it and gives three methods."""

from __future__ import annotations

import itertools
from pathlib import Path

from autolog.backend import Backend

from ._backend_artifacts import ArtifactTests
from ._backend_records import RecordTests
from ._backend_writers import WriterTests


class BackendSuite(RecordTests, WriterTests, ArtifactTests):
    """What a backend promises, as tests.

    The author gives `make`, and `raw_records` and `raw_artifact`, which look into the store
    without the code under test: a suite that only reads what it wrote cannot tell a store from a
    cache. `docs/writing-a-backend.md` has an example.

    Attributes:
        process_local: Whether other processes cannot see the store, as with `memory:`.
        opener: Opens the store by its `uri` in another process; must be importable there.
        expected_failures: Reasons by name of test, for promises that the store cannot keep; such
            a test must fail.
        machine_examples: How many random histories are compared with `memory:`.
        question_examples: How many random stores are asked random questions, as `memory:` is.
    """

    def test_questions_have_the_answers_that_memory_gives(self, backend: Backend) -> None:
        from ._backend_search import check_questions

        check_questions(backend, self.question_examples)

    def test_random_histories_agree_with_memory(self, tmp_path: Path) -> None:
        from hypothesis import HealthCheck, settings
        from hypothesis.stateful import run_state_machine_as_test

        from ._backend_machine import machine

        numbers = itertools.count()
        run_state_machine_as_test(
            machine(lambda: self.make(tmp_path / str(next(numbers)))),
            settings=settings(
                max_examples=self.machine_examples,
                stateful_step_count=20,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
