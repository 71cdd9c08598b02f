"""Names that come from outside: which ids and artifact paths are legal, and their spelling on disk.

Every backend asks this module, so that a path which one of them refuses is refused by all.
"""

from __future__ import annotations

import re

from .errors import BackendError

_ID = re.compile(r"[0-9a-f]{32}")
_DRIVE = re.compile(r"[A-Za-z]:")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ON_WINDOWS = re.compile('[\x00-\x1f\x7f<>:"|?*%]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:$|\.| )", re.I)
_ESCAPE = re.compile(r"%([0-7][0-9A-F])")

TEMPORARY = "%tmp-"
"""How the names of half-written files begin; `to_file_name` never makes such a name."""


def is_id(text: object) -> bool:
    """Whether `text` can name a run or a writer: 32 lower-case hexadecimal digits."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def check_id(text: object) -> None:
    """Raise BackendError unless `text` can name a run or a writer."""
    if not is_id(text):
        raise BackendError(f"{str(text)[:80]!r} is no id; ids are 32 hexadecimal digits")


def check_artifact_path(path: str) -> tuple[str, ...]:
    """The segments of a relative POSIX path that stays below its run.

    Raises BackendError for every other form: absolute, `..`, `.`, empty segments, backslashes,
    drive letters, U+0000, text that is not UTF-8.
    """
    segments = tuple(path.split("/"))
    if (
        any(segment in ("", ".", "..") for segment in segments)
        or "\\" in path
        or "\x00" in path
        or _DRIVE.match(path)
        or _SURROGATE.search(path)
    ):
        raise BackendError(f"{path[:200]!r} is no artifact path like `folder/file.txt`")
    return segments


def to_file_name(segment: str) -> str:
    """A file name that is legal on Windows too; `from_file_name` gives the segment back."""
    name = _NOT_ON_WINDOWS.sub(lambda match: _percent(match[0]), segment)
    if name[-1] in ". ":
        name = name[:-1] + _percent(name[-1])
    if _DEVICE.match(name):
        name = _percent(name[0]) + name[1:]
    return name


def from_file_name(name: str) -> str | None:
    """The segment that `to_file_name` was given; None for a name that it never makes."""
    segment = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), name)
    return segment if segment and to_file_name(segment) == name else None


def _percent(character: str) -> str:
    return f"%{ord(character):02X}"
