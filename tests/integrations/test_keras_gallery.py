"""Programs in the manner of Keras's guides: the same with us and without, their facts found."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import gallery
from gallery import Played

HOME = Path(__file__).parent / "programs" / "keras"
NAMES = tuple(sorted(path.stem for path in HOME.glob("*.facts")))
WAYS = ("plain", "run")

if not all(map(importlib.util.find_spec, ("keras", "torch"))):
    pytest.skip("needs keras and torch", allow_module_level=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="module")
def played(folder: Path) -> dict[str, dict[str, Played]]:
    backend = {"KERAS_BACKEND": "torch"}
    return {way: gallery.play(folder, way, NAMES, HOME, **backend) for way in WAYS}


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_same(name: str, played: dict[str, dict[str, Played]]) -> None:
    plain, recorded = (untimed(played[way][name]) for way in WAYS)
    assert plain.code == 0, plain.err
    assert plain.out
    assert "random.txt" in plain.files
    assert recorded == plain


def untimed(seen: Played) -> Played:
    """What was seen, save how long Keras says that its steps took."""
    return seen._replace(out=re.sub(r"- \d+s - [\d.]+m?s/step", "-", seen.out))


@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, folder: Path, played: dict[str, dict[str, Played]]) -> None:
    checked = gallery.check(folder, "run", name)
    assert len(checked) >= 10
    assert not [fact for fact in checked if fact.outcome != gallery.FOUND]
