"""What `exclude` leaves out: classes, kinds of estimators and of records; wrong words are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autolog
from autolog.errors import UsageError

X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
Y = [0, 1, 0, 1, 0, 1]


def names(store: Path) -> list[str]:
    return sorted(run.name for run in autolog.search_runs(backend=str(store)))


def train(store: Path, *exclude: str) -> None:
    autolog.autolog(backend=str(store), exclude=exclude)
    KMeans(2, n_init=1).fit(X)
    LogisticRegression().fit(X, Y)
    make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    cross_val_score(LogisticRegression(), X, Y, cv=3)
    autolog.disable()


PIPELINE = "Pipeline›LogisticRegression"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["kind:clusterer"], ["LogisticRegression", PIPELINE, "cross_val_score"]),
        (["kind:class*"], ["KMeans"]),
        (["kind:classifier", "KMeans"], []),
        (["LogisticReg*"], ["KMeans", PIPELINE]),
        (["sklearn.cluster.*"], ["LogisticRegression", PIPELINE, "cross_val_score"]),
    ],
)
def test_classes_and_kinds_are_left_alone(store: Path, words: list[str], left: list[str]) -> None:
    train(store, *words)
    assert names(store) == left


def recorded(store: Path, *exclude: str) -> Any:
    autolog.autolog(backend=str(store), exclude=exclude)
    with autolog.start_run("by hand") as run:
        LogisticRegression().fit(X, Y)
        run.log_param("verbosity", 3)
        run.log_metric("loss", 0.5)
        run.log_table("big", {"a": list(range(100_000))})
        run.log_table("small", {"a": [1]})
        run.log_artifact(b"x", "notes/a.txt")
        run.log_artifact(b"x", "other.txt")
        run.log_dataset("train", X, name="mine")
    autolog.disable()
    return autolog.get_run(run.id, backend=str(store))


def test_without_the_setting_all_is_there(store: Path) -> None:
    run = recorded(store)
    assert {"verbosity", "verbose", "C"} <= set(run.params)
    assert set(run.datasets) == {"X", "mine"}
    assert {"big", "small"} <= set(run.tables)
    assert {"notes/a.txt", "other.txt", "model/MLmodel"} <= set(run.artifacts)
    assert any(path.startswith("code/") for path in run.artifacts)


def test_kinds_of_records_are_left_out_with_their_files(store: Path) -> None:
    run = recorded(
        store,
        "record:params:*verbos*",
        "record:dataset",
        "record:model",
        "record:table:b*",
        "record:artifact:code/*",
        "record:artifact:notes/*",
        "record:metric:l*",
        "record:system:git",
        "record:tag:estimator_*",
    )
    assert "C" in run.params
    assert not {"verbosity", "verbose"} & set(run.params)
    assert (dict(run.datasets), dict(run.models)) == ({}, {})
    assert "big" not in run.tables
    assert "small" in run.tables
    assert run.artifacts == ["other.txt"]
    assert "loss" not in run.metrics
    assert "git" not in run.system
    assert "packages" in run.system or "versions" in run.system
    (child,) = run.children()
    assert set(child.tags) == {"sklearn_version"}


def test_all_kinds_leave_a_run_that_starts_and_ends(store: Path) -> None:
    from autolog.excluding import RECORDS

    run = recorded(store, *(f"record:{kind}" for kind in RECORDS))
    assert (run.status, run.name) == ("finished", "by hand")
    assert (dict(run.params), dict(run.system), run.artifacts) == ({}, {}, [])


def test_settings_that_change_count_for_the_runs_after(store: Path) -> None:
    autolog.autolog(backend=str(store))
    LogisticRegression().fit(X, Y)
    autolog.autolog(backend=str(store), exclude="record:param record:model")
    LogisticRegression().fit(X, Y)
    autolog.disable()
    after, before = autolog.search_runs(backend=str(store))
    assert (bool(before.params), bool(after.params)) == (True, False)
    assert (bool(before.models), bool(after.models)) == (True, False)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("recrod:param", "did you mean 'record:param'"),
        ("record:parms", "did you mean param?"),
        ("record:", "record"),
        ("clusterer:", "did you mean 'kind:clusterer'"),
        ("kind:clusterar", "did you mean clusterer?"),
    ],
)
def test_a_wrong_word_is_told_with_the_near_one(store: Path, word: str, says: str) -> None:
    with pytest.raises(UsageError, match="exclude") as told:
        autolog.autolog(backend=str(store), exclude=word)
    assert says in str(told.value)
    assert not store.exists()


def test_kinds_of_two_words_are_written_with_a_dash(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.ensemble import IsolationForest

    monkeypatch.setenv("AUTOLOG_EXCLUDE", "kind:outlier-detector record:artifact:code/*")
    autolog.autolog(backend=str(store))
    IsolationForest(n_estimators=2).fit(X)
    LogisticRegression().fit(X, Y)
    autolog.disable()
    assert names(store) == ["LogisticRegression"]
