"""The numbers behind a classification report that the program asks for as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from autolog.integration import Call

from . import tables

Heard = list[tuple[str | None, Any]]
"""Ways of averaging, and what came of each: precision, recall, F1 score, support."""

_heard: ContextVar[Heard | None] = ContextVar("autolog_sklearn_report", default=None)


def listening(call: Call) -> AbstractContextManager[Heard]:
    """Hear what a report computes inside, for as long as this lasts; nothing of other calls."""
    if call.function.__name__ != "classification_report" or call.arg("output_dict"):
        return nullcontext([])
    return _listening()


@contextmanager
def _listening() -> Iterator[Heard]:
    heard: Heard = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def hear(call: Call) -> None:
    """Keep the result of `precision_recall_fscore_support`, if a report asked for it."""
    heard = _heard.get()
    if heard is not None:
        heard.append((call.arg("average"), call.result))


def told(call: Call, heard: Heard) -> dict[str, Any] | None:
    """The report as `output_dict=True` would give it; None where its numbers were not heard."""
    by_average = dict(heard)
    classes = by_average.pop(None, None)
    if classes is None or not by_average:
        return None
    columns = tables.of_tuple("precision_recall_fscore_support", classes)
    precision, recall, score, support = columns.values()
    names = call.arg("target_names")
    names = tables.labels(call, len(precision)) if names is None else map(str, names)
    found: dict[str, Any] = {
        name: _row(*row)
        for name, *row in zip(names, precision, recall, score, support, strict=False)
    }
    averages = call.result.rstrip().splitlines()[-len(by_average) :]
    for (average, (p, r, f, _)), line in zip(by_average.items(), averages, strict=True):
        if line.split()[0] == "accuracy":
            found["accuracy"] = float(p)
        else:
            found[f"{average} avg"] = _row(float(p), float(r), float(f), sum(support))
    return found


def _row(precision: Any, recall: Any, score: Any, support: Any) -> dict[str, Any]:
    return {"precision": precision, "recall": recall, "f1-score": score, "support": support}
