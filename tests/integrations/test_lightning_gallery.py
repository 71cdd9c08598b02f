"""Programs in the manner of Lightning's guides: the same with us and without, their facts found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import gallery
import pytest
from gallery import Played

HOME = Path(__file__).parent / "programs" / "lightning"
NAMES = gallery.sampled(gallery.stems(HOME))
WAYS = ("plain", "run")
IMPORTED = ("lightning.pytorch.cli", "pytorch_lightning", "sklearn.datasets", "sklearn.metrics")
IMPORTED += ("sklearn.model_selection",)

pytestmark = pytest.mark.timeout(1000)  # the first test plays all programs

if not all(map(importlib.util.find_spec, ("lightning", "pytorch_lightning", "jsonargparse"))):
    pytest.skip("needs lightning with its command line", allow_module_level=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="module")
def played(folder: Path) -> dict[str, dict[str, Played]]:
    return {way: gallery.play(folder, way, NAMES, HOME, IMPORTED) for way in WAYS}


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_same(name: str, played: dict[str, dict[str, Played]]) -> None:
    plain = played["plain"][name]
    assert plain.code == 0, plain.err
    assert plain.out
    assert {"random.txt", "weights.txt"} <= plain.files.keys()
    assert played["run"][name] == plain


@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, folder: Path, played: dict[str, dict[str, Played]]) -> None:
    checked = gallery.check(folder, "run", name)
    assert len(checked) >= 10
    assert not [fact for fact in checked if fact.outcome != gallery.FOUND]
