"""The part of the backend suite on artifacts, and on deletion."""

from __future__ import annotations

import contextlib
import hashlib
import io
import secrets
from typing import BinaryIO

import pytest

from autolog.backend import Backend
from autolog.cleaning import with_children
from autolog.errors import BackendError, NotFound
from autolog.records import Record
from autolog.store import Store
from autolog.view import RunView

from . import _backend_parts as parts
from ._backend_base import ONE, OTHER, RUN, SuiteBase
from ._backend_parts import series

THIRD = "c" * 32


class ArtifactTests(SuiteBase):
    """Artifacts are kept whole or not at all, below their run; what is deleted is gone."""

    def test_artifacts_are_streamed(self, backend: Backend) -> None:
        chunks = [secrets.token_bytes(100_000) for _ in range(30)]
        with backend.create_artifact(RUN, "model/data.bin") as stream:
            for chunk in chunks:
                stream.write(chunk)
        data = b"".join(chunks)
        assert self.raw_artifact(backend, RUN, "model/data.bin") == data
        digest = hashlib.sha256()
        with backend.open_artifact(RUN, "model/data.bin") as source:
            while piece := source.read(65_536):
                digest.update(piece)
        assert digest.digest() == hashlib.sha256(data).digest()

    @pytest.mark.parametrize("path", parts.ODD_PATHS, ids=ascii)
    def test_odd_paths_are_kept(self, backend: Backend, path: str) -> None:
        _put(backend, RUN, path, b"odd")
        _put(backend, RUN, "z/plain", b"plain")
        assert self.raw_artifact(backend, RUN, path) == b"odd"
        assert _get(backend, RUN, path) == b"odd"
        assert backend.artifacts(RUN) == sorted([path, "z/plain"])

    @pytest.mark.parametrize("path", parts.BAD_PATHS, ids=ascii)
    def test_no_path_leaves_the_run(self, backend: Backend, path: str) -> None:
        _put(backend, RUN, "kept", b"kept")
        calls = (
            lambda: _put(backend, RUN, path, b"bad"),
            lambda: backend.open_artifact(RUN, path),
            lambda: backend.artifact_path(RUN, path),
            lambda: backend.drop_artifact(RUN, path),
            lambda: backend.copy_artifact(RUN, OTHER, path),
        )
        for call in calls:
            with contextlib.suppress(BackendError):
                assert call() is None
        with pytest.raises(BackendError):
            _put(backend, RUN, path, b"bad")
        assert backend.artifacts(RUN) == ["kept"]
        assert backend.artifacts(OTHER) == []

    def test_an_artifact_is_replaced_whole(self, backend: Backend) -> None:
        _put(backend, RUN, "a", b"a longer first text")
        with backend.create_artifact(RUN, "a") as stream:
            stream.write(b"second")
            assert _get(backend, RUN, "a") == b"a longer first text"
        assert self.raw_artifact(backend, RUN, "a") == _get(backend, RUN, "a") == b"second"
        assert backend.artifacts(RUN) == ["a"]

    def test_an_artifact_is_sent_from_a_stream(self, backend: Backend) -> None:
        data = secrets.token_bytes(3_000_000)
        source = io.BytesIO(b"passed over" + data)
        source.seek(len(b"passed over"))
        backend.send_artifact(RUN, "model/data.bin", source)
        assert self.raw_artifact(backend, RUN, "model/data.bin") == data
        for content in (data, b"", b"another"):  # the first is there already
            backend.send_artifact(RUN, "model/data.bin", io.BytesIO(content), _sha(content))
            assert self.raw_artifact(backend, RUN, "model/data.bin") == content
        assert backend.artifacts(RUN) == ["model/data.bin"]

    def test_other_bytes_than_the_digest_says_are_refused(self, backend: Backend) -> None:
        backend.send_artifact(RUN, "a", io.BytesIO(b"first"), _sha(b"first"))
        for path in ("a", "b"):
            with pytest.raises(BackendError):
                backend.send_artifact(RUN, path, io.BytesIO(b"damaged"), _sha(b"right"))
        assert self.raw_artifact(backend, RUN, "a") == b"first"
        assert backend.artifacts(RUN) == ["a"]
        backend.send_artifact(RUN, "b", io.BytesIO(b"right"), _sha(b"right"))
        assert self.raw_artifact(backend, RUN, "b") == b"right"

    def test_digests_are_right_or_unknown(self, backend: Backend) -> None:
        assert backend.artifact_digests(RUN) == {}
        held = {"a": b"text", "model/b": b"", "c": b"text"}
        for path, data in held.items():
            _put(backend, RUN, path, b"before")
            _put(backend, RUN, path, data)
        found = backend.artifact_digests(RUN)
        assert sorted(found) == backend.artifacts(RUN)
        for path, digest in found.items():
            assert digest in (None, _sha(held[path]))

    def test_an_aborted_artifact_leaves_nothing(self, backend: Backend) -> None:
        _put(backend, RUN, "old", b"old")
        for path in ("new/file", "old"):
            with pytest.raises(KeyError):
                _put_half(backend, RUN, path)
        assert backend.artifacts(RUN) == ["old"]
        assert self.raw_artifact(backend, RUN, "old") == b"old"
        assert self.raw_artifact(backend, RUN, "new/file") is None

    def test_artifacts_that_belong_together(self, backend: Backend) -> None:
        with backend.create_artifacts(RUN, "model") as create:
            for name in ("data.bin", "code/a.py"):
                with create(name) as stream:
                    stream.write(name.encode())
        with backend.create_artifacts(RUN, "model") as create, create("data.bin") as stream:
            stream.write(b"second")
        assert backend.artifacts(RUN) == ["model/code/a.py", "model/data.bin"]
        assert self.raw_artifact(backend, RUN, "model/data.bin") == b"second"
        assert self.raw_artifact(backend, RUN, "model/code/a.py") == b"code/a.py"

    def test_of_artifacts_that_belong_together_an_aborted_one_leaves_nothing(
        self, backend: Backend
    ) -> None:
        with backend.create_artifacts(RUN, "model") as create:
            with pytest.raises(KeyError):
                _write_half(create("pickle"))
            with create("pickle") as stream:
                stream.write(b"whole")
        assert self.raw_artifact(backend, RUN, "model/pickle") == b"whole"
        assert backend.artifacts(RUN) == ["model/pickle"]
        for path in parts.BAD_PATHS:
            for folder, name in ((path, "x"), ("good", path)):
                with pytest.raises(BackendError):
                    _put_into(backend, folder, name)
        assert backend.artifacts(RUN) == ["model/pickle"]

    def test_a_path_is_a_file_or_a_folder(self, backend: Backend) -> None:
        _put(backend, RUN, "a", b"file")
        with pytest.raises(BackendError):
            _put(backend, RUN, "a/b", b"below a file")
        _put(backend, RUN, "c/d", b"file")
        with pytest.raises(BackendError):
            _put(backend, RUN, "c", b"in the place of a folder")
        assert backend.artifacts(RUN) == ["a", "c/d"]

    def test_a_missing_artifact_is_not_found(self, backend: Backend) -> None:
        _put(backend, RUN, "a/b", b"")
        for run, path in ((RUN, "x"), (OTHER, "a/b"), (RUN, "a"), (RUN, "a/b/c")):
            with pytest.raises(NotFound):
                backend.open_artifact(run, path)
        assert _get(backend, RUN, "a/b") == b""

    def test_artifacts_are_copied_and_dropped(self, backend: Backend) -> None:
        for path in ("code/a.py", "code/b.py", "codex"):
            _put(backend, RUN, path, path.encode())
        backend.copy_artifact(RUN, OTHER, "code/a.py")
        backend.copy_artifact(RUN, OTHER, "code/a.py")
        backend.drop_artifact(RUN, "code")
        backend.drop_artifact(RUN, "nothing")
        assert backend.artifacts(RUN) == ["codex"]
        assert backend.artifacts(OTHER) == ["code/a.py"]
        _put(backend, RUN, "code/a.py", b"another")
        assert self.raw_artifact(backend, OTHER, "code/a.py") == b"code/a.py"

    def test_a_local_path_leads_to_the_bytes(self, backend: Backend) -> None:
        _put(backend, RUN, "model/MLmodel", b"flavors:")
        assert backend.artifact_path(RUN, "no/such") is None
        path = backend.artifact_path(RUN, "model/MLmodel")
        if path is not None:
            assert path.read_bytes() == b"flavors:"
            assert backend.artifact_path(RUN, "model") == path.parent

    def test_a_file_gathers_from_pieces(self, backend: Backend) -> None:
        key, data = "9" * 32, secrets.token_bytes(3_500_000)
        file = backend.staged(key)
        if file is None:
            pytest.skip("this store has no place for files that come in pieces")
        file.drop()
        assert file.add(0, io.BytesIO(data[:1_000_001])) == 1_000_001
        with pytest.raises(KeyError):
            file.add(1_000_001, _Breaking(data[1_000_001:2_200_000]))
        held = file.size()
        assert 1_000_001 <= held <= 2_200_000
        with pytest.raises(BackendError):
            file.add(held + 1, io.BytesIO(b"x"))
        again = backend.staged(key)
        assert again is not None
        assert again.size() == held
        assert again.add(held, io.BytesIO(data[held:])) == len(data)
        assert backend.run_ids() == []
        assert file.sha256() == _sha(data)
        _put(backend, RUN, "model/data", b"before")
        file.keep(RUN, "model/data", _sha(data))
        assert self.raw_artifact(backend, RUN, "model/data") == data
        assert _get(backend, RUN, "model/data") == data
        assert file.size() == 0
        for path in ("model", "model/data/below"):
            file.add(0, io.BytesIO(data))
            with pytest.raises(BackendError):
                file.keep(RUN, path, file.sha256())
            file.drop()
        assert backend.artifacts(RUN) == ["model/data"]
        file.add(0, io.BytesIO(data))
        file.keep(OTHER, "the same", file.sha256())
        assert self.raw_artifact(backend, OTHER, "the same") == data
        with pytest.raises(BackendError):
            backend.staged("../x")

    def test_a_deleted_run_is_gone(self, backend: Backend) -> None:
        for run in (RUN, OTHER):
            backend.write(series(run, ONE, 0, 100))
            _put(backend, run, "model/data", run[:1].encode() * 50_000)
        assert backend.delete(RUN) >= 50_000
        assert backend.run_ids() == [OTHER]
        assert self.raw_records(backend, RUN) == []
        assert self.raw_artifact(backend, RUN, "model/data") is None
        assert backend.artifacts(RUN) == []
        for call in (backend.records, backend.delete):
            with pytest.raises(NotFound):
                call(RUN)
        self.check(backend, OTHER, series(OTHER, ONE, 0, 100))

    def test_a_run_is_deleted_alone_and_all_below_it_are_found(self, backend: Backend) -> None:
        above: str | None = None
        for run in (RUN, OTHER, THIRD):
            facts = {"name": "one", **({} if above is None else {"parent": above})}
            backend.write([Record(run, ONE, 0, 1.7e9, "run", "", facts)])
            above = run
        store = Store(backend)
        found = [run.id for run in with_children([RunView(store, RUN)])]
        assert found == [RUN, OTHER, THIRD]
        backend.delete(OTHER)
        assert sorted(backend.run_ids()) == sorted([RUN, THIRD])

    def test_a_deleted_run_may_be_sent_again(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 5))
        backend.delete(RUN)
        backend.write(series(RUN, ONE, 0, 3))
        self.check(backend, RUN, series(RUN, ONE, 0, 3))


class _Breaking(io.BytesIO):
    """Gives its bytes, and breaks off at their end."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(100_000 if size is None or size < 0 else min(size, 100_000))
        if not data:
            raise KeyError
        return data


def _put(backend: Backend, run: str, path: str, data: bytes) -> None:
    with backend.create_artifact(run, path) as stream:
        stream.write(data)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _put_into(backend: Backend, folder: str, name: str) -> None:
    with backend.create_artifacts(RUN, folder) as create, create(name) as stream:
        stream.write(b"bad")


def _write_half(opened: contextlib.AbstractContextManager[BinaryIO]) -> None:
    with opened as stream:
        stream.write(b"half" * 100_000)
        raise KeyError


def _put_half(backend: Backend, run: str, path: str) -> None:
    _write_half(backend.create_artifact(run, path))


def _get(backend: Backend, run: str, path: str) -> bytes:
    with backend.open_artifact(run, path) as stream:
        return stream.read()
