"""`docs/names.md` is true: each name of ours in its tables exists or is produced by a training."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autolog.integrations.sklearn import SklearnOptions

import autolog
from autolog import provenance, recorder, repository
from autolog.settings import SETTINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "names.md"
ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)


def ours() -> list[str]:
    """The right column of all tables, but of those for other libraries, which have a test too."""
    rows = ROW.findall(PAGE.read_text("utf-8").partition("\n## XGBoost\n")[0])
    return [right for left, right in rows if left not in ("MLflow", "---")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """A pipeline's run and a search's; git may take its time on a busy machine."""
    patience, repository.PATIENCE = repository.PATIENCE, 30
    # What another test found out of this process where it was in no repository.
    recorder._system.clear()
    provenance._facts = None
    store = tmp_path_factory.mktemp("names") / "store"
    every = {"training_metrics": True, "plots": True, "input_example": True}
    autolog.autolog(backend=str(store), sklearn=every)
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_iris(return_X_y=True)
    make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(X, y)
    LogisticRegression(C=0.5, max_iter=500).fit(X, y)
    GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.5, 1.0]}).fit(X, y)
    autolog.disable()
    yield list(autolog.search_runs(backend=store))
    repository.PATIENCE = patience


def test_calls_and_variables_exist() -> None:
    names = [f"autolog.{name}" for name in autolog.PUBLIC]
    names += [setting.variable for setting in SETTINGS]
    claimed = [right.strip("`") for right in ours() if re.match(r"`(autolog\.|AUTOLOG)", right)]
    assert len(claimed) > 20
    assert set(claimed) <= set(names)


def test_what_a_training_leaves_is_called_so(runs: list[Any]) -> None:
    produced = {name for run in runs for name in _produced(run)}
    produced |= {f"option `{field.name}`" for field in dataclasses.fields(SklearnOptions)}
    claimed = [right for right in ours() if re.match(r"[a-z]+ `", right)]
    claimed = [right.partition(" (on request")[0] for right in claimed]
    if importlib.util.find_spec("matplotlib") is None:
        claimed = [right for right in claimed if not right.endswith(".png`")]
    claimed = [re.sub(r"dataset with (role) `(\w+)`", r"\1 `\2`", right) for right in claimed]
    assert len(claimed) > 12
    assert set(claimed) - produced == set()


def _produced(run: Any) -> set[str]:
    parts = {
        "param": run.params,
        "metric": run.metrics,
        "series": run.series,
        "tag": run.tags,
        "table": run.tables,
        "artifact": run.artifacts,
        "system": run.system,
        "role": [dataset["role"] for dataset in run.datasets.values()],
    }
    return {f"{part} `{name}`" for part, names in parts.items() for name in names}
