"""A server that means harm: nothing it says is executed, or written where it does not belong."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from autolog.backends.http import HttpBackend
from autolog.backends.local import LocalBackend

import autolog
from autolog.errors import AutologError, BackendError, UntrustedModel
from autolog.syncing import sync

RUN, WRITER = "a" * 32, "1" * 32
BAD_IDS = ["..", "../../evil", "/etc", "a/b", "A" * 32, "", "light", "a" * 31, "\x00" * 32]
BAD_PATHS = [
    "../evil", "../../evil", "/tmp/evil", "a/../../evil", "..\\evil", "C:\\evil", "a//b", "",
    "./a", "a\x00b", "model/../../../evil",
]  # fmt: skip


class Evil:
    """What makes the folder `flag` when it is unpickled."""

    def __init__(self, flag: str) -> None:
        self.flag = flag

    def __reduce__(self) -> Any:
        return os.mkdir, (self.flag,)


@contextmanager
def hostile(flag: Path) -> Iterator[str]:
    """A real server that knows our API, and lies."""
    bomb = pickle.dumps(Evil(str(flag)))
    markup = "\x1b]0;evil\x07<script>alert(1)</script>"
    facts = {"name": markup, "experiment": "../../evil", "mark": "../../evil", "attempt": 1}
    lines = [
        {"run": RUN, "writer": WRITER, "seq": 0, "time": 1.7e9, "kind": "run", "value": facts},
        {"run": "b" * 32, "writer": "../evil", "seq": 1, "time": 1.7e9, "kind": "tag", "key": "x"},
    ]
    model = {"path": "../../evil", "class": "os.system", "flavor": "os", "files": ["../evil"]}
    lines.append({**lines[0], "seq": 1, "kind": "model", "key": "model", "value": model})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            last = url.path.rpartition("/")[2]
            answers: dict[str, Any] = {
                "run-ids": {"runs": [*BAD_IDS, RUN]},
                "acked": {"writers": {WRITER: 2, "../evil": 5}},
                "children": {"runs": ["../../evil", RUN]},
                "versions": {"of": {"../../evil": 1, RUN: 2}},
                "experiments": {"experiments": {"../../evil": 1}},
                "artifacts": {"artifacts": [{"path": path} for path in [*BAD_PATHS, "good.pkl"]]},
                "policy": {"backends": ["file:/"], "exclude": ["all"], "evil": bomb.hex()},
            }
            body = json.dumps(answers.get(last, {})).encode()
            if last == "records":
                body = b"\n".join(json.dumps(line).encode() for line in lines) + b"\n"
            elif last == "artifact":
                path = parse_qs(url.query).get("path", [""])[0]
                body = bomb if path.endswith("pkl") else f"evil {path}".encode()
            elif last in ("search", "summaries"):
                body = bomb
            self.send_response(200)
            self.send_header("Content-Disposition", 'attachment; filename="../../evil"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with hostile(tmp_path / "flag") as url:
        yield url


def outside(tmp_path: Path) -> set[str]:
    """All that lies beside the store, whose files are the store's own."""
    own = tmp_path / "deep" / "er" / "copied"
    return {str(path) for path in tmp_path.rglob("*") if own not in (path, *path.parents)}


def test_a_sync_writes_below_its_store_alone(evil: str, tmp_path: Path) -> None:
    before = outside(tmp_path)
    target = LocalBackend("copied")
    done = sync(HttpBackend(evil), target)
    assert outside(tmp_path) == before
    assert len(done.failed) >= len(BAD_IDS)
    assert target.run_ids() in ([], [RUN])
    assert set(target.artifacts(RUN)) <= {"good.pkl"}
    files = [path for path in Path("copied").rglob("*") if path.is_file()]
    assert not [path for path in files if "evil" in path.name]
    assert not (tmp_path / "flag").exists()


@pytest.mark.parametrize("path", BAD_PATHS, ids=ascii)
def test_no_bad_path_is_even_asked_for(evil: str, path: str) -> None:
    with pytest.raises(BackendError):
        HttpBackend(evil).open_artifact(RUN, path)
    for run in BAD_IDS:
        with pytest.raises(BackendError):
            HttpBackend(evil).open_artifact(run, "a")


@pytest.mark.parametrize(
    "words",
    [("ls",), ("show", RUN), ("compare",), ("export",), ("tail", RUN), ("rm", RUN, "--yes")],
)
def test_the_commands_show_it_or_say_what_is_wrong(
    evil: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    before = outside(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "autolog", *words, "--backend", evil],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "\x1b]0;" not in done.stdout + done.stderr
    assert outside(tmp_path) - before <= {str(tmp_path / "state")}
    assert not (tmp_path / "flag").exists()


def test_what_it_calls_a_model_is_not_executed(evil: str, tmp_path: Path) -> None:
    for trust in (False, True):
        with pytest.raises((AutologError, UntrustedModel)):
            autolog.get_run(RUN, backend=evil).load_model(trust=trust)
    assert not (tmp_path / "flag").exists()
    with pytest.raises(AutologError):
        list(autolog.search_runs(backend=evil))
