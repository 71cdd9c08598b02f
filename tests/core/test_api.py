"""The public calls: enabling, runs by hand, what is logged where, reading back."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog import opening, reporting
from autolog.errors import NotFound, UsageError
from autolog.testing import breaking


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A store in memory that is recorded into."""
    name = f"memory:{tmp_path}"
    autolog.autolog(name)
    return name


def only(uri: Any) -> Any:
    """The one run of a store."""
    (run,) = autolog.search_runs(backend=uri)
    return run


# -- the object ------------------------------------------------------------------------------


def test_module_and_callable_are_one_object() -> None:
    assert autolog.autolog is autolog
    from autolog import autolog as imported

    assert imported is autolog
    assert set(autolog.PUBLIC) <= set(dir(autolog))
    assert all(callable(getattr(autolog, name)) for name in autolog.PUBLIC)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        autolog.nothing_like_it  # noqa: B018


def test_enabling_imports_no_library_and_writes_nothing(tmp_path: Path) -> None:
    source = f"""
import sys, autolog
autolog(backend={str(tmp_path / "store")!r})
heavy = {{"numpy", "pandas", "sklearn", "sqlite3", "http", "wrapt", "msgspec", "cryptography"}}
assert not heavy & {{name.partition(".")[0] for name in sys.modules}}, heavy & set(sys.modules)
import json, csv
assert "wrapt" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", source], check=True, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"nonsense": 1},
        {"light_after": "many"},
        {"sklearn": {"no_such_option": 1}},
        {"sklearn": {"model_format": "tar"}},
        {"no_such_library": {"models": False}},
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_before_anything_changes(bad: Any, tmp_path: Path) -> None:
    import sklearn  # noqa: F401

    finders, environment = list(sys.meta_path), dict(os.environ)
    with pytest.raises(UsageError):
        autolog.autolog(f"memory:{tmp_path}", **bad)
    assert sys.meta_path == finders
    assert dict(os.environ) == environment


def test_a_second_call_changes_the_settings_alone(tmp_path: Path) -> None:
    from sklearn.linear_model import Ridge

    X, y = [[1.0], [2.0]], [1.0, 2.0]
    autolog.autolog(f"memory:{tmp_path}", experiment="one")
    hook = vars(Ridge)["fit"]
    Ridge().fit(X, y)
    autolog.autolog(f"memory:{tmp_path}", experiment="two", tags={"a": "b"})
    assert vars(Ridge)["fit"] is hook
    Ridge().fit(X, y)
    autolog.autolog(f"memory:{tmp_path}/other")
    Ridge().fit(X, y)
    second, first = autolog.search_runs(backend=f"memory:{tmp_path}")
    assert (first.experiment, second.experiment) == ("one", "two")
    assert second.tags["a"] == "b"
    assert only(f"memory:{tmp_path}/other").status == "finished"


def test_the_environment_beats_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_BACKEND", f"memory:{tmp_path}")
    monkeypatch.setenv("AUTOLOG_EXPERIMENT", "of the environment")
    monkeypatch.setenv("AUTOLOG_TAGS", "who=operator,where=here")
    autolog.autolog("memory:elsewhere", experiment="of the call")
    autolog.start_run().end()
    run = only(f"memory:{tmp_path}")
    assert run.experiment == "of the environment"
    assert dict(run.tags) == {"who": "operator", "where": "here"}


def test_id_and_name_of_the_environment_are_the_programs_first_runs(tmp_path: Path) -> None:
    source = "import autolog; autolog.start_run().end(); autolog.start_run('second').end()"
    settings = {
        "AUTOLOG_RUN_ID": "ab" * 16,
        "AUTOLOG_RUN_NAME": "nightly",
        "AUTOLOG_BACKEND": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", source], check=True, env={**os.environ, **settings})
    second, first = autolog.search_runs(backend=tmp_path)
    assert (first.id, first.name) == ("ab" * 16, "nightly")
    assert second.name == "second"


def test_several_stores_hold_the_same(tmp_path: Path) -> None:
    stores = [str(tmp_path / "one"), f"memory:{tmp_path}"]
    autolog.autolog(stores)
    with autolog.start_run() as run:
        run.log_metric("m", 1.5)
    assert [only(store).metrics["m"] for store in stores] == [1.5, 1.5]
    assert only(stores[0]).id == only(stores[1]).id


def test_the_session_is_in_the_environment_while_enabled(tmp_path: Path) -> None:
    autolog.autolog(f"memory:{tmp_path}")
    session = os.environ["AUTOLOG_SESSION"]
    autolog.start_run().end()
    assert only(f"memory:{tmp_path}").folded.facts["session"] == session
    autolog.disable()
    assert "AUTOLOG_SESSION" not in os.environ
    autolog.autolog(f"memory:{tmp_path}")
    assert os.environ["AUTOLOG_SESSION"] != session


# -- runs by hand ----------------------------------------------------------------------------


def test_a_run_holds_what_it_is_given(uri: str, tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "file.txt").write_text("content")
    with autolog.start_run("all", experiment="e", tags={"t": 1}) as run:
        autolog.log_param("p", (1, None))
        autolog.log_params({"q": 2**80, "r": math.inf})
        autolog.log_metric("m", 1, step=3, unit="epoch")
        autolog.log_metrics({"m": -0.0, "n": 2}, step=4)
        autolog.set_tag("a", True)
        autolog.set_tags({"b": "text"})
        autolog.log_artifact(b"bytes", "raw/data.bin")
        autolog.log_artifact(tmp_path / "folder")
        autolog.log_table("rows", [{"x": 1, "y": "a"}, {"x": 2}])
        autolog.log_table("columns", {"x": [1.5, math.nan]})
        autolog.log_dataset("test", [[1.0, 2.0]], [1], name="held out")
        assert autolog.active_run() is run
    found = only(uri)
    assert (found.name, found.experiment, found.status) == ("all", "e", "finished")
    assert dict(found.params) == {"p": [1, None], "q": 2**80, "r": math.inf}
    assert [(p.step, p.value) for p in found.history("m")] == [(3, 1), (4, 0.0)]
    assert math.copysign(1, found.metrics["m"]) == -1
    assert found.history("m").unit == "epoch"
    assert dict(found.tags) == {"t": "1", "a": "True", "b": "text"}
    assert found.artifact("raw/data.bin").read() == b"bytes"
    assert found.artifact("folder/deep/file.txt").text() == "content"
    assert found.tables["rows"]["columns"] == {"x": [1, 2], "y": ["a", None]}
    assert math.isnan(found.tables["columns"]["columns"]["x"][1])
    assert found.datasets["held out"]["role"] == "test"
    assert autolog.active_run() is None


def test_a_figure_is_drawn_by_its_own_canvas(uri: str) -> None:
    class Figure:
        def savefig(self, stream: io.BytesIO, format: str) -> None:
            stream.write(f"drawn as {format}".encode())

    before = "matplotlib" in sys.modules  # another test of this process may have asked for it
    with autolog.start_run() as run:
        run.log_figure(Figure(), "curve.svg")
        run.log_figure(Figure(), "curve")
    assert only(uri).artifact("curve.svg").read() == b"drawn as svg"
    assert only(uri).artifact("curve.png").read() == b"drawn as png"
    assert ("matplotlib" in sys.modules) == before


def test_runs_nest_and_the_inner_one_is_active(uri: str) -> None:
    with autolog.start_run("outer") as outer:
        with autolog.start_run("inner") as inner:
            autolog.log_metric("m", 1)
        autolog.log_metric("m", 2)
        assert autolog.active_run() is outer
    view = autolog.get_run(outer.id, backend=uri)
    assert view.metrics["m"] == 2
    (child,) = view.children()
    assert (child.id, child.metrics["m"]) == (inner.id, 1)


def test_a_handle_is_ended_by_hand(uri: str) -> None:
    run = autolog.start_run()
    assert autolog.active_run() is None
    run.log_metric("m", 1)
    assert only(uri).status == "running"
    run.end("failed")
    run.end("finished")
    assert only(uri).status == "failed"


def test_a_bare_log_opens_the_programs_run(uri: str) -> None:
    def work() -> None:
        autolog.log_metric("m", 1)
        autolog.log_metric("m", 2)

    thread = threading.Thread(target=work)  # of a context without a last run
    thread.start()
    thread.join()
    assert only(uri).metrics["m"] == 2
    autolog.disable()
    assert only(uri).status == "finished"


def test_what_follows_a_disabling_does_not_go_to_runs_before_it(uri: str, tmp_path: Path) -> None:
    autolog.start_run("before").end()
    autolog.disable()
    autolog.autolog(f"memory:{tmp_path}/next")
    autolog.log_metric("m", 1)
    assert "m" not in only(uri).metrics
    assert only(f"memory:{tmp_path}/next").metrics["m"] == 1


def test_nothing_is_recorded_in_a_pause(uri: str) -> None:
    with autolog.paused():
        autolog.log_metric("m", 1)
        with autolog.start_run("no") as run:
            run.log_param("p", 1)
            autolog.log_param("q", 1)
    assert len(autolog.search_runs(backend=uri)) == 0
    with autolog.start_run("yes"), autolog.paused():
        autolog.log_metric("m", 1)
    assert dict(only(uri).metrics) == {}


@pytest.mark.parametrize("what", ["id", "parent"])
def test_an_id_that_is_none_is_refused(what: str, uri: str) -> None:
    with pytest.raises(UsageError, match="32 hexadecimal"):
        autolog.start_run(**{what: "my-run"})  # type: ignore[arg-type]


def test_bad_values_are_told_once_and_cost_nothing_else(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT")
    with autolog.start_run() as run:
        run.log_metric("text", "not a number")  # type: ignore[arg-type]
        run.log_metrics({"bad": object(), "good": 1})  # type: ignore[dict-item]
        run.log_artifact("/no/such/file")
        run.log_table("none", 5)
        run.log_model("odd", object())
    found = only(uri)
    assert found.status == "finished"
    assert dict(found.metrics) == {"good": 1}
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("autolog: ") for line in lines)
    assert sum("'text'" in line for line in lines) == 1


@pytest.mark.parametrize("trouble", breaking.TROUBLES)
def test_no_store_in_trouble_reaches_the_program(
    trouble: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.delenv("AUTOLOG_STRICT")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(opening.BUILT_IN, breaking.SCHEME, breaking.CLASS_PATH)
    autolog.autolog(f"{breaking.SCHEME}:{trouble}")
    with autolog.start_run("by hand", id="cd" * 16) as run:
        run.log_metric("m", 1)
        run.log_artifact(b"x", "x")
        autolog.log_param("p", 1)
        autolog.log_table("t", {"a": [1]})
    autolog.log_metric("after", 1)
    autolog.disable()
    assert capsys.readouterr().err.count("autolog: ") >= 1
    assert reporting.notes()


def test_off_takes_everything_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOLOG", "0")
    monkeypatch.chdir(tmp_path)
    autolog.autolog(tmp_path / "store")
    with autolog.start_run("x", tags={"a": 1}) as run:
        assert autolog.active_run() in (None, run)
        run.log_metric("m", 1)
        autolog.log_params({"p": 1})
        autolog.log_artifact(b"x", "y")
        autolog.log_table("t", {"a": [1]})
        autolog.log_dataset("train", [[1]])
        autolog.log_model("m", object())
        autolog.log_figure(object())
        autolog.set_tags({"t": 1})
    assert run.ended
    assert list(tmp_path.iterdir()) == []


# -- reading ---------------------------------------------------------------------------------


def test_runs_are_found_by_id_beginning_and_place(uri: str) -> None:
    ids = [autolog.start_run(f"run {i}").id for i in range(3)]
    assert autolog.get_run(ids[0], backend=uri).name == "run 0"
    assert autolog.get_run(ids[1][:16], backend=uri).name == "run 1"
    assert autolog.get_run("@latest", backend=uri).name == "run 2"
    assert autolog.get_run("@3", backend=uri).name == "run 0"
    with pytest.raises(NotFound):
        autolog.get_run("f" * 31, backend=uri)


def test_runs_are_read_from_the_store_in_force(uri: str) -> None:
    with autolog.start_run() as run:
        run.log_metric("rmse", 0.5)
    assert autolog.search_runs("metrics.rmse < 1")[0].id == run.id
    assert len(autolog.search_runs("metrics.rmse > 1")) == 0


def test_a_model_is_loaded_by_run_or_path(tmp_path: Path) -> None:
    from sklearn.linear_model import Ridge

    store = tmp_path / "autolog-runs"
    autolog.autolog(store)
    Ridge(alpha=7).fit([[1.0], [2.0]], [1.0, 2.0])
    run = only(store)
    by_run = autolog.load_model(f"{run.id[:12]}/model", trust=True)
    by_path = autolog.load_model(store / run.id / "artifacts" / "model", trust=True)
    assert by_run.alpha == by_path.alpha == 7
    with pytest.raises(NotFound, match="modle"):
        autolog.load_model(f"{run.id}/modle", trust=True)
