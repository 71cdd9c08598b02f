"""Data as it is recorded: shape, types, digests and statistics, read within fixed bounds.

Nothing here consumes, changes, keeps or wholly copies what it is given, draws a random number of
the program's, or imports a library that the program has not imported itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .describe import describe
from .signature import model_signature

if TYPE_CHECKING:
    import numpy

__all__ = ["describe", "model_signature", "row_digests"]


def row_digests(data: Any, rows_limit: int = 100_000) -> numpy.ndarray[Any, Any] | None:
    """One 64-bit number per row (uint64), equal for equal rows in NumPy, pandas, polars and Arrow.

    Of more than `rows_limit` rows a fixed sample is read. None where `data` has no readable rows.
    """
    from .adapters import adapt
    from .digest import rows_of

    source = adapt(data)
    return None if source is None else rows_of(source, rows_limit)
