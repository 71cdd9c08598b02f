"""Many records in one value of a row: points of a metric by columns, other records as lines."""

from __future__ import annotations

import itertools
import math
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from autolog.errors import BackendError, permanent
from autolog.journal import encode_record
from autolog.journal_read import Line
from autolog.records import Record

LEVEL = 1
"""zlib's fastest: its further ones cost more than they save on shuffled numbers."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
_lines = msgspec.json.Decoder(Line)
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode
_DOUBLES, _RANGE, _DELTAS, _JSON = 0, 1, 2, 3


@dataclass(slots=True)
class Points:
    """Consecutive points of one series, by columns; values and infos in wire form."""

    seqs: Sequence[int]
    times: Sequence[float]
    steps: Sequence[int | float | None]
    values: Sequence[Any]
    infos: dict[int, dict[str, Any]]

    def lines(self, key: str) -> list[Line]:
        """The points as records."""
        found = [
            Line(seq, time, "metric", key, value, step)
            for seq, time, value, step in zip(
                self.seqs, self.times, self.values, self.steps, strict=True
            )
        ]
        for place, info in self.infos.items():
            found[place].info = info
        return found

    def extended(self, other: Points) -> Points:
        """These and, behind them, the others."""
        shift = len(self.seqs)
        return Points(
            [*self.seqs, *other.seqs],
            [*self.times, *other.times],
            [*self.steps, *other.steps],
            [*self.values, *other.values],
            {**self.infos, **{shift + i: info for i, info in other.infos.items()}},
        )


def points_of(records: Iterable[Record | Line]) -> Points:
    """Records of one metric by columns."""
    own = [*records]
    infos = [one.info for one in own]
    return Points(
        [one.seq for one in own],
        [one.time for one in own],
        [one.step for one in own],
        [one.value for one in own],
        _given(infos),
    )


def _given(infos: Sequence[dict[str, Any] | None]) -> dict[int, dict[str, Any]]:
    if infos.count(None) == len(infos):
        return {}
    return {place: info for place, info in enumerate(infos) if info is not None}


def encode_points(points: Points) -> bytes:
    """One value that holds the points; raises BackendError for what is not in wire form."""
    try:
        columns = (points.seqs, points.times, points.steps, points.values)
        packed = _pack([[_encode(one) for one in columns], _to_json([*points.infos.items()])])
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise permanent(f"a metric's point is not in wire form: {error}") from error
    return zlib.compress(packed, LEVEL)


def decode_points(body: bytes) -> Points:
    """The points that `encode_points` was given."""
    packed = Packed(body)
    seqs, times, steps, values = (packed.column(name) for name in COLUMNS)
    return Points(seqs, times, steps, values, packed.infos())


COLUMNS = ("seqs", "times", "steps", "values")


class Packed:
    """What `encode_points` gave, of which a column is decoded when it is asked for."""

    def __init__(self, body: bytes) -> None:
        self._columns, self._infos = _unpack(zlib.decompress(body))

    def column(self, name: str) -> Sequence[Any]:
        """One of `COLUMNS`."""
        return _decode(*self._columns[COLUMNS.index(name)])

    def numbers(self) -> Sequence[int | float] | None:
        """The values, where all of them are finite numbers."""
        form, data = self._columns[COLUMNS.index("values")]
        if form == _DOUBLES:
            floats = _unshuffled(data).tolist()
            return floats if math.isfinite(sum(floats)) else None
        column = _decode(form, data)
        return column if {*map(type, column)} <= {float, int} else None

    def some(self, name: str, places: Sequence[int]) -> list[Any]:
        """What stands in a column at a few places."""
        form, data = self._columns[COLUMNS.index(name)]
        if form == _DOUBLES:
            starts = range(0, len(data), len(data) // 8)
            few = b"".join([data[start + p : start + p + 1] for start in starts for p in places])
            return list(_decode(form, few))
        column = _decode(form, data)
        return [column[place] for place in places]

    def infos(self) -> dict[int, dict[str, Any]]:
        """The infos by place."""
        return dict(_from_json(self._infos))


def _encode(column: Sequence[Any]) -> tuple[int, Any]:
    types = {*map(type, column)}
    if types == {int}:
        form = _whole_numbers(column)
        if form is not None:
            return form
    if types == {float}:
        return _DOUBLES, _shuffled(column)
    if types <= {float, dict} and all(map(_float_like, column)):
        return _DOUBLES, _shuffled([_float(value) for value in column])
    return _JSON, _to_json(column)


def _whole_numbers(column: Sequence[int]) -> tuple[int, Any] | None:
    """Mostly each is as far from the one before as all others: the round, the batch, …"""
    step = column[1] - column[0] if len(column) > 1 else 1
    if 0 < abs(step) < 2**63 and [*column] == [
        *range(column[0], column[0] + step * len(column), step)
    ]:
        return _RANGE, (column[0], step, len(column))
    deltas = [column[0], *(b - a for a, b in itertools.pairwise(column))]
    return (_DELTAS, deltas) if max(map(abs, deltas)) < 2**63 else None


def _decode(form: int, data: Any) -> Sequence[Any]:
    if form == _RANGE:
        first, step, count = data
        return range(first, first + step * count, step)
    if form == _DELTAS:
        return [*itertools.accumulate(data)]
    if form == _JSON:
        found: list[Any] = _from_json(data)
        return found
    floats = _unshuffled(data).tolist()
    if math.isfinite(sum(floats)):
        return floats
    return [value if math.isfinite(value) else {"$float": _name(value)} for value in floats]


def _float_like(value: Any) -> bool:
    return type(value) is float or (len(value) == 1 and value.get("$float") in _NAMES)


_NAMES = ("nan", "inf", "-inf")


def _float(value: Any) -> float:
    return value if type(value) is float else float(value["$float"])


def _name(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _shuffled(values: Sequence[float]) -> bytes:
    """First all first bytes, then all second ones, …: those of like numbers compress well."""
    raw = _little_endian(array("d", values)).tobytes()
    return b"".join([raw[i::8] for i in range(8)])


def _unshuffled(data: bytes) -> array[float]:
    count = len(data) // 8
    raw = bytearray(len(data))
    for i in range(8):
        raw[i::8] = data[i * count : (i + 1) * count]
    found = array("d")
    found.frombytes(raw)
    return _little_endian(found)


def _little_endian(values: array[float]) -> array[float]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


# -- records that are no points ----------------------------------------------------------------


def encode_lines(records: Iterable[Record]) -> bytes:
    """One value that holds the records, as a journal does; raises BackendError as above."""
    try:
        return zlib.compress(b"".join(map(encode_record, records)), LEVEL)
    except BackendError as error:
        error.permanent = True
        raise


def joined_lines(body: bytes, more: bytes) -> bytes:
    """The records of both values."""
    return zlib.compress(zlib.decompress(body) + zlib.decompress(more), LEVEL)


def decode_lines(body: bytes) -> list[Line]:
    """The records that `encode_lines` was given."""
    return _lines.decode_lines(zlib.decompress(body))
