"""Programs in the manner of Keras's guides: the same with us and without, their facts found."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import gallery
import pytest
from gallery import Played

HOME = Path(__file__).parent / "programs" / "keras"
NAMES = gallery.sampled(gallery.stems(HOME))
WAYS = ("plain", "run")
IMPORTED = ("keras", "sklearn.datasets", "sklearn.metrics", "sklearn.model_selection")
BACKENDS = {
    "torch": NAMES,
    "jax": ("gan", "mlp", "multi", "schedule", "trainstep") if gallery.ALL else (),
    "tensorflow": tuple(name for name in NAMES if name not in ("generators", "pydataset")),
}
"""The programs with each backend; two have data from torch."""

BACKENDS = {name: wanted for name, wanted in BACKENDS.items() if importlib.util.find_spec(name)}
CASES = [(backend, name) for backend, names in BACKENDS.items() for name in names]

pytestmark = pytest.mark.timeout(1000)  # the first test of a backend plays all its programs

if not BACKENDS or not importlib.util.find_spec("keras"):
    pytest.skip("needs keras and one of its backends", allow_module_level=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gallery")


Ways = dict[str, dict[str, Played]]


@pytest.fixture(scope="module")
def played(folder: Path) -> Callable[[str], Ways]:
    """What was seen of the programs with a backend, which are played when it is first asked."""

    @functools.cache
    def on(backend: str) -> Ways:
        own = folder / backend
        own.mkdir()
        told = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        given = BACKENDS[backend], HOME, IMPORTED
        return {way: gallery.play(own, way, *given, **told) for way in WAYS}

    return on


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_a_program_is_the_same(backend: str, name: str, played: Callable[[str], Ways]) -> None:
    plain, recorded = (untimed(played(backend)[way][name]) for way in WAYS)
    assert plain.code == 0, plain.err
    assert plain.out
    assert {"random.txt", "weights.txt"} <= plain.files.keys()
    assert recorded == plain


def untimed(seen: Played) -> Played:
    """What was seen, save how long Keras says that its steps took."""
    return seen._replace(out=re.sub(r"- \d+s - [\d.]+[mu]?s/step", "-", seen.out))


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_its_facts_are_found(
    backend: str, name: str, folder: Path, played: Callable[[str], Ways]
) -> None:
    played(backend)
    checked = gallery.check(folder / backend, "run", name)
    assert len(checked) >= 10
    assert not [fact for fact in checked if fact.outcome != gallery.FOUND]
