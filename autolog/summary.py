"""What a listing knows of a run: enough to filter, order and tabulate, little enough to keep.

Values stand encoded as MessagePack and are decoded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .codec import escape_text, from_wire, to_wire, unescape_text
from .fold import Folded
from .records import Status

FACTS = (
    *("name", "experiment", "parent", "site", "group", "integration"),
    *("pid", "process_start"),
)
"""Facts of a run that a listing needs."""

BRIEF = ("digest", "role")
"""What is kept of each dataset."""

_WIRE = 1  # code of the extension that holds values which MessagePack alone cannot


class Summary(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One run in brief.

    Attributes:
        id: The run's id.
        facts: Those of the run's facts that `FACTS` names.
        started: When it was first opened, in seconds since 1970; None without a `run` record.
        newest: Time of its newest record.
        count: How many records it has.
        ended: Time of the record that ended it; None while it is open.
        outcome: How it ended; None while it is open.
        processes: Facts of the processes of its newest attempt; empty where it has ended.
        probable: Metrics whose link with the run is only probable.
        lost: Records that could be stored nowhere.
    """

    id: str
    facts: dict[str, Any]
    started: float | None
    newest: float
    count: int
    ended: float | None
    outcome: Status | None
    processes: tuple[dict[str, Any], ...]
    probable: tuple[str, ...]
    lost: int
    _error: msgspec.Raw
    _params: msgspec.Raw
    _metrics: msgspec.Raw
    _tags: msgspec.Raw
    _datasets: msgspec.Raw

    @property
    def experiment(self) -> str:
        """The experiment it belongs to; empty where it has none."""
        return self.text("experiment") or ""

    def text(self, key: str) -> str | None:
        """A fact that is text; None where it is absent or something else."""
        value = self.facts.get(key)
        return value if isinstance(value, str) else None

    @property
    def first_seen(self) -> float:
        """Time that orders runs: of its start, else of its newest record."""
        return self.started or self.newest

    def error(self) -> Any:
        """The error of the `end` record as it was recorded."""
        return _decoded(self._error)

    def params(self) -> dict[str, Any]:
        """The params by name."""
        found: dict[str, Any] = _decoded(self._params)
        return found

    def metrics(self) -> dict[str, int | float]:
        """The last value of each metric."""
        found: dict[str, int | float] = _decoded(self._metrics)
        return found

    def tags(self) -> dict[str, Any]:
        """The tags by name."""
        found: dict[str, Any] = _decoded(self._tags)
        return found

    def datasets(self) -> dict[str, dict[str, Any] | None]:
        """By name what `BRIEF` names of each dataset; None for one that is described otherwise."""
        found: dict[str, dict[str, Any] | None] = _decoded(self._datasets)
        return found


def summary_of(folded: Folded) -> Summary:
    """What a listing needs of the run."""
    end = folded.end.value if folded.end else None
    datasets = folded.values("dataset")
    return Summary(
        folded.id,
        {key: folded.facts[key] for key in FACTS if key in folded.facts},
        folded.started,
        folded.newest,
        folded.count,
        folded.end.time if folded.end else None,
        folded.outcome,
        tuple(folded.processes) if folded.end is None else (),
        tuple(key for key, series in folded.series.items() if series.probable),
        _lost(folded),
        _encoded(end.get("error") if isinstance(end, dict) else None),
        _encoded(folded.values("param")),
        _encoded({key: series.value for key, series in folded.series.items()}),
        _encoded(folded.values("tag")),
        _encoded({name: _brief(facts) for name, facts in datasets.items()}),
    )


def _brief(facts: Any) -> dict[str, Any] | None:
    return {key: facts.get(key) for key in BRIEF} if isinstance(facts, Mapping) else None


def _lost(folded: Folded) -> int:
    """Records that could be stored nowhere, over all the run's writers."""
    told = [fact.value for fact in folded.past.get("system", {}).get("autolog.lost", ())]
    counts = [value.get("records") for value in told if isinstance(value, dict)]
    return sum(count for count in counts if isinstance(count, int))


def pack_summary(one: Summary) -> bytes:
    """The summary as MessagePack, for another process; `unpack_summary` gives it back."""
    try:
        return _encoder.encode(one)
    except (OverflowError, UnicodeEncodeError):  # as in `_encoded`
        facts, processes = {"$wire": to_wire(one.facts)}, ({"$wire": to_wire(one.processes)},)
        probable = tuple(escape_text(key) for key in one.probable)
        plain = msgspec.structs.replace(one, facts=facts, processes=processes, probable=probable)
        return _encoder.encode(plain)


def unpack_summary(data: bytes) -> Summary:
    """The summary that `pack_summary` was given; raises ValueError for anything else."""
    one = _decoder.decode(data)
    if "$wire" not in one.facts:
        return one
    return msgspec.structs.replace(
        one,
        facts=from_wire(one.facts["$wire"]),
        processes=tuple(from_wire(one.processes[0]["$wire"])),
        probable=tuple(unescape_text(key) for key in one.probable),
    )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Summary)


def _encoded(value: Any) -> msgspec.Raw:
    try:
        return msgspec.Raw(_encoder.encode(value))
    except (OverflowError, UnicodeEncodeError):  # an integer beyond 64 bits, a lone surrogate
        wire = _encoder.encode(to_wire(value))
        return msgspec.Raw(_encoder.encode(msgspec.msgpack.Ext(_WIRE, wire)))


def _of_wire(code: int, data: memoryview) -> Any:
    if code != _WIRE:
        raise ValueError(f"no extension {code}")
    return from_wire(msgspec.msgpack.decode(data))


_decoded = msgspec.msgpack.Decoder(ext_hook=_of_wire).decode
