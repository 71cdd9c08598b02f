"""The gallery: each program is the same with us and without, and what matters of it is found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import gallery
import pytest
from gallery import Ways

HOME = gallery.HOME
NAMES = gallery.sampled(gallery.names(), "digits")


@pytest.mark.parametrize("name", NAMES)
def test_a_program_of_the_gallery_is_the_same(name: str, played: Ways) -> None:
    gallery.played_the_same(played, name)


@pytest.mark.parametrize("way", ["line", "run"])
@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, way: str, folder: Path, played: Ways) -> None:
    gallery.all_found(folder, way, name)


@pytest.mark.skipif(gallery.NAMES != NAMES, reason="not all programs run here")
def test_the_score_stands_in_the_docs(folder: Path, played: Ways) -> None:
    gallery.stands_in_the_docs(folder, NAMES, "sklearn.md")


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
