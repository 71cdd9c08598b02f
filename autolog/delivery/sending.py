"""Giving a store records and files that it lacks, in pieces that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from ..backend import Backend
from ..digests import digest_of
from ..errors import BackendError, NotFound, reason
from ..journal import encode_record
from ..records import Record
from .tail import unreadable

MOST = 5000
"""Records that are written at once."""
HEAVIEST = 1 << 20
"""Bytes of records that are not metrics, from which on no more are added to a piece."""
REFUSED = "autolog.refused"
"""Key of what stands in the place of a record that the store will never take."""


class Behind(BackendError):
    """The store lacks records of `runs` that were sent before: it was emptied, or restored."""

    def __init__(self, runs: Iterable[str]) -> None:
        self.runs = set(runs)
        super().__init__(f"the store lacks what it had of {len(self.runs)} runs")


class Refused(BackendError):
    """The store takes nothing of `run`, or nothing of us."""

    permanent = True

    def __init__(self, run: str, why: BackendError) -> None:
        self.run = run
        super().__init__(str(why))


class Refusals(NamedTuple):
    """Who is told of what the store will never take: a record and why, a run's file and why."""

    record: Callable[[Record, str], object]
    file: Callable[[str, str, str], object]


class Sender:
    """Writes to one store, and finds the records and files that it refuses for good.

    A record that is refused is replaced by `system` `autolog.refused` under the same name, which
    says what stood there: what follows it can be stored then. Where not even that is taken,
    `Refused` comes out.

    Attributes:
        records: How many were sent.
        files: How many were sent.
    """

    def __init__(self, target: Backend, refusals: Refusals) -> None:
        self.target = target
        self.records = 0
        self.files = 0
        self._refusals = refusals
        self._limit = MOST
        self._suspects: dict[str, dict[str, str]] = {}

    # -- records ---------------------------------------------------------------------------

    def acked(self, run: str) -> dict[str, int]:
        """What the store holds of `run`; raises Refused where it will not say, ever."""
        try:
            return self.target.acked(run)
        except BackendError as error:
            raise (Refused(run, error) if error.permanent else error) from error

    def write(self, records: Sequence[Record]) -> None:
        """Store all; raises Behind where the store has a gap before them, Refused, BackendError.

        After an error the store may hold a part.
        """
        at = 0
        while at < len(records):
            piece = records[at : at + self._limit]
            try:
                self._write(piece)
            except BackendError as error:
                self._look_for_gaps(piece, error)
                if not error.permanent:
                    raise
                self._apart(piece, error)
            at += len(piece)

    def _write(self, piece: Sequence[Record]) -> None:
        self.target.write(piece)
        self.records += len(piece)
        for run in {record.run for record in piece} if self._suspects else ():
            self.confirm(run)

    def confirm(self, run: str) -> None:
        """Of files of `run` that were refused, know that it was them, and neither it nor us."""
        for path, why in self._suspects.pop(run, {}).items():
            self._refusals.file(run, path, why)

    def _look_for_gaps(self, piece: Sequence[Record], error: BackendError) -> None:
        """Raise Behind where what the store lacks explains the `error`."""
        if error.retry_after is not None:
            return
        behind = []
        for run, first in firsts(piece).items():
            try:
                held = self.acked(run)
            except BackendError as again:
                raise (again if error.permanent else error) from again
            if any(held.get(writer, 0) < seq for writer, seq in first.items()):
                behind.append(run)
        if behind:
            raise Behind(behind) from error

    def _apart(self, piece: Sequence[Record], error: BackendError) -> None:
        """Store the halves of a piece that was refused, down to the record that is to blame."""
        if len(piece) == 1:
            self._replace(piece[0], error)
            return
        half, refused = len(piece) // 2, 0
        for part in (piece[:half], piece[half:]):
            try:
                self._write(part)
            except BackendError as inner:
                if not inner.permanent:
                    raise
                refused += 1
                self._apart(part, inner)
        if not refused:  # it was too large, and nothing in it to blame
            self._limit = max(half, 1)

    def _replace(self, record: Record, error: BackendError) -> None:
        why = reason(error, self.target.uri)
        told = {"kind": record.kind, "key": record.key[:200], "error": why[:300]}
        name = (record.run, record.writer, record.seq, record.time)
        try:
            self._write([Record(*name, "system", REFUSED, told)])
        except BackendError as again:
            self._suspects.pop(record.run, None)
            raise (Refused(record.run, error) if again.permanent else again) from again
        self._refusals.record(record, why)

    # -- files -----------------------------------------------------------------------------

    def send_file(
        self, source: Backend, run: str, path: str, held: str | None = None
    ) -> str | None:
        """Send an artifact, unless the store holds one of the digest `held`; its digest.

        None where there is no such artifact any more, or the store refuses it.
        """
        try:
            stream = source.open_artifact(run, path)
        except BackendError:
            return None  # it has been removed, or replaced by a folder
        with stream:
            try:
                digest = digest_of(stream)
            except BackendError as error:  # it is damaged, and goes nowhere
                self._refusals.file(run, path, reason(error))
                return None
            if digest == held:
                return digest
            stream.seek(0)
            try:
                self.target.send_artifact(run, path, stream, digest)
            except BackendError as error:
                if not error.permanent:
                    raise
                self._suspects.setdefault(run, {})[path] = reason(error, self.target.uri)
                return None
        self.files += 1
        return digest

    def drop_file(self, run: str, path: str) -> None:
        """Have the store forget an artifact, or all below that path, where it can."""
        try:
            self.target.drop_artifact(run, path)
        except BackendError as error:
            if not error.permanent:
                raise

    # -- a whole run -----------------------------------------------------------------------

    def bring(self, source: Backend, run: str) -> None:
        """Give the store all that `source` has of a run and it lacks: files first, then records."""
        self.bring_files(source, run)
        held = self.acked(run)
        for piece in missing(source, run, held):
            self.write(piece)
        self.confirm(run)

    def bring_files(self, source: Backend, run: str) -> None:
        """Send the files that the store lacks, or has with other bytes."""
        paths = source.artifacts(run)
        digests = self.target.artifact_digests(run) if paths else {}
        for path in paths:
            held = digests.get(path)
            if held is None and path in digests:
                held = _digest_in(self.target, run, path)
            self.send_file(source, run, path, held)


def missing(source: Backend, run: str, held: Mapping[str, int]) -> Iterator[list[Record]]:
    """What `source` has of a run beyond `held` records of each writer, in pieces.

    Where records are missing in the midst of a writer's, notes stand in their places.
    """
    piece: list[Record] = []
    weight = 0
    for writer, records in groupby(source.records(run), lambda record: record.writer):
        expected = held.get(writer, 0)
        for record in records:
            while record.seq > expected:
                piece.append(unreadable(run, writer, expected, record.time))
                expected += 1
            if record.seq == expected:
                piece.append(record)
                expected += 1
                weight += 0 if record.kind == "metric" else len(encode_record(record))
            if len(piece) >= MOST or weight > HEAVIEST:
                yield piece
                piece, weight = [], 0
    if piece:
        yield piece


def _digest_in(target: Backend, run: str, path: str) -> str | None:
    try:
        with target.open_artifact(run, path) as stream:
            return digest_of(stream)
    except NotFound:
        return None


def firsts(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """The first seq of each writer, by run."""
    found: dict[str, dict[str, int]] = {}
    for record in records:
        found.setdefault(record.run, {}).setdefault(record.writer, record.seq)
    return found
