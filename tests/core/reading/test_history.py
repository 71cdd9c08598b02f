"""Parts of a metric's history: ranges of steps and times, and points thinned out."""

from __future__ import annotations

import math
import random

import pytest
from autolog.backends.memory import MemoryBackend

from autolog.points import Points, thinned, within
from autolog.query import Window
from autolog.search import get_run

from .conftest import Writer, run_id


def points(values: list[int | float]) -> Points:
    count = len(values)
    return Points([*range(count)], values, [i / 2 for i in range(count)], [1] * count)


@pytest.mark.parametrize("limit", [1, 5, 6, 7, 50, 999])
@pytest.mark.parametrize("nans", [0, 40])
def test_each_stretch_keeps_its_extremes(limit: int, nans: int) -> None:
    chance = random.Random(limit)
    values: list[int | float] = [chance.uniform(-1, 1) for _ in range(1000)]
    values[500], values[501] = 70, -(10**400)
    for place in chance.sample([*range(400), *range(600, 1000)], nans):
        values[place] = math.nan
    kept = thinned(points(values), limit)
    steps = [point.step for point in kept]
    assert len(kept) <= max(limit, 5)
    assert len(kept) > max(limit, 5) // 2
    assert steps == sorted({int(step) for step in steps if step is not None})
    assert {0, 500, 501, 999} <= set(steps)
    assert any(point.value != point.value for point in kept) == bool(nans)
    assert all(repr(point.value) == repr(values[int(point.step or 0)]) for point in kept)


def test_few_points_stay_as_they_are() -> None:
    few = points([1, 2, 3, 4, 5])
    assert thinned(few, 1) is few
    assert thinned(few, None) is few


def test_ranges_hold_their_ends() -> None:
    some = Points([None, 1, 2.5, 4], [0, 1, 2, 3], [10.0, 11.0, 12.0, 13.0], [1] * 4)

    def values(window: Window) -> list[int | float]:
        return [point.value for point in within(some, window)]

    assert values(Window()) == [0, 1, 2, 3]
    assert values(Window(steps=(None, None))) == [1, 2, 3]
    assert values(Window(steps=(1, 2.5))) == [1, 2]
    assert values(Window(times=(None, 11.0))) == [0, 1]
    assert values(Window(steps=(2, None), times=(12.5, None))) == [3]


def test_a_history_says_that_it_is_sampled() -> None:
    backend = MemoryBackend("memory:history")
    writer = Writer(backend, run_id("a"), "1" * 32, 1.7e9).opens()
    for step in range(100):
        writer("metric", "loss", step % 7, step)
    run = get_run(backend, "aaaa"[:1])
    whole = run.history("loss")
    assert (len(whole), whole.total, whole.sampled) == (100, 100, False)
    part = run.history("loss", limit=10, steps=(10, 89))
    assert (part.total, part.sampled) == (80, True)
    assert len(part) <= 10
    assert part[0].step == 10
    assert "of 80 points" in repr(part)
    assert run.history("loss", steps=(99, None)).to_arrow().to_pydict()["value"] == [1]
    backend.delete(run.id)
