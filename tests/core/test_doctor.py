"""`autolog doctor` says what is in force, finds what is wrong, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.doctor import main, report


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, temporary folder and user's folder of this test alone."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


def names(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows}


def test_it_makes_no_store_and_no_key(folder: Path) -> None:
    facts = report()
    assert facts["problems"] == []
    assert facts["stores"][0]["exists"] is False
    assert facts["stores"][0]["writable"] is True
    assert sorted(path.name for path in folder.iterdir()) == ["tmp"]
    assert list((folder / "tmp").iterdir()) == []


def test_settings_come_with_their_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pyproject.toml").write_text("[tool.autolog]\nlight_after = 7\n")
    monkeypatch.setenv("AUTOLOG_EXPERIMENT", "wine")
    found = names(report()["settings"])
    assert (found["experiment"]["value"], found["experiment"]["source"]) == (
        "wine",
        "AUTOLOG_EXPERIMENT",
    )
    assert (found["light_after"]["value"], found["light_after"]["source"]) == (7, "pyproject.toml")
    assert found["max_model_size"]["source"] == "default"


def test_a_library_may_come_from_a_distribution_of_another_name() -> None:
    from importlib.metadata import PackageNotFoundError, version

    found = names(report()["integrations"])["xgboost"]
    try:
        expected = version("xgboost")
    except PackageNotFoundError:
        expected = f"{version('xgboost-cpu')} (xgboost-cpu)"
    assert (found["version"], found["on"]) == (expected, True)


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("AUTOLOG_TOKEN", "tok-3141")
    monkeypatch.setenv("AUTOLOG_BACKEND", "nosuch://me:pass-3141@host/base")
    assert main() == 1
    assert main(json=True) == 1
    shown = capsys.readouterr().out
    assert "3141" not in shown
    assert "nosuch://me:***@host/base" in shown


def test_a_bad_setting_is_a_problem_and_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_LIGHT_AFTER", "many")
    facts = report()
    assert [p for p in facts["problems"] if "light_after" in p and "many" in p]
    assert facts["versions"]["autolog"] == autolog.__version__
    assert names(facts["integrations"])["sklearn"]["hooks"]


def test_runs_are_counted_and_torn_lines_are_told(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autolog.autolog(backend=str(store))
    with autolog.start_run("one") as run:
        run.log_param("a", 1)
    autolog.disable()
    (journal,) = (store / run.id).glob("journal-*.jsonl")
    monkeypatch.setenv("AUTOLOG_BACKEND", str(store))
    assert report()["stores"][0]["status"] == {"finished": 1}
    with journal.open("ab") as stream:
        stream.write(b"{torn\n")
    facts = report()
    assert facts["stores"][0]["runs"] == 1
    assert str(journal) in " ".join(facts["stores"][0]["notes"])
    assert len(facts["problems"]) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody writes")
def test_a_store_that_cannot_be_written_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_BACKEND", "/proc/autolog-runs")
    facts = report()
    assert facts["stores"][0]["writable"] is False
    assert [problem for problem in facts["problems"] if "cannot be written" in problem]


def test_a_file_in_the_stores_place_is_a_problem(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_text("no folder")
    monkeypatch.setenv("AUTOLOG_BACKEND", str(store))
    assert [problem for problem in report()["problems"] if str(store) in problem]


def test_a_store_that_cannot_be_read_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "http://127.0.0.1:9"  # a port that nobody listens on
    monkeypatch.setenv("AUTOLOG_BACKEND", uri)
    assert main() == 1
    shown = capsys.readouterr().out
    store, problem = report()["stores"][0], report()["problems"][0]
    assert (store["readable"], store["reason"]) == (False, "Connection refused")
    assert "is it running" in store["remedy"]
    assert problem == f"store {uri}: {store['reason']}: {store['remedy']}"
    assert f"reason    {store['reason']}" in shown
    assert "reachable    no: Connection refused\n" in shown


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_FREE_SPACE_FLOOR", "1e18")
    assert [problem for problem in report()["problems"] if "free_space_floor" in problem]


def test_hooks_and_options_stand_with_their_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_SKLEARN__MODEL_FORMAT", "skops")
    found = names(report()["integrations"])["sklearn"]
    hooks = names(found["hooks"])
    assert hooks["fit"]["target"] == "sklearn.base.BaseEstimator"
    assert "fit_predict" in hooks["fit"]["names"]
    option = names(found["options"])["model_format"]
    assert option["value"] == "skops"
    assert option["source"] == "AUTOLOG_SKLEARN__MODEL_FORMAT"
    assert found["version"][0].isdigit()


def test_explain_shows_every_hook_and_every_setting(capsys: Any) -> None:
    from autolog.settings import SETTINGS

    main(explain=True)
    shown = capsys.readouterr().out
    assert "WHAT sklearn RECORDS" in shown
    assert "  FIT  opens a run" in shown
    assert [setting.name for setting in SETTINGS if f"  {setting.name} " not in shown] == []


def _in(folder: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, cwd=folder, env={**kept, **environment},
    )  # fmt: skip


def _distribution(folder: Path, name: str, version: str, entry_points: str = "") -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


DOCTOR = "import sys; from autolog.doctor import main; sys.exit(main(json=True))"


def test_an_integration_that_fails_to_load_is_named_and_hides_no_other(folder: Path) -> None:
    _distribution(folder / "site", "broken", "1.0", "[autolog.integrations]\nbad = nowhere:Bad\n")
    done = _in(folder, DOCTOR, PYTHONPATH=str(folder / "site"))
    facts = json.loads(done.stdout)
    assert done.returncode == 1
    assert "nowhere" in names(facts["integrations"])["bad"]["error"]
    assert "error" not in names(facts["integrations"])["sklearn"]
    assert any("broken 1.0" in problem for problem in facts["problems"])


def test_a_library_that_is_too_old_is_told(folder: Path) -> None:
    _distribution(folder / "site", "scikit_learn", "1.3.2")
    facts = json.loads(_in(folder, DOCTOR, PYTHONPATH=str(folder / "site")).stdout)
    assert any("1.3.2 is older than 1.4" in problem for problem in facts["problems"])


def test_the_unrelated_distribution_is_told(folder: Path) -> None:
    _distribution(folder / "site", "autolog", "0.2")
    facts = json.loads(_in(folder, DOCTOR, PYTHONPATH=str(folder / "site")).stdout)
    assert any("pip uninstall autolog" in problem for problem in facts["problems"])


def test_a_process_tells_of_its_hooks_and_notes(store: Path) -> None:
    from autolog.reporting import note

    autolog.autolog(backend=str(store))
    from sklearn.dummy import DummyClassifier

    DummyClassifier().fit([[0.0], [1.0]], [0, 1])
    note("saving the model", "it was Tuesday")
    facts = report()
    assert facts["process"]["enabled"] is True
    assert facts["process"]["fired"]["sklearn.fit"] == 1
    assert "saving the model: it was Tuesday" in facts["problems"]


def test_what_lies_aside_is_named(folder: Path) -> None:
    aside = folder / "tmp" / "autolog-spill-0-1"
    autolog.autolog(backend=str(aside))
    with autolog.start_run():
        pass
    autolog.disable()
    facts = report()
    assert facts["spills"] == {str(aside): "1 runs"}
    assert any(str(aside) in problem for problem in facts["problems"])


def test_it_imports_no_library_of_the_users(folder: Path) -> None:
    code = (
        "import sys; from autolog.doctor import main; main(); "
        "print([m for m in ('numpy', 'sklearn', 'pandas', 'rich') if m in sys.modules])"
    )
    assert _in(folder, code).stdout.splitlines()[-1] == "[]"


# -- explain -------------------------------------------------------------------------------


def sklearn_explained() -> tuple[dict[str, Any], dict[str, Any]]:
    """The integration, and what its hook `fit` captures, by what is said of it."""
    found = names(report(explain=True)["integrations"])["sklearn"]
    fit = names(found["explained"])["fit"]
    return found, {one["says"].split(":")[0]: one for one in fit["captures"]}


def test_every_hook_says_what_it_captures() -> None:
    from autolog.integrations.sklearn import Sklearn

    hooks = {hook.name for hook in Sklearn.hooks()}
    assert set(Sklearn.captures) <= hooks
    _, fit = sklearn_explained()
    needed = {one["why"] for one in fit.values() if not one["here"]}
    assert needed == {
        f"option {name} is off (default)" for name in ("training_metrics", "plots", "input_example")
    }


def test_what_is_left_out_is_told_with_its_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "pyproject.toml").write_text(
        "[tool.autolog]\nexclude = ['kind:clusterer', 'record:table:coef*', 'KNN*']\n"
    )
    monkeypatch.setenv("AUTOLOG_EXCLUDE", "record:dataset")
    monkeypatch.setenv("AUTOLOG_SKLEARN__MODELS", "0")
    found, fit = sklearn_explained()
    assert found["left_alone"] == [
        "kind clusterer (pyproject.toml)",
        "class KNN* (pyproject.toml)",
    ]
    model = fit["the fitted estimator, signed"]
    assert (model["here"], model["why"]) == (
        False,
        "option models is off (AUTOLOG_SKLEARN__MODELS)",
    )
    data = fit["X, y, sample_weight"]
    assert (data["here"], data["why"]) == (False, "left out by record:dataset (AUTOLOG_EXCLUDE)")
    table = fit["coefficients, importances, cv_results, by name of feature"]
    assert table["here"]
    assert table["why"] == "in part left out by record:table:coef* (pyproject.toml)"


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("AUTOLOG", "0", "autolog is off (AUTOLOG)"),
        ("AUTOLOG_EXCLUDE", "all", "left out by exclude=all (AUTOLOG_EXCLUDE)"),
        ("AUTOLOG_EXCLUDE", "x.Y sklearn", "left out by exclude=sklearn (AUTOLOG_EXCLUDE)"),
        ("AUTOLOG_ONLY", "joblib mlflow", "only=joblib mlflow (AUTOLOG_ONLY)"),
    ],
)
def test_an_integration_that_is_off_says_why(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    found, fit = sklearn_explained()
    assert (found["on"], found["why"]) == (False, why)
    assert {one["why"] for one in fit.values()} == {why}


def test_names_of_no_integration_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOLOG_ONLY", "sklern joblib")
    monkeypatch.setenv("AUTOLOG_EXCLUDE", "mlfow KNN* Ridge sklearn.svm.SVC")
    told = [problem for problem in report()["problems"] if "names no integration" in problem]
    assert len(told) == 2
    assert "did you mean sklearn?" in told[0]
    assert "did you mean mlflow?" in told[1]


def test_the_words_of_a_call_are_told_from_the_others(store: Path) -> None:
    autolog.autolog(backend=str(store), exclude=["record:dataset"])
    _, fit = sklearn_explained()
    assert fit["X, y, sample_weight"]["why"] == "left out by record:dataset (call)"


LIBRARY = """
from os.path import join
if True:
    def late(): ...
try:
    import quick as fast
except ImportError:
    fast = None
class Base: ...
raise SystemExit("nobody is to import this")
"""


def test_what_the_installed_version_lacks_is_read_off_its_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autolog.explaining import missing
    from autolog.integration import function, method, subclasses

    (folder / "zoolib" / "sub").mkdir(parents=True)
    (folder / "zoolib" / "__init__.py").write_text(LIBRARY)
    (folder / "zoolib" / "sub" / "__init__.py").write_text("")
    (folder / "zoolib" / "mod.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(folder)
    assert missing(function("zoolib", "late", "fast", "join", "later")) == ["zoolib.later"]
    assert missing(function("zoolib.mod", "late", "gone")) == ["zoolib.mod.gone"]
    assert missing(function("zoolib.sub", "late")) == ["zoolib.sub.late"]
    assert missing(subclasses("zoolib.mod", "Base", "fit")) == []
    assert missing(method("zoolib.mod", "Bass", "fit")) == ["zoolib.mod.Bass"]
    assert missing(function("nosuchlib", "late")) == []
    assert missing(function("json", "loads", "spells")) == ["json.spells"]
    assert "zoolib" not in sys.modules
