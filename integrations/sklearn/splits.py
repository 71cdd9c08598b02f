"""The splits of a validation or a search: how large each part is, and a digest of which rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple


class Split(NamedTuple):
    """Rows to train on and to test on; a digest is None where the indices are no numbers."""

    train_size: int
    test_size: int
    train_digest: str | None
    test_digest: str | None


def split_of(train: Any, test: Any) -> Split:
    """What `train` and `test` (indices, or masks over the rows) select; both are only read."""
    train_size, train_digest = _described(train)
    test_size, test_digest = _described(test)
    return Split(train_size, test_size, train_digest, test_digest)


def _described(indices: Any) -> tuple[int, str | None]:
    """Number and digest: the first 16 digits of the SHA-256 of the indices in their order, as
    little-endian 64-bit integers; a mask counts as the indices of its true places.
    """
    import numpy

    array = numpy.asarray(indices)
    if array.dtype.kind == "b":
        array = numpy.flatnonzero(array)
    if array.dtype.kind not in "iu":
        return len(array), None
    whole: Any = numpy.ascontiguousarray(array, dtype="<i8")
    return len(whole), hashlib.sha256(whole).hexdigest()[:16]


def columns(splits: Sequence[Split]) -> dict[str, list[Any]]:
    """The splits as a table, one row each."""
    return {name: [getattr(split, name) for split in splits] for name in Split._fields}
