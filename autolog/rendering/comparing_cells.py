"""What each run has of one difference, in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ..comparing import Comparison, Difference
from ..comparing.causes import words
from ..comparing.causes_data import lineage_text
from ..comparing.code import plus_minus
from ..comparing.figures import class_shares
from . import facts
from .spark import spark
from .text import NONE, clean, float_of, number, value_text

CELL = 40


def label(difference: Difference) -> str:
    """What the difference is about; a variable without the sign that tells it from a package."""
    return clean(difference.key.removeprefix("$"), 60)


def cells(difference: Difference, comparison: Comparison) -> list[str]:
    """What each run has; `~` stands before a metric whose link is only probable.

    Of more than two runs `★` marks the best value of a metric, if one is best.
    """
    if difference.section == "metrics":
        return _metrics(difference, comparison)
    if difference.section == "code":
        return _code(difference)
    has = difference.detail.get("has")
    shown = [_shown(difference, value) for value in difference.values]
    if difference.section == "params" and has:
        pairs = zip(shown, difference.values, has, strict=True)
        shown = ["None" if value is None and there else text for text, value, there in pairs]
    return shown


def _shown(difference: Difference, value: Any) -> str:
    if difference.section == "program" and difference.key == "arguments":
        return clean(words(value), CELL)
    if value is None:
        return NONE
    if difference.section == "data":
        return _dataset_text(facts.mapping(value))
    return value_text(value, CELL)


def _metrics(difference: Difference, comparison: Comparison) -> list[str]:
    found = []
    best = _best(difference, comparison)
    digits = telling_digits([one and one["value"] for one in difference.detail["figures"]])
    for i, (run, figure) in enumerate(
        zip(comparison.runs, difference.detail["figures"], strict=True)
    ):
        series = run.series.get(difference.name(i))
        if figure is None or series is None:
            found.append(NONE)
            continue
        value = NONE if figure["value"] is None else number(figure["value"], digits)
        drawn = f" {spark(series.sample())}" if series.count > 1 else ""
        mark = " ★" if i == best else ""
        found.append(f"{'~' if series.probable else ''}{value}{drawn}{mark}")
    return found


def telling_digits(values: Sequence[float | None]) -> int:
    """How many digits of the numbers tell those apart that differ: four where that is enough."""
    known = {value for value in values if value is not None and value == value}
    enough = (d for d in range(4, 17) if len({number(value, d) for value in known}) == len(known))
    return next(enough, 17)


def _best(difference: Difference, comparison: Comparison) -> int | None:
    """The place of the best of several values; none where two are, or the name tells nothing."""
    way = facts.direction(difference.key)
    known = {}
    for i, (run, figure) in enumerate(
        zip(comparison.runs, difference.detail["figures"], strict=True)
    ):
        value = None if figure is None else figure["value"]
        series = run.series.get(difference.name(i))
        if value is not None and value == value and series is not None and not series.probable:
            known[i] = value * way
    if len(comparison.runs) < 3 or not way or len(known) < 2:
        return None
    top = [i for i, value in known.items() if value == max(known.values())]
    return top[0] if len(top) == 1 else None


def _code(difference: Difference) -> list[str]:
    dirty = difference.detail.get("dirty")
    if dirty is not None:
        return [
            NONE if value is None else f"{clean(value)[:7]}{'*' if changed else ''}"
            for value, changed in zip(difference.values, dirty, strict=True)
        ]
    found = []
    for place, value in enumerate(difference.values):
        counts = difference.detail["lines"][place]
        if value is None:
            found.append(NONE)
        elif counts and any(counts) and difference.values[0] is not None:
            found.append(plus_minus(counts))
        else:
            found.append(
                "same" if place and value == difference.values[0] else _lines(difference, value)
            )
    return found


def _lines(difference: Difference, text: str) -> str:
    """How long a file is that not all runs have; nothing for one that the others are told by."""
    if difference.detail["kind"] == "patch":
        return "uncommitted"
    count = len(text.splitlines())
    return f"{count:,} line{'s' if count != 1 else ''}" if None in difference.values else ""


# -- data --------------------------------------------------------------------------------------

DATA_PARTS = ("column", "target", "weight")


def _dataset_text(value: Mapping[str, Any]) -> str:
    shape = shape_text(value.get("shape"))
    return " ".join(part for part in (shape, facts.digest(value)) if part) or "recorded"


def shape_text(shape: Any) -> str:
    """`426×30`; a size that is not known is `?`."""
    if not isinstance(shape, list):
        return ""
    return "×".join("?" if size is None else clean(size, 12) for size in shape)


def part_label(part: Difference) -> str:
    """`mean radius`, `target y_train`, `rows shared with train`."""
    titles = {"rows_shared": "rows shared with train", "lineage": "prepared by"}
    return titles.get(part.key) or clean(part.key, 50)


def column_text(part: Difference, value: Any) -> str:
    """A column's figures in a run: `14.16 ± 3.548`, `3 distinct, a 40 %`."""
    kind = part.detail["part"]
    if kind == "lineage":
        return clean(lineage_text(value), CELL)
    if kind == "rows_shared":
        return NONE if value is None else value_text(value, 20)
    if value is None:
        return NONE
    told = figures_text(facts.mapping(value))
    if part.detail["change"] in ("added", "removed", "type"):
        told = f"{clean(value.get('dtype') or '', 20)} {told}".strip()
    return told or "recorded"


def figures_text(value: Mapping[str, Any]) -> str:
    """The figures of one column, in few words."""
    missing = value.get("missing")
    gone = [f"{missing:,} missing"] if isinstance(missing, int) and missing else []
    return ", ".join([*_main_figures(value), *gone])


def _main_figures(value: Mapping[str, Any]) -> list[str]:
    shares = class_shares(value.get("classes"))
    if shares:
        top = sorted(shares.items(), key=lambda item: -item[1])
        if len(top) > 3:
            return [f"{len(top)} classes", _share(*top[0])]
        return [_share(*one) for one in sorted(top)]
    mean, std = value.get("mean"), value.get("std")
    if isinstance(mean, int | float) and isinstance(std, int | float):
        return [f"{number(float_of(mean))} ± {number(float_of(std))}"]
    if isinstance(value.get("unique"), int):
        top_share = value.get("top_share")
        known = isinstance(value.get("top"), str) and isinstance(top_share, int | float)
        most = [_share(value["top"], float(top_share))] if known else []  # type: ignore[arg-type]
        return [f"{value['unique']:,} distinct", *most]
    ends = [value[end] for end in ("min", "max") if isinstance(value.get(end), str)]
    return [" … ".join(clean(end.removesuffix("T00:00:00"), 20) for end in ends)] if ends else []


def _share(label: str, share: float) -> str:
    return f"{clean(label, 16)}: {share:.0%}".replace("%", " %")


# -- what else is to be said -------------------------------------------------------------------


def change(difference: Difference) -> Text:
    """How a metric of two runs changed: `▲ 0.0070`, green where that is known to be better."""
    if difference.section != "metrics" or len(difference.values) != 2:
        return Text()
    step = difference.detail["changes"][1]
    if step is None:
        return Text()
    better = facts.direction(difference.key) * (1 if step > 0 else -1)
    style = {1: "green", -1: "red"}.get(better, "")
    return Text(f"{'▲' if step > 0 else '▼'} {_step(step)}", style=style)


def _step(amount: float) -> str:
    if isinstance(amount, int):
        return number(abs(amount))
    text = f"{abs(amount):.4f}"
    return text if float(text) and abs(amount) < 10 else number(abs(amount))


def note(difference: Difference) -> Text:
    """What a metric's number is, of a series; what else differs of the data or the code."""
    if difference.section in ("metrics", "params"):
        if len(difference.values) > 2:
            return Text()
        told = _of_series(difference) if difference.section == "metrics" else ""
        names = [clean(name, 40) for name in difference.detail.get("names", ()) if name]
        return Text(", ".join(filter(None, [told, " / ".join(names)])), style="dim")
    if difference.section == "code":
        return Text(clean(difference.note, 60) if difference.detail["kind"] != "source" else "")
    return Text(clean(difference.note, 100))


def _of_series(difference: Difference) -> str:
    """`mean of 5 folds, higher in 4`, `after 30 → 60 epochs, best 0.31 → 0.28`."""
    figures = [one for one in difference.detail["figures"] if one is not None]
    counts = [one["count"] for one in figures]
    if max(counts) < 2:
        return ""
    unit = next((clean(one["unit"], 20) for one in figures if one["unit"]), "point")
    of = {"mean": "mean of", "best": "best of"}.get(difference.detail["of"], "after")
    told = counts[:1] if len(set(counts)) == 1 else counts
    found = [f"{of} {' → '.join(f'{count:,}' for count in told)} {unit}s"]
    higher = difference.detail.get("higher")
    if higher is not None and len(higher) == 2:
        found.append(f"higher in {higher[1]}")
    found += _best_of(difference, figures) if of == "after" and len(figures) == 2 else []
    return ", ".join(found)


def _best_of(difference: Difference, figures: list[Any]) -> list[str]:
    """The best values of two courses, where those are not the last ones."""
    way = facts.direction(difference.key)
    bests = [one["high"] if way > 0 else one["low"] for one in figures]
    if not way or None in bests or bests == [one["value"] for one in figures]:
        return []
    return [f"best {' → '.join(map(number, bests))}"]
