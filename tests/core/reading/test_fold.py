"""Records → the run as a person sees it."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from autolog.backends.memory import MemoryBackend
from hypothesis import given
from hypothesis import strategies as st

from autolog.errors import NotFound
from autolog.fold import Folded, parts, read_run
from autolog.fold import fold as fold_parts
from autolog.points import histories
from autolog.records import Record, blocks_of
from autolog.series import SAMPLE, Point

RUN = "a" * 32


def record(seq: int, kind: Any, key: str = "", value: Any = None, **more: Any) -> Record:
    writer = more.pop("writer", "c") * 32
    return Record(RUN, writer, seq, more.pop("time", float(seq)), kind, key, value, **more)


def fold(records: Iterable[Record]) -> Folded:
    return fold_parts(parts(blocks_of(records)))


def history(records: Iterable[Record], key: str, **more: Any) -> list[Point]:
    return list(histories(parts(blocks_of(records)), key=key, **more)[key])


def opened(seq: int = 0, attempt: int = 1, **more: Any) -> Record:
    return record(seq, "run", "", {"name": "Ridge", "attempt": attempt}, **more)


def test_facts_and_values_are_decoded() -> None:
    folded = fold(
        [
            opened(),
            record(1, "param", "C", {"$int": "0x10000000000000000"}, info={"set": True}),
            record(2, "tag", "a\x1a0000b", "t\x1ad800"),
            record(3, "metric", "loss", {"$float": "nan"}),
        ]
    )
    assert folded.facts["name"] == "Ridge"
    assert folded.values("param") == {"C": 2**64}
    assert folded.latest("param")["C"].set is True
    assert folded.values("tag") == {"a\0b": "t\ud800"}
    assert math.isnan(folded.series["loss"].value)


def test_of_a_param_the_greatest_attempt_time_writer_seq_counts() -> None:
    early = [opened(writer="b"), record(1, "param", "C", 1, time=9.0, writer="b")]
    late = [opened(attempt=2, writer="a"), record(1, "param", "C", 2, time=5.0, writer="a")]
    for records in ([*early, *late], [*late, *early]):
        folded = fold(records)
        assert folded.values("param") == {"C": 2}
        assert [fact.value for fact in folded.past["param"]["C"]] == [1, 2]


def test_within_an_attempt_the_later_time_counts_then_the_greater_writer_then_seq() -> None:
    def last(*records: Record) -> Any:
        return fold(records).values("param")["C"]

    one = record(1, "param", "C", 1, time=5.0, writer="a")
    assert last(record(1, "param", "C", 2, time=4.0, writer="b"), one) == 1
    assert last(record(1, "param", "C", 2, time=5.0, writer="b"), one) == 2
    assert last(one, record(2, "param", "C", 3, time=5.0, writer="a")) == 3


def test_a_metric_s_last_value_is_that_of_the_greatest_step_not_of_the_newest_record() -> None:
    folded = fold(
        [
            opened(),
            record(1, "metric", "loss", 3.0, step=10),
            record(2, "metric", "loss", 4.0, step=2),
            record(3, "metric", "loss", 5.0),
        ]
    )
    series = folded.series["loss"]
    assert (series.value, series.step, series.count) == (3.0, 10, 3)
    assert (series.first, series.low, series.high) == (5.0, 3.0, 5.0)


def test_figures_leave_nan_out_and_say_none_where_all_are_nan() -> None:
    folded = fold(
        [
            opened(),
            record(1, "metric", "a", {"$float": "nan"}, step=0),
            record(2, "metric", "a", 2.0, step=1),
            record(3, "metric", "b", {"$float": "nan"}),
            record(4, "metric", "c", {"$float": "inf"}),
        ]
    )
    assert (folded.series["a"].low, folded.series["a"].high) == (2.0, 2.0)
    assert (folded.series["b"].low, folded.series["b"].high) == (None, None)
    assert folded.series["c"].high == math.inf


def test_a_unit_that_was_given_once_holds_for_the_series() -> None:
    folded = fold(
        [
            opened(),
            record(1, "metric", "loss", 3, step=0, info={"unit": "epoch"}),
            record(2, "metric", "loss", 2, step=1),
        ]
    )
    assert folded.series["loss"].unit == "epoch"
    assert not folded.series["loss"].probable


def two_attempts() -> list[Record]:
    """Steps 0 to 9 in a first attempt, 6 to 11 in a second one that begins at a checkpoint."""
    first = [opened(writer="a")]
    first += [record(i + 1, "metric", "loss", 100 + i, step=i, writer="a") for i in range(10)]
    second = [opened(attempt=2, writer="b", time=50.0)]
    for i in range(6):
        second.append(
            record(i + 1, "metric", "loss", 200 + i, step=6 + i, writer="b", time=51.0 + i)
        )
    return [*second, *first]


def test_a_later_attempt_supersedes_the_points_from_its_first_step_on() -> None:
    records = two_attempts()
    folded = fold(records)
    assert folded.attempts == [1, 2]
    standing = history(records, "loss", bounds=folded.bounds)
    assert [point.value for point in standing] == [*range(100, 106), *range(200, 206)]
    assert [point.step for point in standing] == list(range(12))
    first = history(records, "loss", bounds=folded.bounds, attempt=1)
    assert [point.value for point in first] == list(range(100, 110))
    assert {point.attempt for point in first} == {1}


def test_figures_of_a_series_that_was_cut_count_only_what_stands(story: Any) -> None:
    story.backend.write([r for r in two_attempts() if r.writer == "a" * 32])
    story.backend.write([r for r in two_attempts() if r.writer == "b" * 32])
    series = read_run(story.backend, RUN).series["loss"]
    assert (series.count, series.low, series.high, series.value) == (12, 100, 205, 205)
    assert series.sample() == [*range(100, 106), *range(200, 206)]


def test_an_attempt_that_begins_anew_hides_all_of_the_one_before() -> None:
    records = [
        opened(writer="a"),
        record(1, "metric", "acc", 0.5, writer="a"),
        opened(attempt=2, writer="b", time=9.0),
        record(1, "metric", "acc", 0.6, writer="b", time=10.0),
    ]
    folded = fold(records)
    assert folded.series["acc"].count == 1
    assert [point.value for point in history(records, "acc", bounds=folded.bounds)] == [0.6]


def test_the_newest_end_counts_unless_the_run_was_opened_once_more() -> None:
    end = record(2, "end", "", {"status": "failed", "error": None}, time=2.0)
    later = record(3, "end", "", {"status": "finished"}, time=3.0)
    assert fold([opened(), end]).end is not None
    ended = fold([opened(), later, end]).end
    assert ended is not None
    assert ended.value == {"status": "finished"}
    assert fold([opened(), end, opened(4, time=4.0)]).end is None
    assert fold([opened(), end, opened(0, attempt=2, writer="d", time=1.0)]).end is None
    assert fold([opened(), end, record(4, "tag", "late", "yes", time=4.0)]).end is not None


def test_what_cannot_be_understood_is_counted_and_hides_nothing() -> None:
    folded = fold(
        [
            opened(),
            record(1, "run", "", "no mapping"),
            record(2, "metric", "loss", "no number"),
            record(3, "param", "C", {"$float": "junk"}),
            record(4, "shape-of-things-to-come", "k", 1),
            record(5, "metric", "loss", 1.0),
        ]
    )
    assert folded.unreadable == 3
    assert folded.series["loss"].count == 1
    assert folded.past["shape-of-things-to-come"]["k"][0].value == 1


def test_without_any_record_there_is_an_empty_run() -> None:
    folded = fold([])
    assert (folded.started, folded.attempts, folded.end, folded.series) == (None, [], None, {})


def test_a_run_that_is_not_there(story: Any) -> None:
    with pytest.raises(NotFound):
        read_run(story.backend, "f" * 32)


def many(count: int) -> Iterator[Record]:
    yield opened()
    for i in range(count):
        yield record(i + 1, "metric", "loss", float(i), step=i)


def test_memory_does_not_grow_with_the_number_of_points() -> None:
    tracemalloc.start()
    series = fold(many(50_000)).series["loss"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    drawn = series.sample()
    assert SAMPLE <= len(drawn) <= 2 * SAMPLE
    assert (drawn[0], drawn[-1]) == (0.0, 49_999.0)
    assert drawn == sorted(drawn)
    assert (series.count, series.low, series.high) == (50_000, 0.0, 49_999.0)


numbers = itertools.count()
points = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([None, 0, 1, 2, 3, 4]),
        st.integers(0, 5),
        st.floats(allow_nan=False, allow_infinity=False, width=16),
    ),
    min_size=1,
    max_size=25,
)


@given(points)
def test_the_streamed_figures_are_those_of_the_standing_points(drawn: list[Any]) -> None:
    """Against the definition, written plainly: two writers, attempt 1 and 2, points at random."""
    records = {w: [opened(0, attempt, writer=w)] for attempt, w in ((1, "a"), (2, "b"))}
    for writer, step, time, value in drawn:
        seq = len(records[writer])
        records[writer].append(
            record(seq, "metric", "m", value, step=step, time=float(time), writer=writer)
        )

    def place(one: Record) -> tuple[float, float, str, int]:
        return (-math.inf if one.step is None else one.step, one.time, one.writer, one.seq)

    first, second = records["a"][1:], records["b"][1:]
    begin = min((place(one)[0] for one in second), default=math.inf)
    kept = [one for one in first if place(one)[0] < begin]
    expected = sorted(kept, key=place) + sorted(second, key=place)
    everything = [*records["a"], *records["b"]]

    backend = MemoryBackend(f"memory:{next(numbers)}")
    backend.write(everything)
    folded = read_run(backend, RUN)
    backend.delete(RUN)
    found = history(everything, "m", bounds=folded.bounds)
    assert [point.value for point in found] == [one.value for one in expected]
    series = folded.series["m"]
    values = [one.value for one in expected]
    assert (series.count, series.low, series.high) == (len(values), min(values), max(values))
    assert (series.first, series.value) == (values[0], values[-1])
    assert series.sample() == values
