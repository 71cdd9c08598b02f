"""A remote store for tests: a local one that a journal feeds, and that fails as a file says.

`far:FOLDER`. In `FOLDER.switch` stand words: `down` (nothing works), `hang` (nobody answers),
`busy:SECONDS` (come again later), `denied` (we are refused for good), `bad:KEY` (records of that
key are refused for good), `broken:KEY` (they fail, for now), `file:PATH` (that artifact is
refused), `large:N` (more than N records are refused), `late` (what was stored is not told).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from autolog.backends.local import LocalBackend

import autolog
from autolog import opening
from autolog.errors import BackendError
from autolog.records import Record

opening.BUILT_IN["far"] = "far:Far"


class Far(LocalBackend):
    """Counts what it is asked in `FOLDER.calls`."""

    direct: ClassVar[bool] = False

    def __init__(self, uri: str) -> None:
        super().__init__(uri.removeprefix("far:"))
        self.uri = f"far:{self.root}"

    def words(self) -> dict[str, str]:
        """What the switch says."""
        try:
            text = self.root.with_suffix(".switch").read_text()
        except OSError:
            return {}
        return {word.partition(":")[0]: word.partition(":")[2] for word in text.split()}

    def _failure(
        self, text: str, *, permanent: bool = False, after: float | None = None
    ) -> BackendError:
        """As real stores do it, with the name of the store in front."""
        error = BackendError(f"{self.uri}: {text}")
        error.permanent, error.retry_after = permanent, after
        return error

    def _call(self, what: str) -> dict[str, str]:
        with self.root.with_suffix(".calls").open("a") as file:
            file.write(f"{what}\n")
        words = self.words()
        while "hang" in words:
            time.sleep(0.05)
            words = self.words()
        if "down" in words:
            raise self._failure("connection refused")
        if "busy" in words:
            raise self._failure("too many requests", after=float(words["busy"]))
        if "denied" in words:
            raise self._failure("no such token", permanent=True)
        return words

    def write(self, batch: Sequence[Record]) -> None:
        words = self._call(f"write {len(batch)}")
        if len(batch) > int(words.get("large", 1_000_000)):
            raise self._failure("the body is too large", permanent=True)
        for record in batch:
            if record.key and record.key == words.get("bad"):
                raise self._failure(f"{record.key} is not to be had", permanent=True)
            if record.key and record.key == words.get("broken"):
                raise self._failure("internal error")
        LocalBackend(self.root).write(list(batch))  # knows nothing of a folder that was removed
        if "late" in words:
            raise self._failure("timed out")

    def acked(self, run: str) -> dict[str, int]:
        self._call("acked")
        return super().acked(run)

    def artifact_digests(self, run: str) -> dict[str, str | None]:
        self._call("artifact_digests")
        return super().artifact_digests(run)

    def send_artifact(
        self, run: str, path: str, source: BinaryIO, digest: str | None = None
    ) -> None:
        words = self._call(f"file {path}")
        if path == words.get("file"):
            raise self._failure("files are not to be had", permanent=True)
        super().send_artifact(run, path, source, digest)

    def drop_artifact(self, run: str, path: str) -> None:
        self._call(f"drop {path}")
        super().drop_artifact(run, path)


class Place:
    """The far store as a test sees it: its switch, its calls, what its files hold."""

    def __init__(self, folder: Path, name: str = "far") -> None:
        self.root = folder / name
        self.uri = f"far:{self.root}"

    def say(self, *words: str) -> None:
        """Turn the switch."""
        new = self.root.with_suffix(".new")
        new.write_text(" ".join(words))
        new.replace(self.root.with_suffix(".switch"))

    def empty(self) -> None:
        """Lose everything, at once."""
        shutil.rmtree(self.root.rename(self.root.with_name(f"gone-{time.monotonic_ns()}")))

    def calls(self) -> list[str]:
        """What was asked, in order."""
        with contextlib.suppress(OSError):
            return self.root.with_suffix(".calls").read_text().splitlines()
        return []

    def records(self, run: str) -> list[Any]:
        """The records of `run`, by writer and seq."""
        return list(LocalBackend(self.root).records(run))

    def runs(self) -> list[str]:
        """The ids of all runs."""
        return LocalBackend(self.root).run_ids()

    def artifacts(self, run: str) -> dict[str, bytes]:
        """The bytes of all files of `run`."""
        store = LocalBackend(self.root)
        return {path: store.open_artifact(run, path).read() for path in store.artifacts(run)}


def eventually(condition: Callable[[], Any]) -> None:
    """Wait until the condition holds; no test passes because of a clock."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def work(uris: list[str], spool: str) -> None:
    """What a worker process does."""
    autolog.autolog(backend=uris, spool=spool)
    with autolog.start_run("worker") as run:
        run.log_metric("loss", 0.5)
