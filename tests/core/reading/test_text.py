"""Pieces of text: what is harmful goes, what is long is made short."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolog.rendering import text
from autolog.rendering.columns import param_text
from autolog.rendering.facts import direction
from autolog.rendering.spark import BLOCKS, spark


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]0;title\x07name", "name"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("two\r\nlines\tand\vmore", "two lines and more"),
        ("bell\x07 nul\x00 del\x7f", "bell� nul� del�"),
        ("\u202eevil\u2066", "�evil�"),
        ("\ud800", "�"),
        ("[red]markup[/red] :smile:", "[red]markup[/red] :smile:"),
    ],
)
def test_clean(given_text: str, shown: str) -> None:
    assert text.clean(given_text) == shown


@given(st.text(st.characters(), max_size=50))
def test_clean_leaves_nothing_that_a_terminal_obeys(given_text: str) -> None:
    shown = text.clean(given_text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
    shown.encode("utf-8")
    assert text.clean(shown) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.986, "0.9860"),
        (12.345, "12.35"),
        (1234.5, "1234"),
        (123456.7, "123457"),
        (1e-5, "1.00e-05"),
        (12345678.9, "1.23e+07"),
        (0.0, "0.000"),
        (5, "5"),
        (-3, "-3"),
        (10**30, "1.000e+30"),
        (10**400, "inf"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_number(value: Any, shown: str) -> None:
    assert text.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (0.021, "21ms", "21 ms"),
        (0.9999, "1.0s", "1.00 s"),
        (4.12, "4.1s", "4.12 s"),
        (59.96, "1m00s", "59.96 s"),
        (192, "3m12s", "3 min 12 s"),
        (18180, "5h03m", "5 h 3 min"),
        (187200, "2d4h", "52 h 0 min"),
        (None, "–", "–"),
        (math.nan, "–", "–"),
    ],
)
def test_durations(seconds: float | None, short: str, long: str) -> None:
    assert (text.short_duration(seconds), text.long_duration(seconds)) == (short, long)


@pytest.mark.parametrize(
    ("past", "shown"), [(-5, "0s"), (8, "8s"), (61, "1m"), (7200, "2h"), (3 * 86400, "3d")]
)
def test_age(past: float, shown: str) -> None:
    assert text.age(1e9 - past, now=1e9) == shown


def test_a_date_that_no_calendar_has() -> None:
    assert (text.date(1e300), text.age(-1e18), text.age(math.nan)) == ("–", "–", "–")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0 B"), (999, "999 B"), (3100, "3.1 kB"), (999_999, "1.0 MB"), (12e6, "12 MB")],
)
def test_size(amount: float, shown: str) -> None:
    assert text.size(amount) == shown
    assert text.size("12") == text.size(None) == text.size(-1) == "–"


def test_spark() -> None:
    assert spark([1, 2, 3, 4, 5, 6, 7, 8]) == BLOCKS
    assert spark(range(800)) == BLOCKS
    assert spark([5, 5, 5]) == "▄▄▄"
    assert spark([3, 2, math.nan, math.inf]) == "█▁××"
    assert spark([1e308, -1e308, 0]) == "█▁▅"
    assert spark([10**400, 1]) == "×▄"
    assert spark([]) == ""


@pytest.mark.parametrize(
    ("metric", "way"),
    [
        ("accuracy_score_X_test", 1),
        ("val_loss", -1),
        ("brier_score_loss", -1),
        ("neg_mean_squared_error", 1),
        ("d2_absolute_error_score", 1),
        ("rmse", -1),
        ("validation_0-auc", 1),
        ("n_iter", 0),
    ],
)
def test_which_way_is_better(metric: str, way: int) -> None:
    assert direction(metric) == way


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.001, "0.001"),
        (12345.6789, "12345.6789"),
        (0.0011855456805196045, "0.0011855…"),
        (-123456.7891234, "-1.2346e+05…"),
        (12345678901234, "12345678901234"),
        (math.nan, "nan"),
        ("a long word, really", "a long word, real…"),
    ],
)
def test_a_param_in_a_cell(value: Any, shown: str) -> None:
    assert param_text(value) == shown
