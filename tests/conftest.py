"""What all tests share: strict mode, a clean process, nothing in the user's home."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autolog

os.environ.setdefault("KERAS_BACKEND", "torch")
"""Keras reads it once, when it is imported; its own default needs TensorFlow."""

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Tests run beside each other: threads of each that spin for the others' cores only cost time."""


THOROUGH = (
    "test_lightning_suite.py",
    "test_keras_suite.py::TestKeras::test_failing_hooks",
    "test_keras_suite.py::TestKeras::test_interrupts_pass_through_hooks",
    "test_keras_suite.py::TestKeras::test_no_framework_is_imported",
    "test_keras_suite.py::TestKeras::test_enabling_",
    "test_keras_suite.py::TestKeras::test_arguments_are_not_changed",
    "test_keras_suite.py::TestKeras::test_undo_is_complete",
    "test_xgboost_suite.py::TestXgboost::test_failing_hooks",
    "test_xgboost_suite.py::TestXgboost::test_interrupts_pass_through_hooks",
    "test_xgboost_suite.py::TestXgboost::test_no_framework_is_imported",
    "test_xgboost_suite.py::TestXgboost::test_enabling_",
    "test_lightgbm_suite.py::TestLightgbm::test_failing_hooks",
    "test_lightgbm_suite.py::TestLightgbm::test_interrupts_pass_through_hooks",
    "test_lightgbm_suite.py::TestLightgbm::test_no_framework_is_imported",
    "test_lightgbm_suite.py::TestLightgbm::test_enabling_",
    "test_keras_jax.py",
    "test_keras_stopped.py::test_the_same_run_goes_on",
    "test_sample.py::test_with_xdist_",
    "test_sample.py::test_no_error_of_ours_is_hidden_by_the_guard",
    "test_seen.py::test_the_answer_is_the_same[a_debugger_steps_through_the_same_lines]",
    "test_beside_mlflow.py::test_both_record_what_they_record_alone[autolog sklearn mlflow]",
    "test_beside_mlflow.py::test_both_record_what_they_record_alone[autolog mlflow]",
    "test_beside_mlflow.py::test_switching_one_off_leaves_the_other_in_force",
    "test_sklearn_models.py::test_models_of_real_mlflow_load_with_trust",
    "test_sklearn_models.py::test_real_mlflow_loads_ours[logistic-skops]",
    "test_sklearn_models.py::test_real_mlflow_loads_ours[pipeline-pickle]",
    "test_sklearn_validations.py::test_results_and_facts_are_the_same_under_every_backend[multip",
    "test_example.py::test_a_failure_that_does_not_come_is_a_failure",
    "test_example.py::test_the_suite_finds_what_is_wrong[self._names(run",
    "/faults/",
    "test_http_suite.py::TestHttpOverPostgresql",
    "test_http_suite.py::TestHttpOverLocalFiles",
)
"""Tests of a minute or more whose like runs for other libraries all the time: `make thorough`."""

FAULTS = (
    "test_matrix.py::test_a_server_that_answers_badly[sqlite-hang]",
    "test_matrix.py::test_a_server_that_answers_badly[postgresql-cut]",
    "test_matrix.py::test_a_server_that_dies_and_comes_back[postgresql]",
    "test_matrix.py::test_a_client_whose_disk_is_full[local]",
    "test_kills.py::test_clients_that_are_killed[sqlite]",
    "test_crowds.py::test_batches_come_twice_and_in_any_order[sqlite]",
    "test_mistakes.py::test_a_wrong_password",
    "test_mistakes.py::test_a_file_that_may_only_be_read",
    "test_schemas.py::test_a_server_that_comes_back_newer_than_its_store[sqlite]",
    "test_schemas.py::test_a_server_that_comes_back_older_than_its_store[sqlite]",
)
"""Of the matrix of faults over stores those that run all the time: seconds each."""


FIRST = (
    "_gallery.py",
    "_suite.py",
    "test_notebooks_e2e.py",
    "/neutrality/",
    "/faults/",
    "/delivery/",
)
"""Files of minutes: they begin first, so that no process ends with one of them alone."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--thorough` adds the long ones."""
    parser.addoption(
        "--thorough", action="store_true", help="run the tests of a minute or more too"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell those who make up their tests when they are imported, in each process."""
    if config.getoption("--thorough"):
        os.environ["THOROUGH"] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long ones out, unless they are asked for; let the files of minutes begin."""
    if not config.getoption("--thorough"):
        long = [
            item
            for item in items
            if any(name in item.nodeid for name in THOROUGH)
            and not any(name in item.nodeid for name in FAULTS)
        ]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
    items.sort(key=lambda item: not any(name in item.nodeid.split("::")[0] for name in FIRST))


@pytest.fixture(autouse=True)
def clean_process(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Errors of ours are raised; no setting, key or hook of one test reaches the next."""
    for name in [name for name in os.environ if name.startswith("AUTOLOG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    for name in ("config", "cache"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path_factory.getbasetemp() / name))
    yield
    if "autolog.api" in sys.modules:
        autolog.disable()
    if "autolog.reporting" in sys.modules:
        sys.modules["autolog.reporting"].clear_notes()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder for a local store that does not exist yet."""
    return tmp_path / "autolog-runs"
