"""What follows from a run's records: its summary, and the rows that filters ask.

The summary is made by the one fold; a run's rows hold its only children's values too, so they
are made anew when one of these has changed, or is the only one no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, Table, bindparam, select, tuple_

from autolog.codec import escape_text
from autolog.fold import Counted, fold, parts
from autolog.records import Block
from autolog.summary import Summary, pack_summary, summary_of

from . import dialects
from .chunks import decode_lines
from .families import lines_of
from .naming import in_pieces, name_ids
from .schema import chunks, latest, names, runs, series, writers
from .tails import unpacked_stats
from .values import entries_of, short_text


def refresh(connection: Connection, run_ids: Sequence[int]) -> None:
    """Bring the summaries and rows of these runs up to date."""
    for piece in in_pieces(run_ids):
        before = _parents(connection, piece)
        _rebrief(connection, piece)
        touched = {*before, *_parents(connection, piece)}
        lines = lines_of(connection, piece, sorted(one for one in touched if one is not None))
        _rewrite(connection, lines)


_STALE = select(runs.c.id).where(runs.c.stale.is_(True))
_ALL_STALE, _ANY_STALE = _STALE.order_by(runs.c.id).with_for_update(), _STALE.limit(1)
_SOME: BindParameter[Any] = bindparam("some", expanding=True)
_PARENTS = select(runs.c.parent).where(runs.c.id.in_(_SOME))


def refresh_stale(connection: Connection) -> int:
    """Bring all runs up to date that have changed since they were read; how many."""
    stale = connection.execute(_ALL_STALE).scalars().all()
    refresh(connection, stale)
    return len(stale)


def any_stale(connection: Connection) -> bool:
    """Whether there is a run that has changed since it was read."""
    return connection.execute(_ANY_STALE).first() is not None


def _parents(connection: Connection, run_ids: Sequence[int]) -> set[str | None]:
    return {*connection.execute(_PARENTS, {"some": run_ids}).scalars()}


# -- summaries ---------------------------------------------------------------------------------


_COLUMNS = (
    *("stale", "brief", "name", "experiment", "parent", "trained"),
    *("outcome", "started", "ended", "duration", "first_seen"),
)
_RUNS = select(runs.c.id, runs.c.run, runs.c.records).where(runs.c.id.in_(_SOME))
_REBRIEF = (
    runs.update()
    .where(runs.c.id == bindparam("own"))
    .values({name: bindparam(f"new_{name}") for name in _COLUMNS})
)


def _rebrief(connection: Connection, run_ids: Sequence[int]) -> None:
    held = connection.execute(_RUNS, {"some": run_ids}).all()
    blocks = _fact_blocks(connection, run_ids)
    counted = _counted(connection, run_ids)
    rows = []
    for run_id, run, records in held:
        folded = fold(parts(blocks.get(run_id, ())), counted.get(run_id, ()))
        folded.id, folded.count = run, records
        columns = _columns(summary_of(folded))
        rows.append({"own": run_id, **{f"new_{name}": columns[name] for name in _COLUMNS}})
    if rows:
        connection.execute(_REBRIEF, rows)


def _columns(one: Summary) -> dict[str, Any]:
    parent = one.text("parent")
    last = one.newest if one.ended is None else one.ended
    return {
        "stale": False,
        "brief": pack_summary(one),
        "name": short_text(one.text("name") or one.id[:8]),
        "experiment": short_text(one.experiment),
        "parent": None if parent is None else short_text(parent),
        "trained": bool(one.facts.get("integration")),
        "outcome": one.outcome,
        "started": one.started,
        "ended": one.ended,
        "duration": None if one.started is None else max(0.0, last - one.started),
        "first_seen": one.first_seen,
    }


def _facts(table: Table, first: Any, body: Any) -> Select[Any]:
    return (
        select(writers.c.run_id, writers.c.writer, first, body)
        .select_from(writers.join(table))
        .where(writers.c.run_id.in_(_SOME), table.c.name_id == 0, body.is_not(None))
    )


_FACTS = (
    _facts(chunks, chunks.c.first, chunks.c.body),
    _facts(series, series.c.tail_first, series.c.tail),
)
_COUNTED = (
    select(
        *(writers.c.run_id, writers.c.writer, names.c.key),
        *(series.c.first, series.c.attempt, series.c.stats, series.c.newest),
    )
    .select_from(writers.join(series).join(names, names.c.id == series.c.name_id))
    .where(writers.c.run_id.in_(_SOME))
)


def _fact_blocks(connection: Connection, run_ids: Sequence[int]) -> dict[int, list[Block]]:
    """Of each run the records that are no points."""
    pieces: dict[int, list[tuple[str, int, bytes]]] = {}
    for query in _FACTS:
        for run_id, *piece in connection.execute(query, {"some": run_ids}):
            pieces.setdefault(run_id, []).append(tuple(piece))
    return {
        run_id: [Block(writer, decode_lines(body)) for writer, _, body in sorted(own)]
        for run_id, own in pieces.items()
    }


def _counted(connection: Connection, run_ids: Sequence[int]) -> dict[int, list[Counted]]:
    """The figures of each run's metrics, in the order in which they appeared."""
    found: dict[int, list[tuple[str, int, Counted]]] = {}
    for row in connection.execute(_COUNTED, {"some": run_ids}):
        stats = unpacked_stats(row.stats)
        if stats.count:
            counted = Counted(row.key, row.attempt, stats, row.newest)
            found.setdefault(row.run_id, []).append((row.writer, row.first, counted))
    return {
        run_id: [counted for *_, counted in sorted(own, key=lambda one: one[:2])]
        for run_id, own in found.items()
    }


# -- rows for filters --------------------------------------------------------------------------


_LATEST = select(latest).where(latest.c.run_id.in_(_SOME))
_DROP = latest.delete().where(tuple_(latest.c.run_id, latest.c.name_id, latest.c.place).in_(_SOME))
_FORMS = select(names.c.id, names.c.forms).where(names.c.id.in_(_SOME))


def _rewrite(connection: Connection, lines: dict[int, list[Summary]]) -> None:
    """Let the rows of these runs be what their lines tell; only what differs is written."""
    wanted = dict(_rows(connection, lines))
    held = {}
    for piece in in_pieces(sorted(lines)):
        for row in connection.execute(_LATEST, {"some": piece}):
            held[tuple(row[:3])] = tuple(row)
    gone = [key for key, row in held.items() if wanted.get(key) != row]
    new = [row for key, row in wanted.items() if held.get(key) != row]
    for some in in_pieces(gone):
        connection.execute(_DROP, {"some": some})
    dialects.insert_rows(connection, latest, new)


def _rows(
    connection: Connection, lines: dict[int, list[Summary]]
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    entries = {run_id: list(entries_of(line)) for run_id, line in lines.items()}
    forms: dict[tuple[str, str], int] = _attribute_forms(lines)
    for own in entries.values():
        for entry in own:
            name = (entry.kind, escape_text(entry.key))
            forms[name] = forms.get(name, 0) | 1 << entry.value.form
    ids = name_ids(connection, forms)
    _note_forms(connection, {ids[name]: bits for name, bits in forms.items()})
    for run_id, own in entries.items():
        for entry in own:
            key = (run_id, ids[entry.kind, escape_text(entry.key)], entry.place)
            yield key, (*key, int(entry.value.form), entry.probable, *entry.value[1:])


def _attribute_forms(lines: dict[int, list[Summary]]) -> dict[tuple[str, str], int]:
    """The attributes of which a run has a text that its column does not hold whole."""
    found = {}
    for line in lines.values():
        for key in ("name", "experiment", "parent"):
            text = line[0].text(key)
            if text is not None and short_text(text) != text:
                found["attribute", key] = 1
    return found


def _note_forms(connection: Connection, forms: dict[int, int]) -> None:
    for piece in in_pieces(sorted(forms)):
        for name_id, known in connection.execute(_FORMS, {"some": piece}).all():
            if known | forms[name_id] != known:
                update = names.update().where(names.c.id == name_id)
                connection.execute(update.values(forms=known | forms[name_id]))
