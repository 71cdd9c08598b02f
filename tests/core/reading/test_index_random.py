"""Searches by the index answer as without it, whatever programs and people do to the store."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autolog.backends.local import LocalBackend
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog import index
from autolog.columns import columns
from autolog.errors import BackendError
from autolog.filters import text_of
from autolog.rendering.jsonform import run_json
from autolog.search import search
from autolog.store import Store

from .conftest import Story, Writer, settle

QUESTIONS: list[dict[str, Any]] = [
    {},
    {"filter": "metrics.loss > 0.5 or metrics.loss = nan", "order_by": "metrics.loss desc"},
    {"filter": "not metrics.loss > 0.5", "include_probable": True, "order_by": "metrics.loss"},
    {"filter": "params.C = 1 or params.C = '1' or params.C is null", "order_by": "params.C"},
    {"filter": "params.C > 9223372036854775807", "order_by": "params.C desc, name"},
    {"filter": "tags.who like '%e%' or status in ('running', 'lost', 'killed', 'failed')"},
    {"filter": "datasets.digest like 'full%' and datasets.role != 'test'", "limit": 3},
    {"filter": "datasets.name = 'X'", "experiment": "wine/demo"},
    {"filter": "duration > 0.5 and started > 0 and parent is null", "order_by": "duration"},
]

VALUES = [0, 1, 1.0, -0.0, 0.7, True, None, 2**63, -(2**70), float("nan"), float("inf"),
          "1", "", "a\0b", "\ud800", "\x1a", b"\xff", [1, [2**64]], {"$float": "x"}]  # fmt: skip
NUMBERS = [value for value in VALUES if isinstance(value, int | float)]


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTH", 1)


class Unversioned(LocalBackend):
    """A local store that is read whole for each question."""

    def versions(self, memo: Any = None) -> None:  # type: ignore[override]
        return None


def answers(root: Path, cache: Path | None = None) -> list[Any]:
    """All that searches can tell of the store, by the index in that cache folder or without."""
    if cache is None:
        return [_answer(Store(Unversioned(root)), question) for question in QUESTIONS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        return [_answer(Store(LocalBackend(root)), question) for question in QUESTIONS]


def _answer(store: Store, question: dict[str, Any]) -> Any:
    runs = search(store, **question)
    table = {name: [text_of(v) for v in values] for name, values in columns(runs).items()}
    whole = [json.dumps(run_json(run)) for run in runs]
    return whole, table, sorted(store.notes), sorted(store.backend.notes())


class Teller:
    """Changes a store at random, as programs and people do."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.root = root
        self.writers: list[Writer] = []

    def step(self) -> None:
        acts = [self.begin, self.begin, self.add, self.add, self.add, self.meddle]
        self.random.choice(acts if self.writers else [self.begin])()

    def begin(self) -> None:
        pick = self.random.choice
        story = Story(LocalBackend(self.root))
        story.now = 1.65e9
        runs = [writer.run for writer in self.writers]
        again = runs and pick([True, False, False])
        light = not again and pick([True, False])
        run = pick(runs) if again else self._hex(128)
        writer = story.run(run, writer=pick("12") * 32 if light else self._hex(128),
                           ago=self.random.random())  # fmt: skip
        facts = {"parent": pick([None, *runs]), "attempt": pick([1, 1, 2]), "light": light}
        writer.opens(pick(["a", "b", ""]), integration=pick([None, "sklearn"]), **facts)
        writer.backend.close()
        self.writers.append(writer)

    def _hex(self, bits: int) -> str:
        return f"{self.random.getrandbits(bits):0{bits // 4}x}"

    def add(self) -> None:
        pick = self.random.choice
        writer = pick(self.writers)
        writer.backend = LocalBackend(self.root)  # its folder may have got another name
        acts: list[Callable[[], Any]] = [
            lambda: writer("param", pick("CD"), pick(VALUES)),
            lambda: writer("tag", "who", pick(["me", "you", "\ud800"])),
            lambda: writer("metric", "loss", pick(NUMBERS), pick([None, 0, 1, 5]),
                           link=pick(["exact", "probable"])),
            lambda: writer("dataset", pick("XY"), pick(["odd", {"role": "train"},
                           {"role": "test", "digest": "full-v1:1"}])),
            lambda: writer.ends(pick(["finished", "failed"]), message="\ud800"),
        ]  # fmt: skip
        try:
            pick(acts)()
        except BackendError:
            self.writers.remove(writer)  # its journal was meddled with
        writer.backend.close()

    def meddle(self) -> None:
        pick = self.random.choice
        runs = [path for path in sorted(self.root.iterdir()) if path.is_dir()]
        run, journal = pick(runs), pick(sorted(self.root.rglob("journal-*")) or [self.root])
        copy = self.root / f"copy-{self._hex(16)}"
        acts: list[Callable[[], Any]] = [
            lambda: self.delete(pick(self.writers).run),
            lambda: run.name != "light" and run.rename(copy),
            lambda: shutil.copytree(run, copy),
            lambda: journal.is_file() and journal.write_bytes(journal.read_bytes()[:-3]),
            lambda: journal.is_file() and journal.write_bytes(
                journal.read_bytes().replace(b'"me"', b'"ne"')),
            lambda: journal.is_file() and journal.unlink(),
            lambda: run.name != "light" and shutil.rmtree(run),
            lambda: (self.root / self._hex(128)).mkdir(),
        ]  # fmt: skip
        pick(acts)()
        self.writers = [w for w in self.writers if self._stands(w)]

    def delete(self, run: str) -> None:
        backend = LocalBackend(self.root)
        if run in backend.run_ids():
            backend.delete(run)

    def _stands(self, writer: Writer) -> bool:
        """Whether the writer may go on: its journals are as it left them."""
        return LocalBackend(self.root).acked(writer.run).get(writer.writer) == writer.seq


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_searches_answer_with_the_index_as_without(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "autolog-runs")
        teller = Teller(root, seed)
        for moment in range(12):
            teller.step()
            settle(root, moment)
            plain = answers(root)
            assert answers(root, Path(folder, "cache")) == plain
            assert answers(root, Path(folder, "cache")) == plain
        assert list(Path(folder, "cache").rglob("index/*"))
