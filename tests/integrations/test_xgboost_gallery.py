"""Programs in the manner of XGBoost's guide: the same with us; what matters of them is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import xgboost

sys.path.insert(0, str(Path(__file__).parent))

import gallery
from gallery import Played

Ways = dict[str, dict[str, Played]]

HOME = Path(__file__).parent / "programs" / "xgboost"
NAMES = gallery.stems(HOME)


OLD = xgboost.__version__.startswith("2.")
"""2.x keeps callbacks in a set: memory addresses decide if the last round of an early stopping is
printed.
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xgboost")


@pytest.fixture(scope="module")
def played(folder: Path) -> Ways:
    return {way: gallery.play(folder, way, NAMES, HOME) for way in gallery.WAYS}


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_the_same(name: str, played: Ways) -> None:
    plain = played["plain"][name]
    assert plain.code == 0, plain.err
    assert plain.out
    assert "random.txt" in plain.files
    for way in ("line", "run"):
        found = played[way][name]
        if OLD and "stopping" in (HOME / f"{name}.py").read_text("utf-8").lower():
            found = found._replace(out=plain.out)
        assert found == plain


@pytest.mark.parametrize("way", ["line", "run"])
@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, way: str, folder: Path, played: Ways) -> None:
    checked = gallery.check(folder, way, name)
    assert len(checked) >= 10
    assert not [fact for fact in checked if fact.outcome != gallery.FOUND]
