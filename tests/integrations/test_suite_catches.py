"""The suite fails where it should: an integration that does wrong in one way, for each way."""

from __future__ import annotations

import dataclasses
import functools
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, ClassVar

import pytest
from autolog_tinyboost import Tinyboost

import autolog
from autolog.integration import Call
from autolog.reporting import Note
from autolog.testing import IntegrationSuite

KEPT: list[Any] = []
WRONGS: dict[str, Callable[[Call], Any]] = {
    "changes data": lambda call: call.args[0][0].__setitem__(0, 0.5),
    "changes the model": lambda call: setattr(call.instance, "rate", 0.25),
    "predicts": lambda call: call.instance.predict([[1.0]]),
    "seeds": lambda call: random.seed(1),
    "sets a variable": lambda call: os.environ.update(LEFT="1"),
    "keeps the model": lambda call: KEPT.append(call.instance),
    "imports a framework": lambda call: import_module("pandas"),
    "warns": lambda call: warnings.warn("odd", stacklevel=2),
    "prints": lambda call: print("odd"),
    "leaves a mark": lambda call: setattr(call.instance, "mark", Note("", "", 1)),
    "leaves an attribute": lambda call: setattr(type(call.instance), "odd", 1),
    "opens another run": lambda call: autolog.start_run("odd").end(),
}


def wrong(original: Any) -> Any:
    """The hook, which does wrong first where the environment says so."""

    @functools.wraps(original)
    def generator(self: Any, call: Call, run: Any) -> Iterator[None]:
        WRONGS.get(os.environ.get("WRONG", ""), id)(call)
        yield from original(self, call, run)

    return generator


hooks = Tinyboost.train.__autolog_hooks__  # type: ignore[attr-defined]
hooks[0] = dataclasses.replace(hooks[0], generator=wrong(hooks[0].generator))


class Tiny(IntegrationSuite):
    """Does one wrong and runs those tests alone that must see it."""

    library = "tinyboost"
    wrong: ClassVar[str]

    def __init_subclass__(cls) -> None:
        for name in dir(cls):
            if name.startswith("test_") and name not in cls.expected_failures:
                setattr(cls, name, None)

    @pytest.fixture(autouse=True)
    def _wrong(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("WRONG", self.wrong)
        yield
        booster = getattr(sys.modules.get("tinyboost"), "Booster", None)
        if hasattr(booster, "odd"):
            del booster.odd
        KEPT.clear()

    def train(self) -> Any:
        import tinyboost

        return tinyboost.Booster(rounds=3).train([[0.0], [1.0]], [0.0, 1.0])

    def train_badly(self) -> Any:
        import tinyboost

        return tinyboost.Booster().train([], [])

    def targets(self) -> Any:
        import tinyboost

        return [(tinyboost.Booster, "train")]

    def model_of(self, result: Any) -> Any:
        return result


def suite(name: str, doing: str, *tests: str) -> type[Tiny]:
    """A class of tests for one wrong, under the name by which a fresh process finds it here."""
    body: dict[str, Any] = {
        "__module__": __name__,
        "wrong": doing,
        "expected_failures": dict.fromkeys(tests, f"the integration {doing}"),
    }
    return type(name, (Tiny,), body)


TestData = suite("TestData", "changes data", "test_arguments_are_not_changed")
TestModel = suite("TestModel", "changes the model", "test_results_are_equal_bit_for_bit")
TestPredicts = suite("TestPredicts", "predicts", "test_model_is_not_called")
TestSeeds = suite("TestSeeds", "seeds", "test_process_is_left_as_it_is")
TestVariable = suite(
    "TestVariable", "sets a variable", "test_process_is_left_as_it_is", "test_undo_is_complete"
)
TestKeeps = suite("TestKeeps", "keeps the model", "test_memory_is_released")
TestImports = suite("TestImports", "imports a framework", "test_no_framework_is_imported")
TestWarns = suite("TestWarns", "warns", "test_warnings_are_equal")
TestPrints = suite("TestPrints", "prints", "test_warnings_are_equal")
TestMarks = suite("TestMarks", "leaves a mark", "test_model_names_nothing_of_ours")
TestAttribute = suite("TestAttribute", "leaves an attribute", "test_undo_is_complete")
TestRuns = suite("TestRuns", "opens another run", "test_one_run_for_each_training", "test_paused")
