"""The tests that an installed package ships, as the modules that sessions are run of."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

FIRST = (
    "sklearn.model_selection", "sklearn.ensemble", "sklearn.svm", "sklearn.neighbors",
    "sklearn.cluster", "sklearn.metrics", "sklearn.tree", "sklearn.preprocessing",
    "sklearn.tests.test_common", "sklearn.inspection", "keras.src.trainers", "keras.src.callbacks",
    "keras.src.models", "keras.src.saving",
)  # fmt: skip
"""Those that are most likely to show something, which come first."""

DEPENDENCIES = (
    "scikit-learn", "numpy", "scipy", "pandas", "joblib", "pytest", "imbalanced-learn", "keras",
    "torch", "jax",
)  # fmt: skip


def named(words: Sequence[str]) -> list[str]:
    """The modules of tests that `words` ask for: a package stands for all tests below it.

    Nothing is imported. What is no module, such as a file, stays as it is.
    """
    return [module for word in words for module in _below(word) or [word]]


def _below(package: str) -> list[str]:
    """Every folder of tests in an installed package; of those at its top, every file.

    Of a package whose tests stand beside what they test (Keras), every part of its `src`.
    """
    known = "/" in package or ".tests" in package or ".src." in package
    spec = None if known else find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    found = [
        module
        for place in places
        for folder in sorted(Path(place).rglob("tests"))
        for module in _modules(package, folder, Path(place))
    ]
    beside = [
        f"{package}.src.{folder.name}"
        for place in places
        for folder in sorted(Path(place, "src").glob("*/"))
        if next(folder.rglob("*_test.py"), None)
    ]
    return sorted(found or beside, key=_rank)


def _modules(package: str, folder: Path, place: Path) -> list[str]:
    name = ".".join([package, *folder.relative_to(place).parts])
    files = sorted(folder.glob("test_*.py"))
    if name.count(".") == 1:
        return [f"{name}.{file.stem}" for file in files]
    return [name] if files else []


def _rank(module: str) -> int:
    return next((n for n, head in enumerate(FIRST) if module.startswith(head)), len(FIRST))


def versions() -> str:
    """What the outcome of a test may hang on, in one line."""
    python = ".".join(platform.python_version_tuple()[:2])
    return ", ".join([f"Python {python}", *filter(None, map(_version, DEPENDENCIES))])


def _version(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return ""


def selection(tests: Iterable[str], module: str) -> list[str]:
    """Arguments of pytest that run tests again, together with their like of other parameters."""
    spec = None if "/" in module else find_spec(module.partition(".")[0])
    if spec is None or spec.origin is None:
        return [module]
    root = Path(spec.origin).parents[1]
    whole = {test.partition("[")[0].removesuffix(" (collecting)") for test in tests}
    return sorted(str(root / test) for test in whole)
