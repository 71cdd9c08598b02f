"""The client's side of the server: the contract of a store, kept by requests."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, ClassVar, cast
from urllib.parse import urlsplit

from autolog.backend import Backend, Versions
from autolog.codec import unescape_text
from autolog.digests import digest_of
from autolog.errors import BackendError
from autolog.paths import check_artifact_path, check_id
from autolog.protocol import Acked, Artifacts, Experiments, Freed, Ids, Told
from autolog.query import Curve, Found, Query, Window
from autolog.records import Record
from autolog.summary import Summary

from .client import Client, pieces
from .files import open_remote
from .policies import policy
from .queries import history, search, summaries
from .sending import send_file
from .wire import bodies, pack, records_in

IN_MEMORY = 8_000_000
"""Bytes of an artifact that is being written beyond which it waits on disk."""


class HttpBackend(Backend):
    """The store behind an autolog server.

    Nothing is sent when it is made. The token comes from `AUTOLOG_TOKEN`, else from the file that
    a server on this machine leaves for its own user. Proxies (`HTTPS_PROXY`, `NO_PROXY`) and
    certificates (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`) are found by the customary variables.
    """

    direct: ClassVar[bool] = False

    def __init__(self, uri: str) -> None:
        self.uri = _address(uri)
        self._client = Client(self.uri)

    # -- writing ---------------------------------------------------------------------------

    def write(self, batch: Sequence[Record]) -> None:
        """As the contract says; in bodies of a few thousand records, a prefix of which may stay."""
        for body in bodies(batch):
            data, encoding = pack(body)
            headers = {"Content-Type": "application/msgpack", "Content-Encoding": encoding}
            self._client.done("POST", "/records", body=data, headers=headers)

    def acked(self, run: str) -> dict[str, int]:
        """As the contract says."""
        check_id(run)
        return self._client.json(Acked, "GET", f"/runs/{run}/acked").writers

    @contextlib.contextmanager
    def create_artifact(self, run: str, path: str) -> Iterator[BinaryIO]:
        """A file of our own, which is sent at a clean exit."""
        check_id(run)
        check_artifact_path(path)
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            yield cast(BinaryIO, file)
            file.seek(0)
            self.send_artifact(run, path, cast(BinaryIO, file))

    def send_artifact(
        self, run: str, path: str, source: BinaryIO, digest: str | None = None
    ) -> None:
        """As the contract says; a large one in pieces, which goes on where it was cut off."""
        check_id(run)
        check_artifact_path(path)
        with _seekable(source) as file:
            start = file.tell()
            size = file.seek(0, os.SEEK_END) - start
            file.seek(start)
            known = digest or digest_of(file)
            file.seek(start)
            send_file(self._client, run, path, file, size, known)

    # -- reading ---------------------------------------------------------------------------

    def run_ids(self) -> list[str]:
        """As the contract says."""
        return self._client.json(Ids, "GET", "/run-ids").runs

    def records(self, run: str) -> Iterator[Record]:
        """As the contract says; they are read as they are asked for."""
        check_id(run)
        response = self._client.open("GET", f"/runs/{run}/records")
        return records_in(pieces(response))

    def versions(self, memo: Any = None) -> Versions | None:
        """As the contract says; the server keeps the memo."""
        told = self._client.json(Told, "GET", "/versions").of
        return None if told is None else Versions(told)

    def search(self, query: Query) -> Found:
        """As the contract says; the server judges which open runs are lost."""
        return search(self._client, query)

    def summaries(self, runs: Sequence[str] | None = None) -> Iterable[Summary]:
        """As the contract says."""
        return summaries(self._client, runs)

    def children(self, run: str) -> list[str]:
        """As the contract says."""
        check_id(run)
        return self._client.json(Ids, "GET", f"/runs/{run}/children").runs

    def experiments(self) -> dict[str, int]:
        """As the contract says."""
        told = self._client.json(Experiments, "GET", "/experiments").experiments
        return {unescape_text(name): count for name, count in told.items()}

    def history(self, run: str, key: str, window: Window) -> Curve:
        """As the contract says."""
        check_id(run)
        return history(self._client, run, key, window)

    def artifacts(self, run: str) -> list[str]:
        """As the contract says."""
        return sorted(self.artifact_digests(run))

    def artifact_digests(self, run: str) -> dict[str, str | None]:
        """As the contract says."""
        check_id(run)
        told = self._client.json(Artifacts, "GET", f"/runs/{run}/artifacts").artifacts
        return {one.path: one.sha256 for one in told}

    def open_artifact(self, run: str, path: str) -> BinaryIO:
        """The bytes as they are read; a seek asks for the range from there on."""
        check_id(run)
        check_artifact_path(path)
        return open_remote(self._client, run, path)

    def drop_artifact(self, run: str, path: str) -> None:
        """As the contract says."""
        check_id(run)
        check_artifact_path(path)
        self._client.done("DELETE", f"/runs/{run}/artifact", {"path": path})

    def delete(self, run: str) -> int:
        """As the contract says."""
        check_id(run)
        own = {"children": "false"}  # the contract speaks of one run; `autolog rm` adds the others
        return self._client.json(Freed, "DELETE", f"/runs/{run}", own).freed

    def policy(self) -> dict[str, Any]:
        """As the contract says; what was told last time where the server is away now."""
        return policy(self._client)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def _address(uri: str) -> str:
    """The server's address without a slash at its end; raises BackendError for none."""
    shown = uri.rpartition("@")[2][:200]
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise BackendError(f"{shown!r} is no address: {error}") from error
    if not parts.hostname or parts.query or parts.fragment:
        raise BackendError(f"{shown!r} is no address like http://host:2886")
    if parts.username is not None or parts.password is not None:
        raise BackendError(f"give the token for {parts.hostname} by AUTOLOG_TOKEN, not in the URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f":{port}" if port else ""
    return f"{parts.scheme.lower()}://{host}{place}{parts.path.rstrip('/')}"


@contextlib.contextmanager
def _seekable(source: BinaryIO) -> Iterator[BinaryIO]:
    """`source`, or what is left of it as a file of our own where one cannot go back in it."""
    try:
        ready = source.seekable()
    except AttributeError:
        ready = False
    if ready:
        yield source
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        while piece := source.read(1 << 20):
            file.write(piece)
        file.seek(0)
        yield cast(BinaryIO, file)
