"""Predictions of several models put together in one array, as a loop over folds does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import matching, predictions
from .predictions import Found, Link, Prediction, newest_first


def find(value: Any) -> Found | None:
    """The newest of several models' predictions at one place of which `value` has each row, once.

    Sure where its fractions are those of the predictions; probable for labels, as many of each,
    and where not all rows of what has few different values are known any more.
    """
    array = matching.comparable(value)
    if array is None or matching.constant(array):
        return None
    for parts in _candidates(len(array)):
        run = parts[0].run
        link = _link(array, parts)
        if run is not None and link is not None:
            return Found(parts[0], run, link)
    return None


def _candidates(count: int) -> Iterator[list[Prediction]]:
    """The newest predictions of each place that have `count` rows in all, each of another run."""
    places: dict[Any, list[Prediction]] = {}
    for prediction in newest_first(predictions.recent):
        if prediction.site is not None and prediction.sample is not None:
            key = prediction.site.file, prediction.site.line, prediction.site.code
            places.setdefault(key, []).append(prediction)
    for found in places.values():
        parts: list[Prediction] = []
        left = count
        for prediction in found:
            left -= prediction.rows or 0
            parts.append(prediction)
            if left <= 0:
                break
        if left == 0 and len({id(one.maker) for one in parts}) == len(parts) > 1:
            yield parts


def _link(array: Any, parts: list[Prediction]) -> Link | None:
    import numpy

    samples = [one.sample.values for one in parts if one.sample is not None]
    if len({sample.shape[1:] for sample in samples}) != 1:
        return None
    values = numpy.concatenate(samples)
    whole = all(one.sample is not None and one.sample.whole for one in parts)
    try:
        return _kinship(array, values, whole)
    except TypeError:  # values of several types have no order
        return None


def _kinship(array: Any, values: Any, whole: bool) -> Link | None:
    if array.ndim == 2:
        if values.shape[1:] != array.shape[1:] or array.shape[1] > matching.STARTS:
            return None
        links = [_kinship(one, two, whole) for one, two in zip(array.T, values.T, strict=True)]
        return None if None in links else max(links, key=str)
    if values.ndim == 2:
        made = [*values.T[: matching.STARTS], values.argmax(axis=1)]
        return next((link for one in made if (link := _kinship(array, one, whole))), None)
    return _of_column(array, values, whole)


def _of_column(array: Any, values: Any, whole: bool) -> Link | None:
    import numpy

    if not numpy.isin(values, array).all():
        return None
    if matching.continuous(values):
        return "by value"
    if not whole:
        return "probable"
    alike = matching.equal(numpy.sort(array), numpy.sort(values))
    many = len(numpy.unique(values)) >= matching.DISTINCT
    return ("by value" if many else "probable") if alike else None
