"""Programs in the manner of LightGBM's guide: the same with us, and their facts are found."""

from __future__ import annotations

from pathlib import Path

import gallery
import pytest

HOME = Path(__file__).parent / "programs" / "lightgbm"
NAMES = gallery.sampled(gallery.stems(HOME))


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_same(name: str, played: gallery.Ways) -> None:
    gallery.played_the_same(played, name)


@pytest.mark.parametrize("way", ["line", "run"])
@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, way: str, folder: Path, played: gallery.Ways) -> None:
    gallery.all_found(folder, way, name)


@pytest.mark.skipif(not gallery.ALL, reason="not all programs are played")
def test_the_score_stands_in_the_docs(folder: Path, played: gallery.Ways) -> None:
    gallery.stands_in_the_docs(folder, NAMES, "lightgbm.md")
