"""Figures of a column against those of the same one in other data: what shifted, and how far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from .differences import alike

Facts = Mapping[str, Any]

FIGURES = ("missing", "min", "max", "mean", "std", "unique", "top", "top_share", "classes")
LEAST = 0.005
"""Standard deviations, or share, of a shift that is told."""


class Shift(NamedTuple):
    """A figure that moved; `size` orders shifts: standard deviations, or tenths of all rows."""

    size: float
    text: str


def shifts(before: Facts, after: Facts) -> list[Shift]:
    """What moved from one column to the other; empty where no figure that both have did."""
    found = [*_numbers(before, after), *_missing(before, after)]
    found += _classes(before.get("classes"), after.get("classes"))
    found += _texts(before, after)
    return [shift for shift in found if shift.size >= LEAST]


def _numbers(before: Facts, after: Facts) -> list[Shift]:
    means, stds = _both(before, after, "mean"), _both(before, after, "std")
    if means is None or stds is None or min(stds) < 0:
        return _ends(before, after, None)
    if stds[0] == 0:
        if means[0] == means[1] and stds[1] == 0:
            return []
        return [Shift(10.0, f"was {means[0]:g} throughout")]
    found = []
    moved = (means[1] - means[0]) / stds[0]
    if math.isfinite(moved):
        found.append(Shift(abs(moved), f"mean {signed(moved)} std"))
    ratio = stds[1] / stds[0]
    if stds[1] == 0:
        found.append(Shift(10.0, f"now {means[1]:g} throughout"))
    elif not 0.9 < ratio < 1.1 and math.isfinite(ratio):
        found.append(Shift(abs(math.log(ratio)), f"std ×{ratio:.2g}"))
    return found + _ends(before, after, stds[0])


def _ends(before: Facts, after: Facts, std: float | None) -> list[Shift]:
    """How far the two ends moved; of times, which have no figure in between, just that they did."""
    found = []
    for end in ("min", "max"):
        one, two = before.get(end), after.get(end)
        if isinstance(one, str) and isinstance(two, str) and one != two:
            found.append(Shift(0.1, f"{end} {_moment(one)} → {_moment(two)}"))
        elif std and (ends := _both(before, after, end)) and all(map(math.isfinite, ends)):
            far = abs(ends[1] - ends[0]) / std
            # What random samples of one population do is no news.
            found += [Shift(far / 10, f"{end} {ends[0]:.4g} → {ends[1]:.4g}")] if far > 3 else []
    return found


def _moment(text: str) -> str:
    return text.removesuffix("T00:00:00")[:40]


def _missing(before: Facts, after: Facts) -> list[Shift]:
    counts = _both(before, after, "missing")
    if counts is None or counts[0] == counts[1]:
        return []
    return [Shift(1.0, f"missing {counts[0]:g} → {counts[1]:g}")]


def _classes(before: Any, after: Any) -> list[Shift]:
    """The class whose share moved most, and classes that came or went."""
    one, two = class_shares(before), class_shares(after)
    if not one or not two:
        return []
    found = []
    for word, labels in (("new", [*two.keys() - one.keys()]), ("lost", [*one.keys() - two.keys()])):
        if labels:
            noun = f"class {labels[0]}" if len(labels) == 1 else "classes"
            count = "" if len(labels) == 1 else f"{len(labels)} "
            found.append(Shift(5.0, f"{count}{word} {noun}"))
    moved = {key: two[key] - one[key] for key in one if key in two}
    if moved:
        key = max(moved, key=lambda label: abs(moved[label]))
        found.append(Shift(abs(moved[key]) * 10, f"{key}: {_points(moved[key])}"))
    return found


def class_shares(table: Any) -> dict[str, float]:
    """The share of each class in a table `[[label, count], …]`; empty for anything else."""
    rows = table if isinstance(table, list) else []
    counts: dict[str, float] = {}
    for row in rows:
        if isinstance(row, list) and len(row) == 2 and isinstance(row[1], int | float):
            counts[str(row[0])[:40]] = row[1]
    total = sum(counts.values())
    return {label: count / total for label, count in counts.items()} if total > 0 else {}


def _texts(before: Facts, after: Facts) -> list[Shift]:
    found = []
    kinds = _both(before, after, "unique")
    if kinds is not None and kinds[0] != kinds[1] and min(kinds) >= 0:
        size = abs(kinds[1] - kinds[0]) / max(kinds)
        found.append(Shift(size, f"{kinds[0]:g} → {kinds[1]:g} distinct"))
    tops = before.get("top"), after.get("top")
    shares = _both(before, after, "top_share")
    if shares is not None and isinstance(tops[0], str) and isinstance(tops[1], str):
        if tops[0] != tops[1]:
            text = f"commonest {tops[0]} → {tops[1]}"
            found.append(Shift(max(abs(shares[1] - shares[0]) * 10, 0.1), text))
        else:
            moved = shares[1] - shares[0]
            found.append(Shift(abs(moved) * 10, f"{tops[0]}: {_points(moved)}"))
    return found


def signed(value: float) -> str:
    """`+0.86`, `−1.2`: two digits that count."""
    text = f"{abs(value):.2f}" if abs(value) >= 0.095 else f"{abs(value):.2g}"
    text = text if abs(value) < 100 else f"{abs(value):.3g}"
    return f"{'+' if value > 0 else '−'}{text}"


def _points(share: float) -> str:
    return f"{'+' if share > 0 else '−'}{abs(share) * 100:.1f} points"


def _both(before: Facts, after: Facts, key: str) -> tuple[float, float] | None:
    """The two numbers of that name, if both are numbers; NaN is none."""
    values = before.get(key), after.get(key)
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return None
    try:
        one, two = float(values[0]), float(values[1])  # type: ignore[arg-type]
    except OverflowError:
        return None
    return None if one != one or two != two else (one, two)


def same_figures(before: Facts, after: Facts) -> bool:
    """Whether there are figures, and all are equal but for the last digits of sums."""
    known = [key for key in FIGURES if key in before or key in after]
    return bool(known) and all(_close(before.get(key), after.get(key)) for key in known)


def _close(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)
    return alike([one, two])


def chance(before: Facts, after: Facts, rows: int) -> bool:
    """Whether mean and shares moved no further than between two random samples of `rows` rows.

    Four standard errors are the bound; what has neither may be anything.
    """
    if rows < 2:
        return False
    error = 4 * math.sqrt(2 / rows)
    means, stds = _both(before, after, "mean"), _both(before, after, "std")
    if means is not None and stds is not None:
        missing = _both(before, after, "missing") or (0.0, 0.0)
        near = abs(means[1] - means[0]) <= error * max(stds)
        gone = abs(missing[1] - missing[0]) / rows <= error / 2
        return near and gone and abs(stds[1] - stds[0]) <= error * min(stds)
    one, two = class_shares(before.get("classes")), class_shares(after.get("classes"))
    if one and two:
        return all(abs(one.get(k, 0) - two.get(k, 0)) <= error / 2 for k in one.keys() | two.keys())
    shares = _both(before, after, "top_share")
    same_top = before.get("top") == after.get("top")
    return shares is not None and same_top and abs(shares[1] - shares[0]) <= error / 2
