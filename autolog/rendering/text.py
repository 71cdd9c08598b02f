"""Pieces of text: untrusted words made harmless, numbers, times and sizes made short."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from ..filters import text_of

NONE = "–"

# Escape sequences as a whole (CSI, then strings such as a window's title, then the short ones).
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_BLANK = re.compile(r"[\t\n\r\v\f\x85\u2028\u2029]+")
# C0, C1, lone surrogates, and what reverses or hides text that stands beside it.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def clean(text: object, width: int | None = None) -> str:
    """Text from a store on one line, without anything that a terminal would obey.

    Escape sequences go, line ends become blanks, other control characters `�`; beyond `width`
    characters it is cut, which `…` shows.
    """
    plain = _SEQUENCE.sub("", text if isinstance(text, str) else str(text))
    plain = _HARMFUL.sub("�", _BLANK.sub(" ", plain))
    return plain if width is None or len(plain) <= width else plain[: width - 1] + "…"


def value_text(value: Any, width: int = 40) -> str:
    """A param's value, exact unless too long: `0.3`, `adam`, `[100, 50]`."""
    return clean(text_of(value), width)


def number(value: float, digits: int = 4) -> str:
    """A metric's value with `digits` significant digits: `0.9860`, `12.35`, `1.2e-05`, `120`."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**9 else f"{float_of(value):.3e}"
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 10**digits:
        return f"{value:#.{digits}g}".rstrip(".")
    return f"{value:.0f}" if 1 < abs(value) < 10**6 else f"{value:.{digits - 2}e}"


def float_of(value: float) -> float:
    """`value` as a float; beyond its range infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def short_duration(seconds: float | None) -> str:
    """`21ms`, `4.1s`, `3m12s`, `5h03m`, `2d4h`."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours < 48 else f"{hours // 24}d{hours % 24}h"


def long_duration(seconds: float | None) -> str:
    """`21 ms`, `4.12 s`, `3 min 12 s`, `5 h 3 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def age(started: float | None, now: float | None = None) -> str:
    """How long ago: `8s`, `12m`, `3h`, `5d`; beyond 30 days the date."""
    if started is None or not math.isfinite(started):
        return NONE
    past = (time.time() if now is None else now) - started
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h")):
        if past < limit:
            return f"{max(0, int(past // unit))}{name}"
    return f"{int(past // 86400)}d" if past < 30 * 86400 else date(started, "%Y-%m-%d")


def date(seconds: float | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time on this machine's clock."""
    try:
        return NONE if seconds is None else datetime.fromtimestamp(seconds).strftime(form)
    except (ValueError, OverflowError, OSError):
        return NONE


def size(amount: Any) -> str:
    """Bytes as `310 B`, `3.1 kB`, `12 MB`; powers of 1000."""
    if not isinstance(amount, int | float) or isinstance(amount, bool) or amount < 0:
        return NONE
    if amount < 1000:
        return f"{amount:.0f} B"
    scaled = float_of(amount)
    for unit in ("kB", "MB", "GB", "TB"):
        scaled /= 1000
        if scaled < 999.5 or unit == "TB":
            return f"{scaled:.1f} {unit}" if scaled < 9.95 else f"{scaled:.0f} {unit}"
    return NONE


def aligned(rows: Sequence[Sequence[Text]], right: Sequence[int] = (), gap: int = 2) -> list[Text]:
    """Lines with the rows' cells in columns; the columns of `right` stand at their right edge."""
    widths: dict[int, int] = {}
    for row in rows:
        for i, cell in enumerate(row):
            widths[i] = max(widths.get(i, 0), cell.cell_len)
    return [_line(row, widths, right, gap) for row in rows]


def _line(row: Sequence[Text], widths: dict[int, int], right: Sequence[int], gap: int) -> Text:
    line = Text(no_wrap=True)
    for i, cell in enumerate(row):
        space = " " * (widths[i] - cell.cell_len)
        line.append(" " * gap if i else "")
        if i in right:
            line.append(space)
            line.append_text(cell)
        else:
            line.append_text(cell)
            line.append(space)
    line.rstrip()
    return line
