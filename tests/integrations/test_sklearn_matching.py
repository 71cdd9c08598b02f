"""What speaks for an array being made from another, over all kinds of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autolog.following import matching
from autolog.following.matching import (
    DERIVED,
    DIVIDED,
    EQUAL,
    ORDERED,
    comparable,
    kinship,
    telling,
)

lengths = st.integers(9, 60)
fractions = st.floats(0, 1, width=32, allow_subnormal=False)
quick = settings(max_examples=60, deadline=None)


def columns(count: st.SearchStrategy[int] = lengths) -> st.SearchStrategy[Any]:
    return count.flatmap(lambda n: arrays(np.float64, n, elements=fractions))


def chances(width: int) -> st.SearchStrategy[Any]:
    return lengths.flatmap(lambda n: arrays(np.float64, (n, width), elements=fractions))


def labels() -> st.SearchStrategy[Any]:
    kinds = st.sampled_from([np.array([0, 1]), np.array(["no", "yes"]), np.array([3, 5, 9])])
    return st.tuples(kinds, lengths, st.randoms(use_true_random=False)).map(
        lambda t: t[0][[t[2].randrange(len(t[0])) for _ in range(t[1])]]
    )


FORMS = [list, tuple, np.array, pd.Series, lambda a: a.tolist(), lambda a: a.astype(object)]


@quick
@given(st.one_of(columns(), labels()), st.sampled_from(FORMS))
def test_every_form_of_the_same_values_is_equal(values: Any, form: Any) -> None:
    assert kinship(comparable(form(values)), comparable(values)) == EQUAL


@quick
@given(chances(3), st.sampled_from([list, np.array, pd.DataFrame, lambda a: a.tolist()]))
def test_tables_too(values: Any, form: Any) -> None:
    if form is list:  # a list of arrays is no plain data
        assert comparable(form(values)) is None
    else:
        assert kinship(comparable(form(values)), comparable(values)) == EQUAL


@quick
@given(columns(), st.data())
def test_one_other_value_makes_another(values: Any, data: Any) -> None:
    other = values.copy()
    other[data.draw(st.integers(0, len(values) - 1))] += 2
    few = 4 * len({*values.tolist()}) <= len(values)  # labels, of which one got another name
    assert kinship(other, values) in (None, ORDERED) or few or len({*other.tolist()}) == 2


@quick
@given(columns(), st.data())
def test_a_contiguous_part_is_found_wherever_it_stands(values: Any, data: Any) -> None:
    start = data.draw(st.integers(0, len(values) - 2))
    stop = data.draw(st.integers(start + 1, len(values) - (start == 0)))
    assert kinship(values[start:stop].copy(), values) == DERIVED


@quick
@given(columns(), st.data())
def test_other_values_are_no_part(values: Any, data: Any) -> None:
    count = data.draw(st.integers(1, len(values) - 1))
    assert kinship(values[:count] + 2, values) is None


@quick
@given(chances(4))
def test_winners_their_names_and_columns(output: Any) -> None:
    names = np.array(["a", "b", "c", "d"])
    assert kinship(output.argmax(1), output) == DERIVED
    assert kinship(comparable(list(names[output.argmax(1)])), output, names) == DERIVED
    assert kinship(output[:, 2].copy(), output) == DERIVED


ways = st.sampled_from([bool, int, float, lambda above: np.array(["low", "high"])[above * 1]])


@quick
@given(lengths.flatmap(lambda n: st.permutations(range(n))), st.data(), ways)
def test_a_threshold_is_told_and_another_division_is_not(
    order: list[int], data: Any, way: Any
) -> None:
    output = np.linspace(0, 1, len(order))[order]
    above = output > output[data.draw(st.integers(0, len(order) - 1))]
    if not above.any():  # the greatest was drawn
        assert kinship(above, output) is None
        return
    made = above.astype(way) if isinstance(way, type) else way(above)
    assert kinship(made, output) in (DERIVED, DIVIDED)  # a half is rounded to the same
    assert kinship((~above).astype(int), output) in (DERIVED, DIVIDED)
    mixed = np.zeros(len(output), int)
    mixed[output.argsort()[::2]] = 1
    assert kinship(mixed, output) is None


@quick
@given(st.integers(1, 2000), st.integers(1, 50))
def test_how_much_says_enough(count: int, kinds: int) -> None:
    values = np.arange(count) % kinds
    bits = count * np.log2(min(kinds, count))
    if telling(values):
        assert bits >= matching.ENOUGH
    assert not telling(np.full(count, 7))
    assert not telling(values, places=2**40) or bits >= matching.ENOUGH + 40


def test_examples_of_enough() -> None:
    assert telling(np.array([0, 1] * 12))
    assert not telling(np.array([0, 1] * 11))
    assert telling(np.linspace(0, 1, 12))
    assert not telling(np.linspace(0, 1, 5))
    assert not telling(np.zeros(100_000))


class Loud:
    """Any look at it fails the test."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("converted")

    def __len__(self) -> int:
        raise AssertionError("counted")

    __hash__ = None  # type: ignore[assignment]


def held(*items: object) -> Any:
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        array[i] = item
    return array


@pytest.mark.parametrize(
    "value",
    [
        None,
        Loud(),
        [Loud(), Loud()],
        [[Loud()], [Loud()]],
        held(Loud(), 1),
        [[1, 2], [3]],
        [],
        [[]],
        "text",
        7,
        {"a": 1},
        (n for n in range(9)),
        np.zeros(2_000_000),
        np.zeros((2, 2, 2)),
        np.array(3.0),
        np.array(["2020-01-01"], "M8[D]"),
        [0] * (matching.MOST_ITEMS + 1),
        np.zeros(3, [("a", int)]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_is_not_compared(value: Any) -> None:
    assert comparable(value) is None


def test_a_generator_is_not_consumed() -> None:
    numbers = (n for n in range(3))
    comparable(numbers)
    assert [*numbers] == [0, 1, 2]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (np.zeros((5, 2)), 5), (pd.Series([1, 2]), 2), ([1, 2, 3], 3), ((1,), 1), (None, None),
        (iter([1]), None), (np.array(1.0), None), (7, None),
    ],
)  # fmt: skip
def test_rows(value: Any, count: int | None) -> None:
    assert matching.rows(value) == count


def test_the_memorys_owner() -> None:
    memory = np.zeros((6, 2))
    for view in (memory, memory[1:3], memory[:, 0], memory.T[0][::2], memory.reshape(-1)):
        assert matching.owner(view) is memory
    assert matching.owner(pd.Series(memory[:, 0], copy=False)) is memory
    assert matching.owner(memory.copy()) is not memory
    for other in (None, [1], "text", 3, pd.DataFrame(memory), Loud()):
        assert matching.owner(other) is None


@quick
@given(chances(3), st.sampled_from(["T", "reshape", "ravel", "swap"]))
def test_a_lost_view_is_laid_out_again(memory: Any, how: str) -> None:
    views = {
        "T": memory.T,
        "reshape": memory.reshape(3, -1),
        "ravel": memory.ravel(),
        "swap": memory.reshape(-1, 3, 1).swapaxes(0, 2),
    }
    view = views[how]
    again = matching.laid_out(memory, view.shape, view.strides)
    assert np.array_equal(again, view)
    assert not again.flags.writeable
    flipped = memory[::-1]
    assert matching.laid_out(memory, flipped.shape, flipped.strides) is None
