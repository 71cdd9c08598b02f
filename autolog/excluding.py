"""What the setting `exclude` leaves out: integrations, classes, kinds of estimators, records.

A word is the name of an integration or a glob on a class (`sklearn.*.KNN*`); `kind:GLOB`, on what
an integration calls the kind of what is trained; or `record:KIND` with an optional `:GLOB` on
the record's key (`record:param:*verbose*`).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from .errors import UsageError

RECORDS = ("param", "metric", "dataset", "model", "artifact", "table", "tag", "system")
"""Kinds of records that may be left out; the key of an artifact is its path in the run."""

PREFIXES = ("kind", "record")


class Exclusions:
    """The words of `exclude`, apart by what they mean.

    Attributes:
        classes: Globs on classes, names of integrations among them.
        kinds: Globs on kinds of estimators, with `-` for blanks.
        records: For each kind of record globs on the key.

    Raises UsageError for a word that cannot mean anything.
    """

    __slots__ = ("classes", "kinds", "records")

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.classes: list[str] = []
        self.kinds: list[str] = []
        self.records: dict[str, list[str]] = {}
        for word in words:
            prefix, colon, rest = word.partition(":")
            if not colon:
                self.classes.append(word)
            elif prefix not in PREFIXES or not rest:
                lead = f"kind:{prefix}" if rest == "" else f"{near(prefix, PREFIXES)}:{rest}"
                raise UsageError(f"exclude: no such word {word!r}; did you mean {lead!r}?")
            elif prefix == "kind":
                self.kinds.append(dashed(rest))
            else:
                kind, glob = _record(word, rest)
                self.records.setdefault(kind, []).append(glob)

    def drops(self, kind: str, key: str) -> bool:
        """Whether a record of that kind and key is left out."""
        globs = self.records.get(kind, ())
        return any(fnmatch.fnmatchcase(key, glob) for glob in globs)

    def has_class(self, cls: type) -> bool:
        """Whether trainings of this class are left alone."""
        names = (cls.__qualname__, f"{cls.__module__}.{cls.__qualname__}")
        return any(fnmatch.fnmatchcase(name, glob) for name in names for glob in self.classes)

    def has_kind(self, kind: str) -> bool:
        """Whether trainings of this kind are left alone."""
        return any(fnmatch.fnmatchcase(dashed(kind), glob) for glob in self.kinds)

    def check_kinds(self, known: Iterable[str]) -> None:
        """Raise UsageError for a glob that none of the `known` kinds fits."""
        kinds = sorted({dashed(kind) for kind in known})
        for glob in self.kinds:
            if kinds and not fnmatch.filter(kinds, glob):
                hint = f"did you mean {near(glob, kinds)}? There are: {', '.join(kinds)}"
                raise UsageError(f"exclude: nothing trained is of the kind {glob!r}; {hint}")


def _record(word: str, rest: str) -> tuple[str, str]:
    kind, _, glob = rest.partition(":")
    single = kind.removesuffix("s") if kind not in RECORDS else kind
    if single not in RECORDS:
        hint = f"did you mean {near(kind, RECORDS)}? There are: {', '.join(RECORDS)}"
        raise UsageError(f"exclude: {word!r} names no kind of record; {hint}")
    return single, glob or "*"


def dashed(kind: str) -> str:
    """A kind as one word, since white space parts the words of a variable."""
    return kind.strip().lower().replace(" ", "-").replace("_", "-")


def near(word: str, known: Iterable[str]) -> str:
    """The one of `known` that is most like `word`."""
    import difflib  # which only a mistake needs

    return max(known, key=lambda one: difflib.SequenceMatcher(None, word.lower(), one).ratio())
