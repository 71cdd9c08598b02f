"""Lines of a table whose columns are runs: cut to the width, or in blocks of as many as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from .text import aligned

GAP = 2
LEAST = 10
"""Cells of a column that is cut."""


@dataclass
class Row:
    """One line: what it is about, what each run has, what else is to be said.

    Attributes:
        label: What stands at the left.
        cells: What each run has; none for a heading.
        note: What stands at the right.
        below: Lines that stand under it over the whole width.
    """

    label: Text
    cells: Sequence[Text] = ()
    note: Text = field(default_factory=Text)
    below: Sequence[Text] = ()


def laid_out(rows: Sequence[Row], runs: int, width: int) -> list[Text]:
    """The rows as lines of at most `width` cells where that can be.

    Where not all runs fit beside each other there are several blocks, each with the first run.
    """
    lines: list[Text] = []
    for number, places in enumerate(_blocks(rows, runs, width)):
        lines += [Text()] if number else []
        cells = [
            [row.label, *(row.cells[i] for i in places), row.note] for row in rows if row.cells
        ]
        table = iter(aligned(_cut(cells, width)))
        for row in rows:
            lines += [next(table) if row.cells else row.label, *(() if number else row.below)]
    for line in lines:
        line.truncate(max(width, LEAST), overflow="ellipsis")
    return lines


def _blocks(rows: Sequence[Row], runs: int, width: int) -> Iterator[list[int]]:
    label, note = (
        max((text.cell_len for text in texts), default=0)
        for texts in ([row.label for row in rows if row.cells], [row.note for row in rows])
    )
    label, note = min(label, max(2 * LEAST, width // 3)), min(note, width // 4)
    room = (width - label - (note + GAP if note else 0)) // (LEAST + GAP)
    each = max(1, room - 1)
    if runs <= each + 1:
        yield list(range(runs))
        return
    for start in range(1, runs, each):
        yield [0, *range(start, min(start + each, runs))]


def _cut(rows: Sequence[Sequence[Text]], width: int) -> list[list[Text]]:
    """The cells, those of the widest columns cut until a line holds `width`."""
    count = max((len(row) for row in rows), default=0)
    widths = [
        max((row[i].cell_len for row in rows if i < len(row)), default=0) for i in range(count)
    ]
    spare = sum(widths) + GAP * (count - 1) - width
    least = [max(2 * LEAST, width // 3), *[LEAST] * count]
    while spare > 0 and any(widths[i] > least[i] for i in range(count)):
        widest = max(range(count), key=lambda i: (widths[i] > least[i], widths[i]))
        widths[widest] -= 1
        spare -= 1
    return [[_short(cell, widths[i]) for i, cell in enumerate(row)] for row in rows]


def _short(cell: Text, width: int) -> Text:
    if cell.cell_len <= width:
        return cell
    cell = cell.copy()
    cell.truncate(width, overflow="ellipsis")
    return cell
