"""`autolog ls`, `show`, `compare`: the literal text for a small store."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from autolog.rendering.text import date

from .conftest import DAY, Story, Writer, run_id

Command = Callable[..., tuple[int, str, str]]


def circumstances(writer: Writer) -> Writer:
    """What every run of the demonstration has."""
    writer("system", "git", {"commit": "4be1c02" + "0" * 33, "dirty": True, "changed_count": 1})
    writer("system", "versions", {"python": "3.11.7", "scikit-learn": "1.9.0"})
    train = {"role": "train", "shape": [426, 30], "dtype": "float64"}
    return writer("dataset", "X_train", {**train, "digest": "full-v1:9c1e04a", "rule": "full-v1"})


def fit(story: Story, prefix: str, name: str, line: int, *, days: float, **facts: Any) -> Writer:
    writer = story.run(prefix, ago=days * DAY)
    site = f"demo.py:{line}"
    given = {"site": site, "group": f"{site} {name}", "library": "scikit-learn>=1.4", **facts}
    return circumstances(writer.opens(name, **given))


@pytest.fixture
def demo(told: Story) -> Story:
    mlp = fit(told, "9b17", "MLPClassifier", 31, days=4)
    mlp.params({"hidden_layer_sizes": [10]}, {"max_iter": 200})
    mlp.metric("loss", 5.0, 3.0, 2.0, 1.5, 1.0, unit="iteration")
    mlp.ends("failed", type="ValueError", message="Input X contains NaN", traceback="one\ntwo")
    cv = fit(told, "c2aa", "cross_validate ×5", 28, days=3)
    cv.metric("test_score", 0.9, 0.95, 0.93, 0.95, 0.93, unit="fold").ends(after=0.088)
    logreg = fit(told, "51d0", "Pipeline›LogReg", 17, days=2)
    logreg.params({"clf__C": 1.0}, {"clf__max_iter": 100})
    logreg.metric("accuracy_score_X_test", 0.979).metric("roc_auc_score_X_test", 0.996)
    logreg.ends(after=0.021)
    search = fit(told, "7f3c", "GridSearchCV 30×3", 21, days=1)
    search.params({"clf__C": 0.3}, {"clf__max_iter": 100, "estimator__clf__C": 1.0})
    call = "roc_auc_score(y_test, p[:, 1])"
    search.metric("accuracy_score_X_test", 0.986, call="accuracy_score(y_test, pred)", link="exact")
    search.metric("roc_auc_score_X_test", 0.997, call=call, site="demo.py:25", link="probable")
    scores = (0.921, 0.93, 0.94, 0.955, 0.965, 0.9742, 0.965, 0.955)
    search.metric("mean_test_score", *scores, unit="candidate")
    search("dataset", "X_test", {"role": "test", "shape": [143, 30], "digest": "full-v1:02bb7a"})
    search("model", "model", {"path": "model", "class": "Pipeline(LogReg)", "bytes": 3100})
    search("system", "autolog.overhead", 0.011).ends(after=4.12)
    for i in range(500):
        ridge = told.run(f"{i:05x}f", ago=5 * DAY + i).opens("Ridge", site="demo.py:41", light=True)
        ridge.params({"alpha": i}).metric("r2", i / 500).ends(after=0.001)
    return told


def test_ls(demo: Story, command: Command) -> None:
    code, out, err = command("ls")
    assert (code, err) == (0, "")
    assert out == (
        "wine/demo · 504 of 504 runs · ./autolog-runs\n"
        "same in all: data 9c1e04, git 4be1c02*, scikit-learn 1.9.0, metrics on X_test\n"
        "\n"
        "  ID    WHEN  MODEL              TIME      C  accuracy  roc_auc  SERIES\n"
        "★ 7f3c  1d    GridSearchCV 30×3  4.1s    0.3    0.9860  ~0.9970  ▁▂▃▆▇█▇▆ score 0.9742\n"
        "  51d0  2d    Pipeline›LogReg    21ms    1.0    0.9790   0.9960\n"
        "  c2aa  3d    cross_validate ×5  88ms      –         –        –  ▁█▅█▅ test_score 0.9320\n"
        "  9b17  4d    MLPClassifier      failed    –         –        –  █▅▃▂▁× loss\n"
        "▸ Ridge ×500  demo.py:41 (autolog ls --expand 41)  alpha 0 … 499  r2 0.000 … 0.9980\n"
        "\n"
        "9b17: ValueError: Input X contains NaN\n"
        "\n"
        "* uncommitted changes · ~ probable link\n"
    )


def test_ls_of_a_group(demo: Story, command: Command) -> None:
    _, out, _ = command("ls", "--expand", "41", "metrics.r2 > 0.993", "--order", "metrics.r2 desc")
    assert out == (
        "wine/demo · 3 of 504 runs · ./autolog-runs\n"
        "\n"
        "  ID     WHEN  MODEL  TIME  alpha      r2\n"
        "★ 001f3  5d    Ridge  1ms     499  0.9980\n"
        "  001f2  5d    Ridge  1ms     498  0.9960\n"
        "  001f1  5d    Ridge  1ms     497  0.9940\n"
    )


def test_ls_drops_columns_that_the_width_does_not_hold(
    demo: Story, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    _, out, _ = command("ls", "--limit", "2")
    table = out.splitlines()[3:6]
    assert table == [
        "  ID    WHEN  MODEL              TIME    C  accuracy  roc_auc",
        "★ 7f3c  1d    GridSearchCV 30×3  4.1s  0.3    0.9860  ~0.9970",
        "  51d0  2d    Pipeline›LogReg    21ms  1.0    0.9790   0.9960",
    ]


def test_ls_with_columns_of_one_s_own(demo: Story, command: Command) -> None:
    _, out, _ = command("ls", "--limit", "2", "--columns", "clf__max_iter, metrics.loss")
    assert out.splitlines()[3:6] == [
        "  ID    WHEN  MODEL              TIME  clf__max_iter  loss  SERIES",
        "  7f3c  1d    GridSearchCV 30×3  4.1s            100     –  ▁▂▃▆▇█▇▆ score 0.9742",
        "  51d0  2d    Pipeline›LogReg    21ms            100     –",
    ]


def test_ls_on_a_narrow_terminal_keeps_the_numbers(
    told: Story, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "GridSearchCV›Pipeline›RandomForestClassifier"
    search = told.run("a", ago=9).opens(name)
    search("param", "max_depth", 3)("param", "verbose", 1)(
        "dataset", "X_val", {"role": "validation"}
    )
    search.metric("f1_score_X_val", 0.5).metric("accuracy_score_X_val", 0.75)
    for step, score in enumerate((3.0, 2.0, 1.0)):
        search.metric("test_score", score, step=step, unit="fold")
    search.ends()
    told.run("b", ago=8).opens("SVC")("param", "max_depth", 4)("param", "verbose", 1).ends()
    monkeypatch.setenv("COLUMNS", "64")
    lines = command("ls")[1].splitlines()
    assert lines[1].endswith("metrics on X_val")
    assert lines[3:6] == [
        "  ID    WHEN  MODEL                 TIME      f1  accuracy",
        "  b000  8s    SVC                   1.0s       –         –",
        "  a000  9s    GridSearchCV›…›Rand…  1.0s  0.5000    0.7500",
    ]
    assert "– none yet" in lines[-1]


def test_the_star_goes_to_no_probable_metric_and_no_tie(told: Story, command: Command) -> None:
    told.run("a", ago=9).opens("A").metric("acc_score", 0.9).ends()
    told.run("b", ago=8).opens("B").metric("acc_score", 0.99, link="probable").ends()
    told.run("c", ago=7).opens("C").metric("acc_score", 0.8).ends()
    assert "★ a000" in command("ls")[1]
    told.run("d", ago=6).opens("D").metric("acc_score", 0.9).ends()
    assert "★" not in command("ls")[1]


def test_ls_shows_children_below_their_parent(told: Story, command: Command) -> None:
    told.run("a", ago=9 * DAY).opens("tuning", integration=None).ends(after=9)
    told.run("b", ago=8 * DAY).opens("Ridge", parent=run_id("a")).ends()
    _, alone, _ = command("ls")
    assert alone.splitlines() == [
        "wine/demo · 2 of 2 runs · ./autolog-runs",
        "",
        "  ID    WHEN  MODEL   TIME",
        "  a000  9d    tuning  9.0s",
    ]
    told.run("c", ago=7 * DAY).opens("Lasso", parent=run_id("a")).ends()
    for i in range(12):
        told.run(f"{i:04x}", ago=6 * DAY).opens("Net", parent=run_id("a"), site="n.py:3").ends()
    _, out, _ = command("ls")
    assert out.splitlines()[2:] == [
        "  ID    WHEN  MODEL    TIME",
        "  a000  9d    tuning   9.0s",
        "▸   Net ×12  n.py:3 (autolog ls --expand 3)",
        "  c000  7d    └ Lasso  1.0s",
        "  b000  8d    └ Ridge  1.0s",
    ]


def test_ls_has_a_block_for_each_experiment_and_a_limit_over_all(
    told: Story, command: Command
) -> None:
    for i, experiment in enumerate(["one", "two", "one"]):
        told.run(f"{i}a", ago=(i + 1) * DAY).opens("Ridge", experiment=experiment).ends()
    _, out, _ = command("ls")
    assert [line for line in out.splitlines() if "·" in line] == [
        "one · 2 of 2 runs · ./autolog-runs",
        "two · 1 of 1 runs · ./autolog-runs",
    ]
    _, out, _ = command("ls", "-n", "1")
    assert "one · 1 of 2 runs" in out
    assert "two" not in out


def test_ls_has_one_column_for_the_score_of_several_classes(told: Story, command: Command) -> None:
    for i, (name, score) in enumerate([("Ridge", 0.9), ("SVC", 0.8)]):
        run = told.run(f"{i}a", ago=(i + 1) * DAY).opens(name)
        run.metric(f"{name}_score_X", score).metric("Train_loss", 0.1).metric("Val_loss", 0.2)
        run.ends()
    _, out, _ = command("ls")
    head, *rows = out.splitlines()[2:4]
    assert "score_X  Train_loss  Val_loss" in head
    assert "0.9000" in rows[0]
    _, out, _ = command("ls", "--order", "metrics.SVC_score_X desc")
    assert "score_X" in out


def test_ls_shows_no_candidates_score_for_the_searchs(told: Story, command: Command) -> None:
    told.run("a").opens("cross_validate").metric("mean_test_score", 0.7).ends()
    told.run("b").opens("cross_validate").metric("mean_test_score", 0.8).ends()
    search = told.run("c").opens("GridSearchCV")
    search.metric("mean_test_score", 0.5, 0.9, 0.6, unit="candidate").ends()
    lines = command("ls")[1].splitlines()
    (row,) = [line for line in lines if "GridSearchCV" in line]
    assert "0.6000" not in row
    assert sum("0.7000" in line or "0.8000" in line for line in lines) == 2


def test_a_groups_line_says_what_the_width_holds(
    told: Story, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(12):
        run = told.run(f"{i:04x}").opens("Net", site="n.py:3").params({"C": i, "kind": f"k{i}"})
        run.metric("accuracy", 0.5 + i / 100).ends()
    line = "▸ Net ×12  n.py:3 (autolog ls --expand 3)  C 0 … 11  accuracy 0.5000 … 0.6100"
    assert line in command("ls")[1].splitlines()
    monkeypatch.setenv("COLUMNS", "60")
    assert "▸ Net ×12  n.py:3 (autolog ls --expand 3)  C 0 … 11" in command("ls")[1].splitlines()


def test_ls_of_nothing(told: Story, command: Command) -> None:
    assert command("ls")[1].startswith("no runs in ./autolog-runs yet: `autolog run train.py`")
    told.run("a").opens().ends()
    assert command("ls", "name = 'x'")[1] == "no run matches; 1 in ./autolog-runs\n"


def test_nothing_is_written_by_reading(told: Story, command: Command, tmp_path: Any) -> None:
    command("ls")
    assert list(tmp_path.iterdir()) == []


def test_ls_as_json(demo: Story, command: Command) -> None:
    code, out, _ = command("ls", "--json", "--limit", "1")
    assert code == 0
    (run,) = json.loads(out)
    assert run == {
        "id": run_id("7f3c"),
        "name": "GridSearchCV 30×3",
        "experiment": "wine/demo",
        "status": "finished",
        "error": None,
        "started": pytest.approx(demo.now - DAY),
        "ended": pytest.approx(demo.now - DAY + 4.12),
        "duration": pytest.approx(4.12),
        "parent": None,
        "only_child": None,
        "site": "demo.py:21",
        "params": {"clf__C": 0.3, "clf__max_iter": 100, "estimator__clf__C": 1.0},
        "metrics": {
            "accuracy_score_X_test": 0.986,
            "roc_auc_score_X_test": 0.997,
            "mean_test_score": 0.955,
        },
        "probable": ["roc_auc_score_X_test"],
        "tags": {},
    }
    assert out.isascii()


def test_show(demo: Story, command: Command) -> None:
    code, out, err = command("show")
    assert (code, err) == (0, "")
    assert out == (
        "7f3c000 GridSearchCV 30×3  finished · 4.12 s · autolog 11 ms (0.3 %)\n"
        "wine/demo  demo.py:21  git 4be1c02* (1 file)  Python 3.11  scikit-learn 1.9.0\n"
        f"started {date(demo.now - DAY)}\n"
        "METRICS\n"
        "  accuracy_score_X_test  0.9860  accuracy_score(y_test, pred)                exact\n"
        " ~roc_auc_score_X_test   0.9970  roc_auc_score(y_test, p[:, 1])  demo.py:25  probable\n"
        "PARAMS (1 set, 2 defaults: -v)\n"
        "  clf__C  0.3\n"
        "SERIES\n"
        "  mean_test_score  ▁▂▃▆▇█▇▆  0.9210 … 0.9742  last 0.9550  8 candidates\n"
        "DATA\n"
        "  train  X_train  426×30 float64  9c1e04 whole\n"
        "  test   X_test   143×30          02bb7a\n"
        "MODEL  Pipeline(LogReg) 3.1 kB, unsigned\n"
        '  autolog.load_model("7f3c/model")\n'
        "CHANGED since 51d0 Pipeline›LogReg\n"
        "  params   clf__C                 1.0 -> 0.3\n"
        "  metrics  accuracy_score_X_test  0.9790 -> 0.9860   ▲ 0.0070\n"
        "  metrics  roc_auc_score_X_test   0.9960 -> ~0.9970  ▲ 0.0010\n"
        "  same     code, environment, 1 param, 1 dataset\n"
    )


def test_show_of_a_failed_run_says_why_and_v_shows_defaults(demo: Story, command: Command) -> None:
    _, out, _ = command("show", "9b17", "-v")
    assert "9b17000 MLPClassifier  failed · 1.00 s\n" in out
    assert "ERROR  ValueError: Input X contains NaN\n  one\n  two\n" in out
    assert (
        "PARAMS (1 set, 1 default)\n  hidden_layer_sizes  [10]\n  max_iter            200\n" in out
    )


def test_a_series_that_is_drawn_from_a_sample_says_so(told: Story, command: Command) -> None:
    said = "long series are drawn from a sample of their points"
    told.run("a").opens().metric("loss", *map(float, range(250, 0, -1))).ends()
    assert "250 points\n" in command("show", "a")[1]
    told.run("b").opens("Lasso").metric("loss", *map(float, range(1000, 0, -1))).ends()
    assert "1,000 points, drawn from 2" in command("show", "b")[1]
    for words in (("ls",), ("compare", "a", "b")):
        assert said in command(*words)[1]
    assert said not in command("ls", "name = 'Ridge'")[1]


def test_show_says_whose_facts_it_shows(told: Story, command: Command) -> None:
    told.run("a").opens("tuning", integration=None).ends()
    told.run("b").opens("Ridge", parent=run_id("a")).params({"C": 1}).ends()
    assert "with the facts of its only child b000 Ridge\n" in command("show", "a")[1]
    assert "child of a000\n" in command("show", "b")[1]
    told.run("c").opens("Lasso", parent=run_id("a")).ends()
    out = command("show", "a")[1]
    assert "CHILDREN (2)\n  b000  Ridge  1.0s\n  c000  Lasso  1.0s\n" in out


def test_show_as_json_round_trips_hard_values(told: Story, command: Command) -> None:
    writer = told.run("a").opens().params({"x": float("inf"), "big": 2**70, "text": "\x1b[1m"})
    writer.metric("loss", float("nan")).ends()
    run = json.loads(command("show", "a", "--json")[1])
    assert run["params"] == {"x": {"$float": "inf"}, "big": {"$int": hex(2**70)}, "text": "\x1b[1m"}
    assert run["metrics"] == {"loss": {"$float": "nan"}}
    assert run["params_info"]["big"]["set"] is True
    assert run["metrics_info"]["loss"]["count"] == 1
