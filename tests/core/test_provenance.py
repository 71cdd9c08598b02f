"""Where a run comes from: real repositories, real programs, nothing secret, git asked once."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autolog import repository

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

REPORT = """
def report():
    import json, os
    from autolog import provenance as p, repository
    # A busy machine may keep git waiting; one test lets it wait in vain.
    repository.PATIENCE = float(os.environ.get("PATIENCE", 30))
    code = {name: text.decode("latin-1") for name, text in p.code().items()}
    print(json.dumps([p.facts(), code, p.default_experiment(), p.program_name()]))
"""
PROGRAM = f"{REPORT}\nimport helper\nif __name__ == '__main__':\n    report()\n"
CANARY = "hunter2canary"


def git(folder: Path, *words: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=n", "-c", "user.email=e@x", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, env=environ, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository `wine` with a program, a helper and one commit."""
    folder = tmp_path / "wine"
    folder.mkdir()
    (folder / "train.py").write_text(PROGRAM)
    (folder / "helper.py").write_text("value = 1\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    return folder


def told(folder: Path, *words: str, given: str = "", **env: str) -> tuple[Any, ...]:
    """Facts, code, default experiment and name of a program, as it sees them itself."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env},
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def test_clean_clone(clone: Path) -> None:
    facts, code, experiment, name = told(clone, "train.py", "--depth", "3")
    assert (experiment, name) == ("wine/train", "train.py")
    assert facts["git"] == {
        "root": "wine",
        "commit": git(clone, "rev-parse", "HEAD"),
        "branch": "main",
        "remote": None,
        "dirty": False,
        "changed": [],
        "changed_count": 0,
        "untracked": [],
        "untracked_count": 0,
    }
    assert facts["program"] == {
        "kind": "script",
        "name": "train.py",
        "path": "train.py",
        "arguments": ["--depth", "3"],
        "folder": str(clone),
        "executable": sys.executable,
    }
    assert code == {"train.py": PROGRAM, "helper.py": "value = 1\n"}
    assert facts["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["host"]["cpus"] == os.cpu_count()
    assert facts["host"]["memory"] > 10**8


def test_changed_clone_and_the_diff_that_restores_it(clone: Path, tmp_path: Path) -> None:
    (clone / "helper.py").write_text("value = 2  # größer\n")
    (clone / "new file.py").write_text("x")
    (clone / "deleted name").write_text("x")
    git(clone, "add", "deleted name")
    facts, code, *_ = told(clone, "train.py")
    state = facts["git"]
    assert state["dirty"] is True
    assert sorted(state["changed"]) == ["deleted name", "helper.py"]
    assert state["untracked"] == ["new file.py"]
    other = tmp_path / "other"
    git(tmp_path, "clone", str(clone), str(other))
    (other / "d").write_bytes(code["changes.diff"].encode("latin-1"))
    git(other, "apply", "d")
    assert (other / "helper.py").read_text() == "value = 2  # größer\n"


def test_nothing_secret_is_told(clone: Path) -> None:
    git(clone, "remote", "add", "origin", f"https://user:{CANARY}@example.com/wine.git")
    (clone / "helper.py").write_text(f'password = "{CANARY}"\n')
    (clone / "train.py").write_text(PROGRAM + f'api_key = "{CANARY}"\n')
    words = ["train.py", "--password", CANARY, f"--db=postgresql://u:{CANARY}@h/d"]
    facts, code, *_ = told(clone, *words, MY_SETTING=CANARY, OMP_NUM_THREADS="2")
    assert CANARY not in json.dumps([facts, code])
    assert facts["git"]["remote"] == "https://example.com/wine.git"
    machines = {key for key in os.environ if key != "OMP_NUM_THREADS"}
    assert {key: facts["variables"][key] for key in facts["variables"].keys() - machines} == {
        "OMP_NUM_THREADS": "2"
    }
    assert "MY_SETTING" not in facts["variables"]
    assert facts["program"]["arguments"][:2] == ["--password", "[redacted]"]
    assert set(code) == {"train.py", "helper.py", "changes.diff"}


@pytest.mark.parametrize(
    "address",
    ["https://u:p@h.com/x.git", "https://token@h.com/x.git", "https://h.com/x.git"],
)
def test_credentials_of_a_remote(address: str) -> None:
    assert repository.without_credentials(address) == "https://h.com/x.git"


def test_user_of_ssh_stays() -> None:
    assert repository.without_credentials("git@h.com:x.git") == "git@h.com:x.git"
    assert repository.without_credentials("ssh://git@h.com/x.git") == "ssh://git@h.com/x.git"


def test_no_lock_is_taken_and_none_waited_for(clone: Path) -> None:
    (clone / "helper.py").write_text("value = 2\n")
    index = clone / ".git" / "index"
    (clone / ".git" / "index.lock").touch()
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    facts, code, *_ = told(clone, "train.py")
    assert facts["git"]["dirty"] is True
    assert "changes.diff" in code
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def _script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_programs_named_by_the_repository_are_not_run(clone: Path, tmp_path: Path) -> None:
    spy = _script(tmp_path / "spy", f'touch {tmp_path / "was_run"}; cat "$@"')
    git(clone, "config", "core.fsmonitor", spy)
    git(clone, "config", "diff.external", spy)
    git(clone, "config", "diff.odd.textconv", spy)
    git(clone, "config", "core.pager", spy)
    (clone / ".gitattributes").write_text("*.py diff=odd\n")
    git(clone, "-c", "core.fsmonitor=false", "add", ".gitattributes")
    (clone / "helper.py").write_text("value = 2\n")
    (tmp_path / "was_run").unlink(missing_ok=True)
    _, code, *_ = told(clone, "train.py")
    assert "value = 2" in code["changes.diff"]
    assert not (tmp_path / "was_run").exists()


def test_odd_configuration_leaves_the_diff_in_its_usual_form(clone: Path) -> None:
    for key, value in (
        ("diff.noprefix", "true"), ("color.ui", "always"), ("diff.mnemonicPrefix", "true"),
        ("core.quotePath", "true"), ("status.showUntrackedFiles", "no"), ("diff.context", "0"),
    ):  # fmt: skip
        git(clone, "config", key, value)
    (clone / "helper.py").write_text("value = 2\n")
    (clone / "ä").touch()
    facts, code, *_ = told(clone, "train.py")
    assert code["changes.diff"].startswith("diff --git a/helper.py b/helper.py\n")
    assert facts["git"]["untracked"] == ["ä"]


def test_without_git_its_files_tell_commit_and_branch(clone: Path) -> None:
    commit = git(clone, "rev-parse", "HEAD")
    git(clone, "pack-refs", "--all")
    facts, code, *_ = told(clone, "train.py", PATH="/nowhere")
    assert facts["git"] == {
        "root": "wine", "commit": commit, "branch": "main", "remote": None, "dirty": "unknown"
    }  # fmt: skip
    assert "changes.diff" not in code


def test_slow_git_is_given_up_and_ended(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    _script(tmp_path / "bin" / "git", f"echo $$ > {tmp_path / 'pid'}; exec sleep 600")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    facts, *_ = told(clone, "train.py", PATH=path, PATIENCE="1")
    assert facts["git"]["dirty"] == "unknown"
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_git_is_asked_once_by_all_threads_and_forked_children(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    log = tmp_path / "calls"
    _script(tmp_path / "bin" / "git", f'echo call >> {log}; exec {shutil.which("git")} "$@"')
    (clone / "train.py").write_text(
        PROGRAM
        + """
import os
from autolog import provenance, repository
repository.PATIENCE = 30
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: provenance.facts(), range(8)))
if os.fork() == 0:
    provenance.code()
    os._exit(0)
os.wait()
"""
    )
    told(clone, "train.py", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert log.read_text().splitlines() == ["call"] * 2  # `status`, and `diff` as it is dirty


def test_program_that_watches_its_children_is_left_in_peace(clone: Path) -> None:
    (clone / "train.py").write_text(
        "import signal\nsignal.signal(signal.SIGCHLD, lambda *_: 1 / 0)\n" + PROGRAM
    )
    facts, *_ = told(clone, "train.py")
    assert facts["git"]["dirty"] == "unknown"
    assert facts["git"]["branch"] == "main"


def test_detached_head_worktree_and_first_commit_to_come(clone: Path, tmp_path: Path) -> None:
    commit = git(clone, "rev-parse", "HEAD")
    git(clone, "remote", "add", "origin", "https://example.com/wine.git")
    tree = tmp_path / "tree"
    git(clone, "worktree", "add", "--detach", str(tree))
    state = repository.read_state(tree, patience=30).facts
    assert (state["commit"], state["branch"], state["dirty"]) == (commit, None, False)
    assert state["remote"] == "https://example.com/wine.git"
    assert repository._head(tree) == {"commit": commit, "branch": None}
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init")
    (empty / "a").touch()
    state = repository.read_state(empty, patience=30).facts
    assert (state["commit"], state["branch"]) == (None, "main")
    assert state["untracked"] == ["a"]


def test_large_diff_and_many_names_are_bounded(clone: Path) -> None:
    (clone / "helper.py").write_text("x = 1\n" * (repository.LARGEST_DIFF // 5))
    for i in range(repository.MOST_NAMES + 5):
        (clone / f"u{i}").touch()
    state = repository.read_state(clone, patience=30)
    assert state.diff is None
    assert state.facts["diff"].startswith("unknown")
    assert len(state.facts["untracked"]) == repository.MOST_NAMES
    assert state.facts["untracked_count"] == repository.MOST_NAMES + 5


def test_no_repository(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    (tmp_path / "helper.py").touch()
    facts, _, experiment, _ = told(tmp_path, "train.py")
    assert "git" not in facts
    assert experiment == f"{tmp_path.name}/train"


def test_kinds_of_programs(clone: Path) -> None:
    package = clone / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("__main__.py", "part.py"):
        (package / name).write_text(PROGRAM)
    facts, code, experiment, name = told(clone, "-m", "package.part", "x")
    assert (facts["program"]["kind"], name, experiment) == (
        "module",
        "package.part",
        "wine/package.part",
    )
    assert facts["program"]["path"] == "package/part.py"
    assert {"package/part.py", "package/__init__.py", "helper.py"} <= set(code)
    *_, experiment, name = told(clone, "-m", "package")
    assert (name, experiment) == ("package", "wine/package")
    *_, experiment, name = told(clone, "package", PYTHONPATH=str(clone))
    assert (name, experiment) == ("package", "wine/package")
    facts, code, experiment, _ = told(clone, "-O", "-c", PROGRAM, "x")
    assert (facts["program"]["kind"], experiment) == ("command", "wine/command")
    assert facts["program"]["options"] == ["-O"]
    assert code["command.py"] == PROGRAM
    facts, code, experiment, _ = told(clone, "-", given=PROGRAM)
    assert (facts["program"]["kind"], experiment) == ("stdin", "wine/stdin")


def test_spawned_child_belongs_to_its_parents_program(clone: Path) -> None:
    (clone / "train.py").write_text(
        REPORT + "import multiprocessing\nif __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    child = context.Process(target=report); child.start(); child.join()\n"
    )
    facts, code, experiment, name = told(clone, "train.py", "--depth", "3")
    assert (experiment, name) == ("wine/train", "train.py")
    assert facts["program"]["arguments"] == ["--depth", "3"]
    assert "train.py" in code


def test_packages_are_those_imported_and_asking_runs_no_code_of_theirs(clone: Path) -> None:
    (clone / "helper.py").write_text(
        "import sklearn\ndef __getattr__(name):\n    raise SystemExit(f'asked for {name}')\n"
    )
    facts, *_ = told(clone, "train.py")
    import sklearn

    assert facts["packages"]["scikit-learn"] == sklearn.__version__
    assert "pytest" not in facts["packages"]
    assert "helper" not in facts["packages"]


def test_sources_are_bounded(clone: Path) -> None:
    for i in range(60):
        (clone / f"m{i:02}.py").write_text("#" * (400_000 if i == 3 else 10_000))
    names = ", ".join(f"m{i:02}" for i in range(60))
    (clone / "train.py").write_text(f"import {names}\n{PROGRAM}")
    _, code, *_ = told(clone, "train.py")
    sources = {name: text for name, text in code.items() if name.endswith(".py")}
    assert len(sources) == 50
    assert "train.py" in sources
    assert sum(map(len, sources.values())) <= 1_000_000
