"""What is shipped: the wheel's contents, its entry points, and what importing it loads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

OURS_AT_ENABLE = {
    "autolog",
    "autolog.api",
    "autolog.context",
    "autolog.enabling",
    "autolog.errors",
    "autolog.excluding",
    "autolog.forking",
    "autolog.importing",
    "autolog.reporting",
    "autolog.settings",
}
"""The modules of ours that `autolog()` loads before any library is imported."""

NEVER = {
    "numpy", "torch", "sklearn", "pandas", "sqlite3", "http", "urllib3", "msgspec", "wrapt",
    "typer", "rich", "asyncio", "ssl", "cryptography", "importlib.metadata", "subprocess",
}  # fmt: skip

BUDGET = 62
"""Modules in all that `autolog()` may add to a bare interpreter; 59 when this was written."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left in the tree or taken from it."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"
    copy.mkdir()
    for name in ("autolog", "integrations", "backends", "server"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*command, str(copy)], check=True, env=_environment())
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """The wheel's contents in a folder, nothing installed."""
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOLOG")}
    return {**kept, **more}


def _loaded(unpacked: Path, code: str, folder: Path) -> set[str]:
    """The modules that `code` adds to an interpreter without site-packages."""
    program = (
        "import sys, json\n"
        f"sys.path.insert(0, {str(unpacked)!r})\n"
        "before = set(sys.modules)\n"
        f"{code}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True, text=True, check=True, cwd=folder,
        env=_environment(AUTOLOG_STRICT="1"),
    )  # fmt: skip
    return set(json.loads(done.stdout))


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "autolog",
        f"autolog_ml-{CONFIG['project']['version']}.dist-info",
    }
    assert [name for name in names if "test_" in name or "__pycache__" in name] == []


def test_the_wheel_holds_every_file_of_the_four_rooms(wheel: Path, tree: Any) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    rooms = {
        "autolog": "autolog",
        "integrations": "autolog/integrations",
        "backends": "autolog/backends",
        "server": "autolog/server",
    }
    expected = {
        f"{inside}/{path.relative_to(ROOT / room).as_posix()}"
        for room, inside in rooms.items()
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    assert "autolog/integrations/sklearn/__init__.py" in expected
    assert {"autolog/py.typed", "autolog/_site/sitecustomize.py"} <= expected
    assert expected - names == set()


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_importing_loads_the_package_alone(unpacked: Path, tmp_path: Path) -> None:
    loaded = _loaded(unpacked, "import autolog", tmp_path)
    assert {name for name in loaded if name.startswith("autolog")} == {"autolog"}
    assert loaded & NEVER == set()


def test_enabling_loads_few_modules_and_no_dependency(unpacked: Path, tmp_path: Path) -> None:
    loaded = _loaded(unpacked, "import autolog; autolog()", tmp_path)
    assert {name for name in loaded if name.split(".")[0] == "autolog"} == OURS_AT_ENABLE
    assert loaded & NEVER == set()
    assert len(loaded) <= BUDGET
    assert list(tmp_path.iterdir()) == []


def test_switched_off_it_loads_no_more_and_writes_nothing(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import os; os.environ['AUTOLOG'] = '0'\n"
        "import autolog; autolog(); autolog.log_param('a', 1)\n"
        "with autolog.start_run() as run: run.log_metric('m', 1.0)\n"
    )
    loaded = _loaded(unpacked, code, tmp_path)
    assert loaded & NEVER == set()
    assert "autolog.importing" not in loaded
    assert list(tmp_path.iterdir()) == []


def test_beside_the_unrelated_module_ours_is_imported_and_doctor_tells(
    unpacked: Path, tmp_path: Path
) -> None:
    """The package `autolog` of the index, a single module, was installed into the same folder."""
    both = tmp_path / "site"
    shutil.copytree(unpacked, both)
    (both / "autolog.py").write_text("raise ImportError('the other one')\n")
    code = (
        "from autolog import autolog, diagnosis; autolog(); print(diagnosis.report()['problems'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path,
        env=_environment(PYTHONPATH=str(both)),
    )  # fmt: skip
    assert str(both / "autolog.py") in done.stdout
    assert "pip uninstall autolog" in done.stdout


# -- the tables in the code and the entry points ----------------------------------------------


def test_the_built_in_integrations_are_the_entry_points() -> None:
    from autolog.enabling import BUILT_IN

    assert CONFIG["project"]["entry-points"]["autolog.integrations"] == BUILT_IN


def test_the_built_in_backends_are_the_entry_points() -> None:
    from autolog.opening import BUILT_IN

    ours = {name: path for name, path in BUILT_IN.items() if path.startswith("autolog.")}
    assert CONFIG["project"]["entry-points"]["autolog.backends"] == ours  # tests add their own


def test_the_built_in_flavors_are_the_entry_points() -> None:
    from autolog.models.flavors import BUILT_IN, GROUP

    assert CONFIG["project"]["entry-points"][GROUP] == BUILT_IN


def test_every_entry_point_loads() -> None:
    from importlib.metadata import EntryPoint

    groups = CONFIG["project"]["entry-points"]
    for group, entries in groups.items():
        for name, value in entries.items():
            assert isinstance(EntryPoint(name, value, group).load(), type), (group, name)


def test_every_package_folder_is_declared() -> None:
    rooms = {
        "autolog": "autolog",
        "integrations": "autolog.integrations",
        "backends": "autolog.backends",
        "server": "autolog.server",
    }
    found = {
        ".".join((package, *path.parent.relative_to(ROOT / room).parts))
        for room, package in rooms.items()
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(CONFIG["tool"]["setuptools"]["packages"]) == found


def test_the_version_is_said_once_the_same() -> None:
    import autolog

    assert autolog.__version__ == CONFIG["project"]["version"]
