"""Parameters that several routes have, each with its bounds."""

from __future__ import annotations

from typing import Annotated

from litestar.params import PathParameter, QueryParameter

RunId = Annotated[
    str,
    PathParameter(pattern="^[0-9a-f]{32}$", description="The run's id, 32 hexadecimal digits."),
]
ArtifactPath = Annotated[
    str,
    QueryParameter(
        name="path",
        min_length=1,
        max_length=1024,
        description="Relative POSIX path below the run, as `model/MLmodel`.",
    ),
]
Digest = Annotated[
    str,
    QueryParameter(
        name="sha256",
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the whole artifact in hexadecimal.",
    ),
]
OptionalDigest = Annotated[
    str | None,
    QueryParameter(
        name="sha256",
        pattern="^[0-9a-f]{64}$",
        required=False,
        description="SHA-256 of the bytes; others than these are refused.",
    ),
]
