"""The classes of holes that were published of such servers, each tried on ours."""

from __future__ import annotations

import json
import os
import pickle
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

RUN = "a" * 32

ESCAPES = (
    "../secret.txt",
    "../../secret.txt",
    "a/../../../secret.txt",
    "..\\secret.txt",
    "..\\..\\secret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "..%2f..%2fsecret.txt",
    "..%252f..%252fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%af..%c0%afsecret.txt",
    "..;/secret.txt",
    "....//....//secret.txt",
    "#/../../secret.txt",
    "a#/../../../secret.txt",
    "?/../../secret.txt",
    "//proc/self/cwd/secret.txt",
    "//proc/1/cwd/../etc/passwd",
    "/proc/self/environ",
    "/etc/passwd",
    "file:///etc/passwd",
    "\\\\server\\share",
    "C:\\secret.txt",
    "c:secret.txt",
    "a\x00.txt",
    "./secret.txt",
    "a//secret.txt",
    "~/secret.txt/..",
    "．．/secret.txt",
)
"""Paths that have led out of other stores, as they are before the query's own encoding."""


@pytest.fixture(scope="module")
def run(served: Any, tools: Any) -> str:
    assert served.send(tools.opening(RUN)).status == 200
    secret = served.log.parent / "secret.txt"
    secret.write_text("SECRET")
    (served.log.parent / "runs" / "secret.txt").write_text("SECRET")
    return RUN


def _outside(folder: Path) -> dict[str, bytes]:
    """All files beside the run's own folder, but for what the server writes there itself."""
    own = ("server.log", "server.db", "server.db-journal")
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and RUN not in str(path) and path.name not in own
    }


@pytest.mark.parametrize("path", ESCAPES, ids=ascii)
def test_no_path_leads_out(served: Any, run: str, path: str) -> None:
    before = _outside(served.log.parent)
    for form in {quote(path, safe=""), quote(path)}:
        upload = f"upload?path={form}&sha256={'0' * 64}&offset=0"
        for where in (f"/api/v1/runs/{run}/artifact?path={form}", f"/api/v1/runs/{run}/{upload}"):
            for method in ("PUT", "GET", "DELETE"):
                reply = served.ask(method, where, b"evil" if method == "PUT" else None)
                assert reply.status < 500
                assert b"SECRET" not in reply.body
                assert b"root:" not in reply.body
    assert _outside(served.log.parent) == before


@pytest.mark.parametrize("path", ESCAPES, ids=ascii)
def test_no_url_leads_out(served: Any, run: str, path: str) -> None:
    """The same in the URL's path, sent as it stands."""
    text = path if path.isascii() and path.isprintable() else quote(path)
    text = text.replace("?", "%3F")  # else the rest would be a query
    for prefix in ("/", "/api/v1/runs/", f"/api/v1/runs/{run}/artifact/", "/static/"):
        reply = served.ask("GET", prefix + text)
        assert reply.status in (400, 404)
        assert b"SECRET" not in reply.body


@pytest.mark.parametrize("run_id", ["..", ".", "%2e%2e", "..%2f", "light", "marks", "A" * 32, "*"])
def test_no_id_but_a_runs_is_deleted(served: Any, run: str, run_id: str) -> None:
    before = _outside(served.log.parent)
    assert served.ask("DELETE", f"/api/v1/runs/{run_id}").status in (400, 404, 405)
    assert _outside(served.log.parent) == before
    assert served.get(f"/runs/{run}").status == 200


class Evil:
    """What makes the folder `flag` when it is unpickled."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.flag),)


def test_nothing_that_is_stored_is_executed(served: Any, run: str, tools: Any) -> None:
    flag = served.log.parent / "executed"
    bomb = pickle.dumps(Evil(flag))
    for name in ("model/model.pkl", "model/MLmodel", "requirements.txt"):
        text = b"!!python/object/apply:os.system ['touch executed']"
        body = bomb if name.endswith("pkl") else text
        assert served.ask("PUT", f"/api/v1/runs/{run}/artifact?path={name}", body).status == 200
    facts = {"path": "model", "flavor": "sklearn", "class": "os.system", "format": "pickle"}
    template = "{{7*7}} ${7*7} $(touch executed) `touch executed`; import os"
    sent = served.send(
        {**tools.record(run, 1, "model", facts, "model")},
        {**tools.record(run, 2, "param", template, template)},
    )
    assert sent.status == 200
    for path in (f"/runs/{run}", "/runs", f"/runs/{run}/artifacts", f"/runs/{run}/records"):
        assert served.get(path).status == 200
    assert template in served.get(f"/runs/{run}").json["params"]
    assert not flag.exists()
    assert not Path("executed").exists()


INJECTIONS = (
    "'; drop table autolog_server_tokens; --",
    "' or '1'='1",
    "1 union select sha256 from autolog_server_tokens",
    "metrics.`a'` = 1; delete from runs",
    "$(reboot)",
    "| cat /etc/passwd",
    "__import__('os').system('true')",
    "{{config}}",
    "\r\nSet-Cookie: a=b",
)


@pytest.mark.parametrize("text", INJECTIONS, ids=ascii)
def test_nothing_is_injected(served: Any, run: str, text: str) -> None:
    for name in ("filter", "order_by", "experiment"):
        reply = served.get(f"/runs?{name}={quote(text, safe='')}")
        assert reply.status in (200, 400)
        assert "set-cookie" not in reply.headers
    for name in ("limit", "offset"):
        assert served.get(f"/runs?{name}={quote(text, safe='')}").status == 400
    assert served.get(f"/runs/{run}/history?key={quote(text, safe='')}").status == 404
    assert served.get("/whoami").json["role"] == "admin"
    name = quote(f"x{text}.txt", safe="")
    where = f"/api/v1/runs/{run}/artifact?path={name}"
    if served.ask("PUT", where, b"x").status == 200:
        headers = served.ask("GET", where).headers
        assert "set-cookie" not in headers
        assert "\n" not in headers["content-disposition"]


def test_the_server_asks_no_other_server(served: Any, run: str, tools: Any) -> None:
    """URLs in records, paths, filters and headers: nobody is called."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(1.0)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/latest/meta-data"
        facts = {"path": url, "source": url, "sha256": {"a": url}}
        served.send(
            tools.record(run, 3, "model", facts, "remote"),
            tools.record(run, 4, "artifact", facts, url),
            tools.record(run, 5, "dataset", {"name": url, "lineage": [{"site": url}]}, "d"),
        )
        for path in (f"/runs/{run}", f"/runs/{run}/artifact?path={quote(url, safe='')}", "/runs"):
            served.get(path, X_Forwarded_Host=url, Referer=url)
        served.ask("GET", url)
        with pytest.raises(TimeoutError):
            trap.accept()


MARKUP = "<script>alert(1)</script>"


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xml", "a.xhtml", "a.js", "a.pdf", "a"])
def test_no_file_is_a_page(served: Any, run: str, name: str) -> None:
    where = f"/api/v1/runs/{run}/artifact?path={name}"
    served.ask("PUT", where, MARKUP.encode(), Content_Type="text/html")
    headers = served.ask("GET", where, Accept="text/html").headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment;")
    assert headers["content-security-policy"].startswith("sandbox;")
    assert headers["x-content-type-options"] == "nosniff"


def test_names_come_back_as_json_alone(served: Any, tools: Any) -> None:
    name = "f" * 32
    served.send(tools.opening(name, f"{MARKUP}/x", parent=MARKUP, site=MARKUP))
    for path in (f"/runs/{name}", "/runs", "/experiments", f"/{MARKUP}"):
        reply = served.get(quote(path), Accept="text/html")
        assert reply.headers["content-type"].startswith("application/json")


def test_secrets_stand_in_no_log(served: Any, run: str) -> None:
    served.ask("GET", "/api/v1/runs", token="autolog_wrong-but-secret")
    served.ask("GET", "/api/v1/runs?filter=params.password%3D%27hunter2%27&token=in-the-query")
    served.ask("POST", "/api/v1/records", b'[{"value":"body-secret"}]', Cookie="session=cookie-x")
    log = served.log.read_text()
    for secret in ("wrong-but-secret", "hunter2", "in-the-query", "body-secret", "cookie-x"):
        assert secret not in log
    assert served.token not in log
    line = json.loads(log.splitlines()[-1])
    assert {"time", "client", "user", "method", "path", "status", "ms"} <= set(line)


def test_a_password_of_the_database_is_not_shown(tmp_path: Path, tools: Any) -> None:
    words = ("--backend", "postgresql://jane:hunter2@127.0.0.1:1/none", "--port", "0")
    done = tools.command("server", *words, "--host", "0.0.0.0")
    assert done.returncode != 0
    assert "hunter2" not in done.stderr + done.stdout


def test_half_a_request_harms_nobody(served: Any, run: str) -> None:
    def half(data: bytes) -> None:
        with socket.create_connection((served.host, served.port)) as connection:
            connection.sendall(data)

    head = f"PUT /api/v1/runs/{run}/artifact?path=half.bin HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: Bearer {served.token}\r\nContent-Length: 1000\r\n\r\n"
    pieces = [
        head.encode() + b"x" * 10,
        b"GET",
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 99999,
    ]
    threads = [threading.Thread(target=half, args=(piece,)) for piece in pieces * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served.ask("GET", "/healthz").status == 200
    assert "half.bin" not in served.get(f"/runs/{run}/artifacts").body.decode()
