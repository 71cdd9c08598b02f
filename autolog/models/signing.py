"""`signature.json`: who vouches for which bytes of a model directory.

It names every other file of the directory with its size and SHA-256, under one Ed25519 signature.
It says who vouches; whether that counts is not for the directory to say (see `keys`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .keys import SigningKey, shown

NAME = "signature.json"
ALGORITHM = "Ed25519"
CONTEXT = b"autolog model directory, version 1\n"
"""Stands before all that is signed, so that no other use of the key yields such a signature."""

_SHA256 = re.compile("[0-9a-f]{64}")


class FileFacts(NamedTuple):
    """Size in bytes and SHA-256 (hexadecimal) of one file."""

    bytes: int
    sha256: str


class Signature(NamedTuple):
    """A signature that holds: who made it and which files it is about."""

    public: bytes
    files: dict[str, FileFacts]


def sign(files: Mapping[str, FileFacts], key: SigningKey) -> bytes:
    """The content of `signature.json` for a directory of `files`."""
    claim = _claim(files, key.public)
    signature = base64.b64encode(key.sign(_message(claim))).decode("ascii")
    return json.dumps({**claim, "signature": signature}).encode("ascii") + b"\n"


def verify(content: bytes) -> Signature:
    """What `signature.json` says; raises ValueError where it is malformed or does not hold."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        document = json.loads(content)
        public = _decoded(document["public_key"])
        files = {name: _facts(facts) for name, facts in document["files"].items()}
        signature = _decoded(document["signature"])
        if document["algorithm"] != ALGORITHM:
            raise ValueError(f"unknown algorithm {document['algorithm']!r}")
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(signature, _message(_claim(files, public)))
    except InvalidSignature:
        raise ValueError("the signature does not match") from None
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"malformed: {type(error).__name__}: {error}") from None
    return Signature(public, files)


def _decoded(text: str) -> bytes:
    """The bytes of a base64 text in its one form: a decoder passes over bits that mean nothing."""
    found = base64.b64decode(text, validate=True)
    if base64.b64encode(found).decode("ascii") != text:
        raise ValueError("malformed base64")
    return found


def _facts(facts: Any) -> FileFacts:
    size, digest = facts["bytes"], facts["sha256"]
    if type(size) is not int or not _SHA256.fullmatch(digest):
        raise ValueError("malformed facts of a file")
    return FileFacts(size, digest)


def _claim(files: Mapping[str, FileFacts], public: bytes) -> dict[str, Any]:
    return {
        "algorithm": ALGORITHM,
        "files": {name: facts._asdict() for name, facts in files.items()},
        "public_key": shown(public),
    }


def _message(claim: dict[str, Any]) -> bytes:
    return CONTEXT + json.dumps(claim, sort_keys=True, separators=(",", ":")).encode("ascii")
