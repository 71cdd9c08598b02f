"""Stores of every released format are read for ever, exactly, and may be gone on with.

`v1` was written once by `python tests/formats/test_formats.py FOLDER` when format 1 was the newest.
"""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend

from autolog.codec import escape_text, from_wire, to_wire, unescape_text
from autolog.records import Record

FULL, RENAMED, TORN = "f" * 32, "e" * 32, "d" * 32
LIGHT = tuple(f"{n:032x}" for n in range(3))
ONE, TWO = "1" * 32, "2" * 32

HARD: dict[str, Any] = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "-0.0": -0.0,
    "max": 2**63 - 1,
    "large": -(2**200),
    "bytes": b"\x00\xff",
    "text": "a\x00b \ud800 \x1a ü 👩‍🔬 \u2028",
    "nested": {"$float": [1, 1.0, None, True, {"$$x": math.nan}]},
}

FACTS: list[tuple[Any, ...]] = [
    ("run", "", {"name": "demo", "attempt": 1, "light": False}, None, None),
    *(("param", key, value, None, {"set": True}) for key, value in HARD.items()),
    *(("metric", "loss", 1 / (step + 1), step, {"unit": "epoch"}) for step in range(5)),
    ("metric", "auc", math.nan, 0.5, None),
    ("tag", "k\x00ey", "v", None, None),
    ("dataset", "train", {"shape": [426, 30], "digest": "9c1e04"}, None, None),
    ("model", "model", {"path": "model", "bytes": 3}, None, None),
    ("artifact", "model/a:b?.txt", {"bytes": 3}, None, None),
    ("table", "importances", {"columns": {"x": [1, 2]}, "rows": 2}, None, None),
    ("system", "git", {"commit": "4be1c02"}, None, None),
    ("novelty", "of a later version", {"x": 1}, None, None),
    ("end", "", {"status": "finished"}, None, None),
]


def records(run: str, writer: str, facts: list[tuple[Any, ...]]) -> list[Record]:
    return [
        Record(run, writer, n, 1.7e9 + n / 8, kind, escape_text(key), to_wire(value), step, info)
        for n, (kind, key, value, step, info) in enumerate(facts)
    ]


def light(run: str) -> list[Record]:
    opening: tuple[Any, ...] = ("run", "", {"name": "light", "light": True}, None, None)
    return records(run, ONE, [opening, ("param", "n", run, None, None)])


def make(root: Path) -> None:
    """Write the store with the code of today."""
    backend = LocalBackend(root)
    for run in (FULL, RENAMED, TORN):
        backend.write(records(run, ONE, FACTS))
    backend.write(records(FULL, TWO, FACTS[:8]))
    for run in LIGHT:
        backend.write(light(run))
    with backend.create_artifact(FULL, "model/a:b?.txt") as stream:
        stream.write(b"abc")
    (root / RENAMED).rename(root / "the best run")
    torn = root / TORN / f"journal-{ONE}.jsonl"
    torn.write_bytes(torn.read_bytes()[:-20])


@pytest.fixture(params=["v1"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a store of an old format."""
    return shutil.copytree(Path(__file__).parent / request.param, tmp_path / "store")


def test_every_run_is_there(old: Path) -> None:
    assert sorted(LocalBackend(old).run_ids()) == sorted([FULL, RENAMED, TORN, *LIGHT])


def test_every_record_is_exact(old: Path) -> None:
    backend = LocalBackend(old)
    assert list(backend.records(FULL)) == records(FULL, ONE, FACTS) + records(FULL, TWO, FACTS[:8])
    assert list(backend.records(RENAMED)) == records(RENAMED, ONE, FACTS)
    assert list(backend.records(TORN)) == records(TORN, ONE, FACTS)[:-1]
    for run in LIGHT:
        assert list(backend.records(run)) == light(run)


def test_every_value_is_exact(old: Path) -> None:
    found = [one for one in LocalBackend(old).records(RENAMED) if one.kind == "param"]
    values = {unescape_text(one.key): from_wire(one.value) for one in found}
    assert repr(values) == repr(HARD)


def test_artifacts_are_there(old: Path) -> None:
    backend = LocalBackend(old)
    assert backend.artifacts(FULL) == ["model/a:b?.txt"]
    with backend.open_artifact(FULL, "model/a:b?.txt") as stream:
        assert stream.read() == b"abc"


def test_damage_is_noted(old: Path) -> None:
    backend = LocalBackend(old)
    for run in backend.run_ids():
        list(backend.records(run))
    assert len(backend.notes()) == 1
    assert "torn last line" in backend.notes()[0]


def test_reading_changes_nothing(old: Path) -> None:
    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}

    before = state()
    test_damage_is_noted(old)
    assert state() == before


def test_an_old_store_is_gone_on_with(old: Path) -> None:
    backend = LocalBackend(old)
    more = records(TORN, ONE, FACTS)
    backend.write(more)
    assert list(LocalBackend(old).records(TORN)) == more


if __name__ == "__main__":
    make(Path(sys.argv[1]))
