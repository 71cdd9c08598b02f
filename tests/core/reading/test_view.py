"""Runs as Python sees them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest
from sklearn.linear_model import Ridge

from autolog import models, process
from autolog.columns import uniform
from autolog.errors import NotFound, UntrustedModel, UsageError
from autolog.search import get_run, search_runs

from .conftest import Story, run_id


def test_a_run_shows_what_was_recorded(story: Story) -> None:
    writer = story.run("7f3c", ago=100).opens("Ridge", site="train.py:4")
    writer.params({"C": 0.3}, {"tol": 1e-4}).metric("rmse", 3, 2, 1, unit="epoch")
    writer("tag", "team", "red")("dataset", "X", {"role": "train"})("model", "model", {"path": "m"})
    writer("table", "coef", {"rows": 2})("system", "git", {"commit": "abc"})
    writer.ends("failed", after=4, type="ValueError", message="bad", traceback="tb")
    run = get_run(story.backend, "7f3c")
    assert (run.id, run.name, run.experiment) == (run_id("7f3c"), "Ridge", "wine/demo")
    assert (run.status, run.site, run.parent) == ("failed", "train.py:4", None)
    assert run.error == ("ValueError", "bad", "tb")
    assert str(run.error) == "ValueError: bad"
    assert run.started == datetime.fromtimestamp(story.now - 100, UTC)
    assert run.ended == datetime.fromtimestamp(story.now - 96, UTC)
    assert run.duration == pytest.approx(4)
    assert run.params == {"C": 0.3, "tol": 1e-4}
    assert [run.facts("param")[key].set for key in ("C", "tol")] == [True, False]
    assert run.metrics == {"rmse": 1}
    assert run.tags == {"team": "red"}
    assert (run.datasets["X"]["role"], run.models["model"]["path"]) == ("train", "m")
    assert (run.tables["coef"], run.system["git"]) == ({"rows": 2}, {"commit": "abc"})
    assert repr(run) == "<autolog run 7f3c0000 Ridge failed 4.0s>"


def test_a_view_cannot_be_changed(story: Story) -> None:
    story.run("a").opens().params({"C": 1}).ends()
    run = get_run(story.backend, "a")
    for mapping in (run.params, run.metrics, run.tags, run.datasets):
        with pytest.raises(TypeError):
            mapping["C"] = 2  # type: ignore[index]
    with pytest.raises(AttributeError):
        run.name = "other"  # type: ignore[misc]


def test_history_has_points_and_hides_what_a_later_attempt_superseded(story: Story) -> None:
    first = story.run("a", ago=100).opens().metric("loss", 9, 8, 7, unit="epoch")
    story.run("a", ago=50).opens(attempt=2)("metric", "loss", 5, 2)("metric", "loss", 4, 3)
    run = get_run(story.backend, "a")
    history = run.history("loss")
    assert [(point.step, point.value) for point in history] == [(0, 9), (1, 8), (2, 5), (3, 4)]
    assert [point.value for point in run.history("loss", attempt=1)] == [9, 8, 7]
    assert history[0].time == first.start
    assert [point.attempt for point in history] == [1, 1, 2, 2]
    assert (len(history), history[-1].value, history.key) == (4, 4, "loss")
    with pytest.raises(NotFound, match="did you mean 'loss'"):
        run.history("los")


def test_an_only_child_s_facts_are_its_parent_s_and_own_values_win(story: Story) -> None:
    hand = story.run("a", ago=100).opens("tuning", integration=None).params({"C": 9})
    hand.ends(after=50)
    child = story.run("b", ago=90).opens("Ridge", parent=run_id("a"))
    child.params({"C": 1, "tol": 2}).metric("rmse", 0.5, 0.4)("dataset", "X", {"role": "train"})
    child("model", "model", {"path": "model"}).ends()
    run = get_run(story.backend, "a")
    assert run.params == {"C": 9, "tol": 2}
    assert (run.metrics, list(run.datasets)) == ({"rmse": 0.4}, ["X"])
    assert [point.value for point in run.history("rmse")] == [0.5, 0.4]
    assert run.only_child is not None
    assert [one.name for one in run.children()] == ["Ridge"]
    assert [one.id[0] for one in search_runs(story.backend, "params.tol = 2")] == ["b", "a"]
    story.run("c", ago=80).opens("Lasso", parent=run_id("a")).params({"alpha": 1}).ends()
    run = get_run(story.backend, "a")
    assert (run.params, run.metrics, run.only_child) == ({"C": 9}, {}, None)
    assert [one.name for one in run.children()] == ["Ridge", "Lasso"]


def test_an_integration_s_only_child_keeps_its_facts_to_itself(story: Story) -> None:
    story.run("a").opens("GridSearchCV").ends()
    story.run("b").opens("Ridge", parent=run_id("a")).params({"C": 1}).ends()
    assert get_run(story.backend, "a").params == {}


def test_runs_that_are_each_other_s_parents_do_no_harm(story: Story) -> None:
    story.run("a").opens("a", integration=None, parent=run_id("b")).params({"x": 1}).ends()
    story.run("b").opens("b", integration=None, parent=run_id("a")).params({"y": 2}).ends()
    assert get_run(story.backend, "a").params == {"x": 1, "y": 2}
    story.run("c").opens("c", integration=None, parent=run_id("c")).params({"z": 3}).ends()
    assert get_run(story.backend, "c").params == {"z": 3}
    assert len(repr(search_runs(story.backend)).splitlines()) >= 5


def test_artifacts_are_read_and_named(story: Story, tmp_path: Path) -> None:
    story.run("a").opens().ends()
    with story.backend.create_artifact(run_id("a"), "notes/a.txt") as stream:
        stream.write("grüße\xff".encode("latin-1"))
    run = get_run(story.backend, "a")
    assert run.artifacts == ["notes/a.txt"]
    artifact = run.artifact("notes/a.txt")
    assert artifact.read() == "grüße\xff".encode("latin-1")
    assert "gr" in artifact.text()
    assert artifact.path is None
    with pytest.raises(NotFound, match=r"did you mean 'notes/a\.txt'"):
        run.artifact("notes/b.txt")


def test_a_local_artifact_has_a_path(told: Story) -> None:
    told.run("a").opens().ends()
    with told.backend.create_artifact(run_id("a"), "x.bin") as stream:
        stream.write(b"x")
    path = get_run(told.backend, "a").artifact("x.bin").path
    assert path is not None
    assert path.read_bytes() == b"x"


def test_load_model_asks_for_a_model_that_is_there(story: Story) -> None:
    story.run("a").opens().ends()
    with pytest.raises(NotFound, match="has no model 'model'"):
        get_run(story.backend, "a").load_model()


def test_a_model_is_loaded_from_any_store_and_from_the_only_child(story: Story) -> None:
    model = Ridge(alpha=0.5).fit([[0.0], [1.0]], [0.0, 1.0])
    story.run("a").opens("by hand", integration=None).ends()
    child = story.run("b").opens("Ridge", parent=run_id("a"))
    flavor = models.flavor_for(model)
    assert flavor is not None
    facts = models.save(
        model,
        flavor,
        lambda name: story.backend.create_artifact(run_id("b"), f"best/{name}"),
        limit=10**6,
    )
    child("model", "best", {"path": "best", **facts}).ends()
    for name in ("a", "b"):
        run = get_run(story.backend, name)
        with pytest.raises(UntrustedModel):
            run.load_model("best")
        assert run.load_model("best", trust=True).coef_ == model.coef_


# -- status ------------------------------------------------------------------------------------


def test_an_end_decides_whatever_lives(story: Story) -> None:
    for prefix, status in (("a", "finished"), ("b", "failed"), ("c", "killed")):
        writer = story.run(prefix).opens(**process.this_process()).ends(status)
        assert get_run(story.backend, writer.run).status == status


def test_a_live_process_is_running_and_a_dead_one_lost(story: Story) -> None:
    story.run("a", ago=1e6).opens(**process.this_process())
    assert get_run(story.backend, "a").status == "running"
    code = "import json; from autolog import process; print(json.dumps(process.this_process()))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    story.run("b", ago=1).opens(**json.loads(printed.stdout))
    assert get_run(story.backend, "b").status == "lost"
    story.run("b", ago=1).opens(attempt=2, **process.this_process())
    assert get_run(story.backend, "b").status == "running"


def test_one_live_process_of_several_is_enough(story: Story) -> None:
    gone = {**process.this_process(), "pid": 2**22 + 12345}
    story.run("a", ago=9).opens(**gone)
    story.run("a", ago=9).opens(**process.this_process())
    assert get_run(story.backend, "a").status == "running"


def test_on_another_machine_the_age_of_the_newest_record_decides(story: Story) -> None:
    story.run("a", ago=3600).opens(boot="other")
    assert get_run(story.backend, "a").status == "lost"
    story.run("a", ago=10, writer="f" * 32).opens(boot="other")
    assert get_run(story.backend, "a").status == "running"


def test_a_mark_says_killed_unless_it_leads_out_of_the_store(told: Story, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mark")
    (tmp_path / "autolog-runs" / "marks").mkdir(parents=True)
    for name, text in (("full", "Fatal"), ("empty", "")):
        (tmp_path / "autolog-runs" / "marks" / name).write_text(text)
    gone = {**process.this_process(), "pid": 2**22 + 12345}
    expected = {"marks/full": "killed", "marks/empty": "lost", "marks/none": "lost"}
    expected |= {"../outside": "lost", str(tmp_path / "outside"): "lost", "a\0b": "lost"}
    for i, (mark, status) in enumerate(expected.items()):
        told.run(f"{i}").opens(**gone, mark=mark)
        assert get_run(told.backend, f"{i}0").status == status, mark


# -- many runs ---------------------------------------------------------------------------------


@pytest.fixture
def two(story: Story) -> Any:
    story.run("a", ago=100).opens("Ridge").params({"C": 1, "x": "1"}).metric("r2", 0.5).ends()
    writer = story.run("b", ago=50).opens("Lasso").params({"C": 0.5, "x": [1]})
    writer.metric("r2", math.nan).metric("auc", 0.9, link="probable")("tag", "t", "v").ends()
    return search_runs(story.backend)


def test_runs_are_a_sequence(two: Any) -> None:
    assert (len(two), two[0].name, two[-1].name) == (2, "Lasso", "Ridge")
    assert [run.name for run in two[1:]] == ["Ridge"]
    assert type(two[:1]) is type(two)
    assert repr(two[:0]) == "<no runs>"
    assert "Lasso" in repr(two)


def test_to_pandas(two: Any) -> None:
    frame = two.to_pandas()
    columns = ["id", "name", "experiment", "status", "started", "duration"]
    columns += ["params.C", "params.x", "metrics.r2", "metrics.~auc", "tags.t"]
    assert list(frame.columns) == columns
    assert frame["params.C"].tolist() == [0.5, 1]
    assert frame["params.x"].tolist() == [[1], "1"]
    assert isinstance(frame["started"].dtype, pandas.DatetimeTZDtype)


def test_to_polars_and_arrow_have_columns_of_one_type(two: Any) -> None:
    frame, table = two.to_polars(), two.to_arrow()
    assert frame["params.C"].to_list() == [0.5, 1.0]
    assert frame["params.x"].to_list() == ["[1]", "1"]
    assert frame["started"].dtype == polars.Datetime("us", "UTC")
    assert table.schema.field("params.C").type == pyarrow.float64()
    assert table.column("tags.t").to_pylist() == ["v", None]
    assert math.isnan(table.column("metrics.r2").to_pylist()[0])


def test_columns_of_mixed_types_become_text_and_lose_nothing() -> None:
    assert uniform([1, 2.5, None]) == [1.0, 2.5, None]
    assert uniform([2**53 + 1, 0.5]) == [str(2**53 + 1), "0.5"]
    assert uniform([2**64, 1]) == [str(2**64), "1"]
    assert uniform([True, 1]) == ["True", "1"]
    assert uniform([10**400, 0.5]) == [str(10**400), "0.5"]


def test_html_is_escaped(story: Story) -> None:
    evil = "<script>alert('1')</script>\x1b[31m"
    writer = story.run("a").opens(evil, experiment=evil).params({evil: evil}).metric(evil, 1.0)
    writer("dataset", evil, {"role": evil, "shape": [evil], "digest": evil})
    writer.ends("failed", type=evil, message=evil)
    for html in (
        get_run(story.backend, "a")._repr_html_(),
        search_runs(story.backend)._repr_html_(),
    ):
        assert "<script" not in html
        assert "\x1b" not in html
        assert "&lt;script&gt;" in html


def test_records_of_any_shape_are_shown_without_an_error(story: Story) -> None:
    """A foreign store: every value where another type is expected."""
    for i, value in enumerate([None, 3, "text", [1], {"x": 1}, True]):
        writer = story.run(f"{i}a")
        writer(
            "run",
            "",
            {
                "name": value,
                "experiment": value,
                "parent": value,
                "site": value,
                "library": value,
                "group": value,
                "pid": value,
                "boot": value,
            },
        )
        for kind in ("param", "tag", "dataset", "model", "table", "system", "artifact"):
            writer(kind, "key", value)
        writer("system", "git", {"commit": value, "dirty": value, "changed_count": value})
        writer("system", "versions", value)("system", "autolog.overhead", value)
        writer("dataset", "d", {"role": value, "shape": value, "digest": value, "rule": value})
        writer("model", "m", {"path": value, "class": value, "bytes": value, "error": value})
        writer("metric", "x", 1.0, call=value, site=value, unit=value, link=value)
        writer("end", "", {"status": value, "error": {"type": value}} if i % 2 else value)
    from autolog.comparing import compare
    from autolog.rendering.comparing import comparison_lines
    from autolog.rendering.jsonform import run_json
    from autolog.rendering.showing import run_lines
    from autolog.search import short_ids

    runs = search_runs(story.backend)
    ids = short_ids([run.id for run in runs])
    assert len(runs) == 6
    assert repr(runs)
    assert runs._repr_html_()
    for run in runs:
        assert run_lines(run, ids, verbose=True, since=compare([runs[0], run]))
        assert run._repr_html_()
        assert run_json(run, full=True)["id"] == run.id
    assert comparison_lines(compare(runs), ids)


def test_reading_loads_no_table_library(told: Story) -> None:
    told.run("a").opens().params({"C": 1}).ends()
    code = (
        "import sys; from autolog.search import search_runs; "
        "from autolog.opening import open_default; "
        "assert len(search_runs(open_default())) == 1; "
        "print(*{'pandas', 'polars', 'pyarrow', 'numpy', 'sqlite3'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == b""


def test_a_table_library_that_is_missing_is_named(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match="pip install polars"):
        two.to_polars()
