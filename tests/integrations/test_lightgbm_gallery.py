"""Programs in the manner of LightGBM's guide: the same with us, and their facts are found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import gallery
from gallery import Played

Ways = dict[str, dict[str, Played]]

HOME = Path(__file__).parent / "programs" / "lightgbm"
NAMES = gallery.stems(HOME)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lightgbm")


@pytest.fixture(scope="module")
def played(folder: Path) -> Ways:
    return {way: gallery.play(folder, way, NAMES, HOME) for way in gallery.WAYS}


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_same(name: str, played: Ways) -> None:
    plain = played["plain"][name]
    assert plain.code == 0, plain.err
    assert plain.out
    assert "random.txt" in plain.files
    assert played["line"][name] == plain
    assert played["run"][name] == plain


@pytest.mark.parametrize("way", ["line", "run"])
@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, way: str, folder: Path, played: Ways) -> None:
    checked = gallery.check(folder, way, name)
    assert len(checked) >= 10
    assert not [fact for fact in checked if fact.outcome != gallery.FOUND]


def test_the_score_stands_in_the_docs(folder: Path, played: Ways) -> None:
    score = {name: gallery.check(folder, "line", name) for name in NAMES}
    page = Path(__file__).parents[2] / "docs" / "lightgbm.md"
    assert gallery.score_table(score) in page.read_text("utf-8")
