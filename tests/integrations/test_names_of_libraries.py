"""What `docs/names.md` says of XGBoost, LightGBM and Keras: their trainings leave such names."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autolog
from autolog.view import RunView

PAGE = Path(__file__).resolve().parents[2] / "docs" / "names.md"
CELL = re.compile(r"(dataset with )?`?(\w+)`? `(.+?)`(?: \(.*\))?")

X = np.random.default_rng(0).normal(size=(120, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def claimed(title: str) -> set[tuple[str, str]]:
    """Kinds and names in the right column of a section's table."""
    section = re.search(rf"^## {title}\n(.*?)^## ", PAGE.read_text("utf-8"), re.M | re.S)
    assert section is not None
    rows = re.findall(r"^\| (?!MLflow|---).+? \| (.+?) \|$", section[1], re.M)
    found = [CELL.fullmatch(row) for row in rows]
    assert all(found), rows
    return {(one[2], one[3]) for one in found if one is not None}


def xgboost(autolog_to: Callable[..., None]) -> None:
    autolog_to()
    import xgboost

    dtrain, deval = xgboost.DMatrix(X[:80], label=Y[:80]), xgboost.DMatrix(X[80:], label=Y[80:])

    def miss(predicted: Any, data: Any) -> tuple[str, float]:
        return "miss", float(np.mean((predicted > 0) != data.get_label()))

    xgboost.train(
        {"objective": "rank:pairwise", "eta": 0.3, "eval_metric": ["logloss", "ndcg@3"]},
        dtrain, num_boost_round=20, evals=[(dtrain, "train"), (deval, "eval")],
        early_stopping_rounds=2, custom_metric=miss, verbose_eval=False,
    )  # fmt: skip


def lightgbm(autolog_to: Callable[..., None]) -> None:
    autolog_to(plots=True)
    import lightgbm

    data = lightgbm.Dataset(X[:80], label=Y[:80])
    lightgbm.train(
        {"objective": "binary", "learning_rate": 0.3, "verbose": -1},
        data, num_boost_round=20, valid_sets=[data.create_valid(X[80:], label=Y[80:])],
        callbacks=[lightgbm.early_stopping(2, verbose=False)],
    )  # fmt: skip


def keras(autolog_to: Callable[..., None]) -> None:
    autolog_to(checkpoint="best:val_loss")
    import keras

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    stop = keras.callbacks.EarlyStopping("val_loss", 10, patience=1, restore_best_weights=True)
    x_test, y_test = X[60:90], Y[60:90]
    model.fit(
        X, Y, epochs=4, validation_data=(X[80:], Y[80:]), callbacks=[stop], validation_split=0.0,
        verbose=0,
    )  # fmt: skip
    model.evaluate(x_test, y_test, verbose=0)


TRAININGS = {"XGBoost": xgboost, "LightGBM": lightgbm, "Keras": keras}


@pytest.mark.parametrize("title", TRAININGS)
def test_a_training_leaves_these_names(title: str, tmp_path: Path) -> None:
    name = title.lower()
    if not importlib.util.find_spec(name):
        pytest.skip(f"needs {name}")
    store = tmp_path / "store"

    def autolog_to(**options: Any) -> None:
        autolog.autolog(store, **{name: options})

    TRAININGS[title](autolog_to)
    autolog.disable()
    produced = {one for run in autolog.search_runs(backend=store) for one in _produced(run)}
    options = getattr(import_module(f"autolog.integrations.{name}"), f"{title.capitalize()}Options")
    produced |= {("option", field.name) for field in dataclasses.fields(options)}
    wanted = claimed(title)
    assert len(wanted) >= 10
    if not importlib.util.find_spec("matplotlib"):
        wanted = {one for one in wanted if not one[1].endswith(".png")}
    assert wanted - produced == set()


def _produced(run: RunView) -> set[tuple[str, str]]:
    parts: dict[str, Any] = {
        "param": run.params,
        "metric": run.metrics,
        "tag": run.tags,
        "table": run.tables,
        "artifact": run.artifacts,
        "role": [dataset["role"] for dataset in run.datasets.values()],
    }
    return {(part, name) for part, names in parts.items() for name in names}
