"""Files of a run: what a user hands in, pictures, the program's sources; with digest and bounds."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .backend import Backend
from .errors import UsageError
from .settings import Settings
from .spool import is_spool
from .usage import Usage

CHUNK = 1 << 20


def contents(source: Any, name: str | None) -> Iterator[tuple[str, bytes | Path]]:
    """`(path in the run, bytes or file)` for bytes, a file, or each file of a folder."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield name or "artifact.bin", bytes(source)
        return
    path = Path(source)
    if path.is_dir():
        top = name or path.name
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            yield f"{top}/{file.relative_to(path).as_posix()}", file
    elif path.is_file():
        yield name or path.name, path
    else:
        raise UsageError(f"log_artifact: there is no file {str(source)!r}; give a path or bytes")


def put(
    backend: Backend,
    run_id: str,
    path: str,
    content: bytes | Path,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Store one artifact; its path, size in bytes and SHA-256, or why it was shed."""
    reason = shed_reason(backend, settings) if settings is not None else None
    if reason is not None:
        return {"path": path, "shed": reason}
    digest, size = hashlib.sha256(), 0
    source: BinaryIO = content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
    with source, backend.create_artifact(run_id, path) as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += target.write(chunk)
    count(backend, size)
    return {"path": path, "bytes": size, "sha256": digest.hexdigest()}


def count(backend: Backend, size: int) -> None:
    """Note that a local store has become larger."""
    usage = usage_of(backend)
    if usage is not None:
        usage.add(size)


_usages: dict[Path, Usage] = {}


def usage_of(backend: Backend) -> Usage | None:
    """The count of what a local store holds; None for any other."""
    root: Path | None = getattr(backend, "root", None)
    if root is None:
        return None
    if root not in _usages:
        _usages[root] = Usage(root)
    return _usages[root]


def shed_reason(backend: Backend, settings: Settings) -> str | None:
    """Why the store takes no more files now: its quota, too little free space; else None."""
    root: Path | None = getattr(backend, "root", None)
    usage = usage_of(backend)
    if root is None or usage is None:
        return None
    held = usage.total()
    quota = settings.spool_quota if is_spool(root, settings.spool) else settings.store_quota
    if held > quota:
        return f"the store holds {held} bytes, beyond its quota of {quota}"
    place = next((p for p in (root, *root.parents) if p.exists()), None)
    if place is None:
        return None
    free = shutil.disk_usage(place).free
    if free < settings.free_space_floor:
        return f"{free} bytes free, below the floor of {settings.free_space_floor}"
    return None


def picture(figure: Any, name: str) -> tuple[bytes, str]:
    """What `figure` looks like, as bytes and the name with the fitting ending.

    Draws on the figure's own canvas; pyplot's state is not touched.
    """
    if hasattr(figure, "savefig"):
        ending = Path(name).suffix.lstrip(".") or "png"
        stream = io.BytesIO()
        figure.savefig(stream, format=ending)
        return stream.getvalue(), name if Path(name).suffix else f"{name}.png"
    if hasattr(figure, "to_html"):
        return figure.to_html().encode(), str(Path(name).with_suffix(".html"))
    raise UsageError(f"log_figure: a {type(figure).__qualname__} has no savefig and no to_html")
