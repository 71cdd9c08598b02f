"""Programs in the manner of XGBoost's guide: the same with us; what matters of them is found."""

from __future__ import annotations

from pathlib import Path

import gallery
import pytest
import xgboost

HOME = Path(__file__).parent / "programs" / "xgboost"
NAMES = gallery.sampled(gallery.stems(HOME))

OLD = xgboost.__version__.startswith("2.")
"""2.x keeps callbacks in a set: memory addresses decide if the last round of an early stopping is
printed.
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_same(name: str, played: gallery.Ways) -> None:
    stops = "stopping" in (HOME / f"{name}.py").read_text("utf-8").lower()
    gallery.played_the_same(played, name, printed=not (OLD and stops))


@pytest.mark.parametrize("way", ["line", "run"])
@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, way: str, folder: Path, played: gallery.Ways) -> None:
    gallery.all_found(folder, way, name)
