"""The torch gallery: each script is the same with us and without, and what matters is found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import gallery
import pytest
import torch_gallery
from torch_gallery import Played

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed", allow_module_level=True)

pytestmark = pytest.mark.timeout(1000)  # the first test plays all scripts

NAMES = gallery.sampled(torch_gallery.NAMES, "quiet", every=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("torch_gallery")


@pytest.fixture(scope="module")
def played(folder: Path) -> dict[str, dict[str, Played]]:
    return {way: torch_gallery.play(folder, way, NAMES) for way in ("plain", "line")}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_the_same(name: str, played: dict[str, dict[str, Played]]) -> None:
    plain = played["plain"][name]
    assert plain.code == "0", plain.err
    assert plain.out
    assert "end.txt" in plain.files
    assert played["line"][name] == plain


@pytest.mark.parametrize("name", NAMES)
def test_its_facts_are_found(name: str, folder: Path, played: dict[str, dict[str, Played]]) -> None:
    checked = torch_gallery.check(folder, name)
    assert [(fact, recorded) for fact, outcome, recorded in checked if outcome != "found"] == []


def test_scripts_that_train_nothing_leave_no_run(
    folder: Path, played: dict[str, dict[str, Played]]
) -> None:
    assert torch_gallery.runs_of(folder, "quiet") == []
