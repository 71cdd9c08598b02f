"""Beside MLflow's autologging, enabled in any order: both record what they record alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

for library in ("mlflow", "sklearn"):
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed", allow_module_level=True)

PROGRAM = """
import json, logging, os, sys, warnings
warnings.simplefilter("ignore")
import mlflow
from autolog import autolog
logging.getLogger("mlflow").setLevel("ERROR")
mlflow.set_tracking_uri(os.environ["ML_STORE"])

def ml(**options):
    mlflow.sklearn.autolog(log_models=False, log_datasets=False, **options)

STEPS = {
    "mlflow": ml,
    "-mlflow": lambda: ml(disable=True),
    "autolog": autolog,
    "-autolog": autolog.disable,
    "sklearn": lambda: __import__("sklearn.ensemble", fromlist=["_"]),
}

def counts():
    ours = autolog.search_runs() if os.path.exists(os.environ["AUTOLOG_BACKEND"]) else ()
    return len(ml_runs()), len(ours)

def ml_runs():
    return mlflow.search_runs(output_format="list")
"""

TRAINING = """
for step in sys.argv[1:]: STEPS[step]()
import numpy as np
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

np.random.seed(1)
X = np.random.default_rng(0).random((60, 3))
y = (X.sum(axis=1) > 1.5).astype(int)
pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
predicted = pipeline.predict(X)
found = [predicted.tolist(), accuracy_score(y, predicted), metrics.f1_score(y, predicted)]
search = GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}).fit(X, y)
found += [search.best_params_, search.best_score_, search.score(X, y)]
found += [search.best_estimator_.coef_.tolist()]
found += [PCA(2).fit_transform(X).tolist()]
loop = SGDClassifier(random_state=0)
for _ in range(3): loop.partial_fit(X, y, classes=[0, 1])
found += [loop.coef_.tolist(), loop.score(X, y), np.random.random()]
try:
    LogisticRegression(C="wrong").fit(X, y)
except Exception as error:
    found += [type(error).__name__, str(error)]
theirs = [
    # MLflow writes the params of a fit that fails on a thread of its own, late or never.
    [run.info.status, run.info.status == "FAILED" or run.data.params, sorted(run.data.metrics)]
    for run in ml_runs()
]
from autolog.reporting import notes
STEPS["-autolog"]()
print(json.dumps([found, sorted(theirs, key=str), [note.text for note in notes()]]))
"""

ORDERS = (
    ("autolog", "mlflow"),
    ("mlflow", "autolog"),
    ("autolog", "sklearn", "mlflow"),
)


def play(folder: Path, source: str, *arguments: str) -> Any:
    """What the program printed as JSON."""
    folder.mkdir()
    env = {
        **os.environ,
        "ML_STORE": (folder / "mlruns").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",  # a database would need the whole of MLflow
        "AUTOLOG_BACKEND": str(folder / "autolog-runs"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "AUTOLOG_STRICT": "1",
        "PYTHONHASHSEED": "0",
    }
    program = folder / "train.py"
    program.write_text(PROGRAM + source)
    command = [sys.executable, str(program), *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "autolog:" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What the training finds and MLflow records without us."""
    folder = tmp_path_factory.mktemp("beside")
    found, theirs, _ = play(folder / "mlflow", TRAINING, "mlflow")
    assert len(theirs) >= 6
    return found, theirs


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What we record without MLflow's autologging."""
    folder = tmp_path_factory.mktemp("beside")
    play(folder / "autolog", TRAINING, "autolog")
    return summary(folder / "autolog" / "autolog-runs")


def summary(store: Path) -> list[Any]:
    """All that is no matter of time."""
    return [repr(facts(run)) for run in list(autolog.search_runs(backend=store))[::-1]]


def facts(run: RunView) -> Any:
    # Which is said first, the progress of a search or its first score, is a matter of time.
    metrics = sorted((key, value) for key, value in run.metrics.items() if "time" not in key)
    datasets = {name: (data["role"], data["digest"]) for name, data in run.datasets.items()}
    return run.name, run.status, run.params, metrics, datasets, sorted(run.models), run.site


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_both_record_what_they_record_alone(
    tmp_path: Path, alone: tuple[Any, Any], ours: Any, order: tuple[str, ...]
) -> None:
    found, theirs, notes = play(tmp_path / "both", TRAINING, *order)
    assert found == alone[0]
    assert theirs == alone[1]
    assert summary(tmp_path / "both" / "autolog-runs") == ours
    on_top = [note for note in notes if "pass through below another tool's patch" in note]
    assert len(on_top) == (order[-1] == "mlflow")
    assert [note for note in notes if note not in on_top] == []


SEQUENCES = """
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.pipeline import Pipeline
X, y = [[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0]
Ridge().fit(X, y)
watched = (Ridge, SGDClassifier, Pipeline)
before = [dict(vars(cls)) for cls in watched]
told = []
for sequence in sys.argv[1:]:
    added = []
    for step in sequence.split():
        STEPS[step]()
        theirs, ours = counts()
        Ridge().fit(X, y)
        Pipeline([("ridge", Ridge())]).fit(X, y)
        now = counts()
        added.append([now[0] - theirs, now[1] - ours])
    same = [
        {key: value for key, value in vars(cls).items() if key != "__slotnames__"} == old
        and all(vars(cls)[key] is value for key, value in old.items())
        for cls, old in zip(watched, before)
    ]
    told.append([sequence, added, all(same)])
print(json.dumps(told))
"""


def test_switching_one_off_leaves_the_other_in_force(tmp_path: Path) -> None:
    both, theirs, ours, none = [2, 2], [2, 0], [0, 2], [0, 0]
    expected = {
        "autolog mlflow -autolog -mlflow -autolog": [ours, both, theirs, none, none],
        "autolog mlflow -mlflow -autolog": [ours, both, ours, none],
        "mlflow autolog -autolog -mlflow": [theirs, both, theirs, none],
        "mlflow autolog -mlflow -autolog": [theirs, both, ours, none],
        "mlflow autolog mlflow autolog -mlflow -autolog": [theirs, both, both, both, ours, none],
        "autolog mlflow -autolog autolog -mlflow -autolog": [
            *(ours, both, theirs, both, ours, none)
        ],
    }
    told = play(tmp_path / "sequences", SEQUENCES, *expected)
    assert {sequence: added for sequence, added, _ in told} == expected
    assert all(clean for _, _, clean in told)
