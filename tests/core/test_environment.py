"""Names and versions of distributions, and which classes another machine could import."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import textwrap
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import pytest

from autolog import environment


def test_packages_agree_with_the_metadata() -> None:
    expected: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = environment.normalised(distribution.metadata["Name"])
        expected.setdefault(name, distribution.version)
    assert environment.packages() == expected


def test_all_forms_of_metadata_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["A_b.C-1.0.dist-info", "old-2.1-py3.11.egg-info", "torch-2.1.0+cpu.dist-info"]
    for name in [*names, "here.egg-info"]:
        (tmp_path / name).mkdir()
    (tmp_path / "here.egg-info" / "PKG-INFO").write_text("Name: here\nVersion: 3.0.dev1\n")
    (tmp_path / "flat-9.egg-info").write_text("Name: flat\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path, "/nowhere"])
    found = environment.packages()
    assert {name: found[name] for name in ("a-b-c", "old", "torch", "here", "flat")} == {
        "a-b-c": "1.0",
        "old": "2.1",
        "torch": "2.1.0+cpu",
        "here": "3.0.dev1",
        "flat": "9",
    }
    assert environment.requirements(["Torch", "a.b_c", "absent"]) == ["a-b-c==1.0", "torch==2.1.0"]


def test_the_first_on_the_path_wins_and_a_change_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert environment.packages()["pytest"] == importlib.metadata.version("pytest")
    (tmp_path / "pytest-0.1.dist-info").mkdir()
    assert environment.packages()["pytest"] == "0.1"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.linear_model._logistic", "scikit-learn"),
        ("numpy", "numpy"),
        ("yaml", "pyyaml"),
        ("json", None),
        ("__main__", None),
        ("_pytest.config", "pytest"),
        ("nobody_has_this", None),
    ],
)
def test_distribution_of(module: str, name: str | None) -> None:
    assert environment.distribution_of(module) == name


def test_common_modules_cost_no_reading_of_all_files() -> None:
    program = """
        from autolog import environment
        import sys, sklearn
        for name in ("sklearn.svm", "numpy.random", "scipy", "json", "mine_not_installed"):
            environment.distribution_of(name)
        print("importlib.metadata" in sys.modules and environment._owners.cache_info().misses)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in ("0", "False")


def test_python_version() -> None:
    assert environment.python_version().split(".")[:2] == [
        str(sys.version_info[0]),
        str(sys.version_info[1]),
    ]


class Local:
    def __init__(self, part: object = None) -> None:
        self.part = part


def test_non_importable_names_the_programs_own_classes() -> None:
    def inner() -> None: ...

    model = SimpleNamespace(steps=[("a", OrderedDict(b=Local(part=inner)))], plain=3)
    found = environment.non_importable(model)
    assert found == [
        f"{__name__}.Local",
        f"{__name__}.test_non_importable_names_the_programs_own_classes.<locals>.inner",
    ]
    assert environment.non_importable(OrderedDict(a=[1, 2.0, "x"])) == []


def test_non_importable_in_main_and_beside_the_program(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("class Near: pass\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import beside\nfrom autolog.environment import non_importable\n"
        "class Here: pass\nhere = Here()\nhere.near = beside.Near()\nhere.cls = Here\n"
        "print(non_importable(here))\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['__main__.Here', 'beside.Near']"


def test_walking_is_bounded_and_survives_circles() -> None:
    first: list[object] = []
    first.append(first)
    first.extend({"deep": [object()] * 10} for _ in range(10_000))
    assert environment.non_importable(first) == []


def test_walking_calls_no_code_of_the_model() -> None:
    class Guarded:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

        def __getstate__(self) -> object:
            raise AssertionError("state")

    assert len(environment.non_importable([Guarded()])) == 1
