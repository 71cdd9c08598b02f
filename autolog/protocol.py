"""What a server and its clients say to each other, where that is no record of the project's own.

Both import it; neither imports the other. A later version only adds fields, with defaults.
"""

from __future__ import annotations

from typing import Any

import msgspec

MSGPACK = "application/msgpack"

PAGE = 10_000
"""Most runs in one answer to a program's question."""


class Problem(msgspec.Struct, omit_defaults=True):
    """What went wrong.

    Attributes:
        code: A word that programs may go by.
        message: A sentence for people.
        details: What else is known, by name.
    """

    code: str = ""
    message: str = ""
    details: dict[str, Any] = {}


class ErrorBody(msgspec.Struct):
    """The body of every answer that is not a success."""

    error: Problem


class Answered(msgspec.Struct):
    """The runs in brief, in order, with what their only children tell (`autolog.query.Found`).

    Each is packed by itself, as `autolog.summary.pack_summary` does.
    """

    runs: list[bytes]
    below: list[bytes]
    only_child: dict[str, str]


class Wanted(msgspec.Struct):
    """Runs by id; or all, a page at a time: those whose ids come after `after`."""

    runs: list[str] | None = None
    after: str = ""


class Stored(msgspec.Struct):
    """How many records of the body the store now holds: all of them."""

    stored: int


class Acked(msgspec.Struct):
    """For each writer, how many records are held from seq 0 on without a gap."""

    writers: dict[str, int]


class Found(msgspec.Struct):
    """A page of a search: runs as `autolog ls --json` prints them, and whether there are more."""

    runs: list[dict[str, Any]]
    more: bool
    notes: list[str]


class Ids(msgspec.Struct):
    """Ids of runs, in no order."""

    runs: list[str]


class Experiments(msgspec.Struct):
    """How many runs each experiment has, by its name."""

    experiments: dict[str, int]


class Series(msgspec.Struct):
    """Points of one metric, in order; values in wire form, times in seconds since 1970.

    Attributes:
        key: The metric's name.
        unit: What the steps count; null where unknown.
        count: How many points there are in all.
        sampled: Whether some are left out here: of each stretch its lowest and highest are kept.
    """

    key: str
    unit: str | None
    count: int
    sampled: bool
    steps: list[int | float | None]
    values: list[Any]
    times: list[float]
    attempts: list[int]


class Artifact(msgspec.Struct):
    """A file of a run; its SHA-256 where the store knows it."""

    path: str
    sha256: str | None = None


class Artifacts(msgspec.Struct):
    """The files of a run, by path."""

    artifacts: list[Artifact]


class Offset(msgspec.Struct):
    """Of an upload, how many bytes are held: where to go on."""

    offset: int


class Freed(msgspec.Struct):
    """Bytes that a deletion freed, and the ids of the runs that went."""

    freed: int
    runs: list[str] = []


class Told(msgspec.Struct):
    """What tells which runs have changed; `of` is null where the store cannot tell."""

    of: dict[str, Any] | None


class Who(msgspec.Struct):
    """Who asks: name, role, and the experiment to which he is bounded (empty: none)."""

    name: str
    role: str
    experiment: str


class Health(msgspec.Struct):
    """`ok`."""

    status: str


class AuditLine(msgspec.Struct):
    """Something that was deleted, or a change of access."""

    id: int
    time: float
    who: str
    what: str
    subject: str


class Audit(msgspec.Struct):
    """Lines of the audit log, newest first."""

    lines: list[AuditLine]


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What may be asked; anything else that a server tells is passed over.

    Attributes:
        backends: Globs on the stores that may be written.
        exclude: Words as in the setting `exclude`.
        models: False leaves models out.
        max_model_size: Bytes.
    """

    backends: list[str] | None = None
    exclude: list[str] = []
    models: bool = True
    max_model_size: int | None = None
