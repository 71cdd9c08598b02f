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
    assert "HOOK sklearn.fit" in shown
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
