"""The gallery: each program is the same with us and without, and what matters of it is found."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import gallery
from gallery import Played

Ways = dict[str, dict[str, Played]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="module")
def played(folder: Path) -> Ways:
    return {way: gallery.play(folder, way, gallery.names()) for way in gallery.WAYS}


@pytest.mark.parametrize("name", gallery.names())
def test_a_program_of_the_gallery_is_the_same(name: str, played: Ways) -> None:
    plain = played["plain"][name]
    assert plain.code == 0, plain.err
    assert plain.out
    assert "random.txt" in plain.files
    assert played["line"][name] == plain
    assert played["run"][name] == plain


@pytest.mark.parametrize("way", ["line", "run"])
@pytest.mark.parametrize("name", gallery.names())
def test_its_facts_are_found(name: str, way: str, folder: Path, played: Ways) -> None:
    checked = gallery.check(folder, way, name)
    assert len(checked) >= 10
    assert not [fact for fact in checked if fact.outcome != gallery.FOUND]


@pytest.mark.skipif(gallery.names() != gallery.NAMES, reason="not all programs run here")
def test_the_score_stands_in_the_docs(folder: Path, played: Ways) -> None:
    score = {name: gallery.check(folder, "line", name) for name in gallery.names()}
    page = Path(__file__).parents[2] / "docs" / "sklearn.md"
    assert gallery.score_table(score) in page.read_text("utf-8")


def test_the_score_counts_what_is_wrong_and_missing(folder: Path, played: Ways) -> None:
    facts = [
        ["0", "params", ["gamma"], 0.001],
        ["0", "params", ["gamma"], 0.002],
        ["0", "metrics", ["r2_score_X_test"], 1.0],
        ["7", "params", ["gamma"], 0.001],
    ]
    runs = gallery.runs_of(folder, "line", "digits")
    outcomes = Counter(gallery.checked(fact, runs).outcome for fact in facts)
    assert outcomes == {"found": 1, "wrong": 1, "missing": 2}
