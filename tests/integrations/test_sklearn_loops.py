"""Loops: over `partial_fit`, over many fits of one line, and runs by hand round them."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import IncrementalPCA
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import autolog
from autolog.view import RunView

X, y = load_iris(return_X_y=True)
Only = Callable[[], RunView]
Runs = Callable[[], list[RunView]]
pytestmark = pytest.mark.filterwarnings("ignore")


def loop(model: Any, calls: int = 3, **extra: Any) -> Any:
    """`partial_fit` on parts of iris; the model."""
    for part in range(calls):
        rows = slice(part * 50 % 150, part * 50 % 150 + 50)
        model.partial_fit(X[rows], y[rows], **extra)
    return model


# -- partial_fit -----------------------------------------------------------------------------


def test_a_loop_is_one_run_with_steps(runs: Runs) -> None:
    model = loop(MLPClassifier((3,), alpha=0.01, random_state=0), calls=4, classes=[0, 1, 2])
    (run,) = runs()
    assert run.status == "running"
    assert run.name == "MLPClassifier"
    assert run.params["alpha"] == 0.01
    history = run.history("samples_seen")
    assert [(p.step, p.value) for p in history] == [(0, 50), (1, 100), (2, 150), (3, 200)]
    assert history.unit == "partial_fit call"
    assert [p.value for p in run.history("loss")] == model.loss_curve_


def test_the_model_is_saved_as_it_was_at_the_instances_death(run: Only) -> None:
    model = loop(SGDClassifier(random_state=0), classes=[0, 1, 2])
    coefficients = model.coef_.copy()
    del model
    gc.collect()
    found = run()
    assert found.status == "finished"
    loaded = found.load_model(trust=True)
    assert (loaded.coef_ == coefficients).all()
    assert found.tables["coef"]


def test_disabling_ends_the_loop_with_its_model(uri: str, run: Only) -> None:
    model = loop(MLPClassifier((3,), random_state=0), classes=[0, 1, 2])
    autolog.disable()
    found = run()
    assert found.status == "finished"
    assert (found.load_model(trust=True).predict(X) == model.predict(X)).all()
    assert [p.value for p in found.history("loss")][-1] == model.loss_


def test_two_instances_are_two_runs_though_their_calls_alternate(runs: Runs) -> None:
    models = [SGDClassifier(alpha=a, random_state=0) for a in (0.1, 0.2)]
    for _ in range(3):
        for model in models:
            model.partial_fit(X, y, classes=[0, 1, 2])
    assert sorted(run.params["alpha"] for run in runs()) == [0.1, 0.2]
    assert [len(run.history("samples_seen")) for run in runs()] == [3, 3]


def test_a_failing_call_fails_the_loop(run: Only) -> None:
    model = loop(SGDClassifier(), classes=[0, 1, 2])
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], y)
    assert run().status == "failed"
    assert run().error is not None


def test_loops_of_a_clustering_and_a_decomposition(runs: Runs) -> None:
    kept = [loop(MiniBatchKMeans(2, n_init=1)), loop(IncrementalPCA(2))]
    assert [run.name for run in runs()] == ["MiniBatchKMeans", "IncrementalPCA"]
    assert len(kept) == 2


def test_a_scaler_fed_in_parts_opens_no_run(runs: Runs) -> None:
    scaler = loop(StandardScaler())
    assert scaler.n_samples_seen_ == 150
    assert runs() == []


def test_partial_fit_inside_fit_is_silent(run: Only) -> None:
    IncrementalPCA(2, batch_size=50).fit(X)
    assert run().status == "finished"


# -- many fits -------------------------------------------------------------------------------


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A local store whose runs are light after three of one line, of which two keep models."""
    monkeypatch.setenv("AUTOLOG_LIGHT_AFTER", "3")
    monkeypatch.setenv("AUTOLOG_KEEP_MODELS", "2")
    store = str(tmp_path / "autolog-runs")
    autolog.autolog(store)
    return store


def test_later_runs_of_one_line_are_light(few: str) -> None:
    for alpha in range(1, 11):
        Ridge(alpha=alpha).fit(X, y)
    Ridge(alpha=11).fit(X, y)
    found = list(autolog.search_runs(backend=few, order_by="params.alpha ASC"))
    assert [run.params["alpha"] for run in found] == list(range(1, 12))
    assert {run.status for run in found} == {"finished"}
    assert ["path" in run.models["model"] for run in found] == [True] * 3 + [False] * 5 + [True] * 3
    assert all(("intercept" in run.metrics) for run in found)
    full = [(Path(few) / run.id).exists() for run in found]
    assert full[:3] == [True] * 3
    assert full[-1], "another line begins its own group"
    assert found[9].load_model(trust=True).alpha == 10


def test_the_best_of_the_light_runs_keeps_its_model(few: str) -> None:
    best = 5
    for i in range(9):
        alpha = 0.001 if i == best else 1e6
        GridSearchCV(Ridge(), {"alpha": [alpha]}, cv=KFold(3, shuffle=True, random_state=0)).fit(
            X, y
        )
    found = list(autolog.search_runs(backend=few))[::-1]
    kept = ["path" in run.models["model"] for run in found]
    scores = [run.metrics["best_score"] for run in found]
    assert scores.index(max(scores)) == best
    assert kept == [True] * 3 + [False, False, True, False, True, True]


# -- runs by hand ----------------------------------------------------------------------------


def test_trainings_are_children_of_the_run_by_hand(runs: Runs) -> None:
    with autolog.start_run("tuning") as outer:
        assert autolog.active_run() is outer
        for alpha in (1, 2):
            Ridge(alpha=alpha).fit(X, y)
        autolog.log_metric("best", 2)
        model = loop(SGDClassifier(), classes=[0, 1, 2])
    tuning = autolog.get_run(outer.id, backend=_backend())
    assert [child.name for child in tuning.children()] == ["Ridge", "Ridge", "SGDClassifier"]
    assert tuning.metrics["best"] == 2
    assert tuning.status == "finished"
    assert len(runs()) == 4
    assert model is not None


def _backend() -> Any:
    from autolog import api

    assert api.state.settings is not None
    return api.state.settings.backend[0]


def test_an_only_child_speaks_for_its_parent(runs: Runs) -> None:
    with autolog.start_run("by hand") as outer:
        Ridge(alpha=9).fit(X, y)
    shown = autolog.get_run(outer.id, backend=_backend())
    assert shown.params["alpha"] == 9
    assert "path" in shown.models["model"]
    assert len(runs()) == 2


def test_what_is_logged_after_a_fit_belongs_to_it(run: Only) -> None:
    Ridge().fit(X, y)
    autolog.log_metric("rmse", 0.5)
    autolog.log_param("note", "after")
    autolog.set_tag("stage", "test")
    found = run()
    assert found.metrics["rmse"] == 0.5
    assert found.params["note"] == "after"
    assert found.tags["stage"] == "test"
    assert found.status == "finished"


def test_what_is_logged_in_a_callback_belongs_to_the_training(run: Only) -> None:
    def score(estimator: Any, X: Any, y: Any) -> float:
        autolog.log_metric("asked", 1)
        return 0.0

    GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2, scoring=score).fit(X, y)
    assert len(run().history("asked")) == 4


def test_resuming_by_id_is_an_attempt(runs: Runs) -> None:
    name = secrets.token_hex(16)

    def break_off() -> None:
        with autolog.start_run("first", id=name) as run:
            run.log_metric("loss", 3.0, step=0)
            run.log_metric("loss", 2.0, step=1)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        break_off()
    with autolog.start_run("first", id=name) as run:
        run.log_metric("loss", 1.5, step=1)
        run.log_metric("loss", 1.0, step=2)
    (found,) = runs()
    assert found.status == "finished"
    assert [(p.step, p.value) for p in found.history("loss")] == [(0, 3.0), (1, 1.5), (2, 1.0)]
    assert [p.value for p in found.history("loss", attempt=1)] == [3.0, 2.0]


def test_the_blocks_error_is_the_runs(runs: Runs) -> None:
    def broken() -> float:
        with autolog.start_run("broken"):
            Ridge().fit(X, y)
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        broken()
    outer, inner = runs()
    assert (outer.status, inner.status) == ("failed", "finished")
    assert outer.error is not None
    assert outer.error.type == "ZeroDivisionError"


def test_paused_nests(runs: Runs) -> None:
    with autolog.paused():
        with autolog.paused():
            Ridge().fit(X, y)
        Ridge().fit(X, y)
        LogisticRegression().fit(X, y)
    Ridge().fit(X, y)
    assert [run.name for run in runs()] == ["Ridge"]
