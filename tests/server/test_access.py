"""Who gets in, and how far: tokens, roles, bounds, proxies, and addresses that others reach."""

from __future__ import annotations

import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autolog.server.access import RULES, Role
from autolog.server.accounts import Accounts
from autolog.server.app import litestar, routes_of
from autolog.server.config import Config
from autolog.server.serving import access_url

RUN, OTHER, NEW = "a" * 32, "b" * 32, "c" * 32
WRITER = "1" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def tokens(folder: Path, tools: Any) -> dict[str, str]:
    """Tokens by name, some of them made by the command line."""
    made = {}
    for name, *more in (
        ("dismissed",),
        ("wine-reader", "--role", "reader", "--experiment", "wine"),
    ):
        words = ("token", "create", "--backend", str(folder / "runs"), "--name", name, *more)
        done = tools.command("server", *words)
        assert done.returncode == 0, done.stderr
        made[name] = done.stdout.strip()
    accounts = Accounts(access_url(str(folder / "runs")))
    for role in ("reader", "writer", "admin"):
        made[role] = accounts.create(role, role, "", None)
    made["wine-writer"] = accounts.create("wine-writer", "writer", "wine", None)
    made["wine-admin"] = accounts.create("wine-admin", "admin", "wine/", None)
    made["expired"] = accounts.create("expired", "admin", "", time.time())
    return made


@pytest.fixture(scope="module")
def guarded(folder: Path, tokens: dict[str, str], tools: Any) -> Iterator[Any]:
    """A server that others can reach, with a run in `wine/demo` and one in `beer`."""
    options = ("--host", "0.0.0.0", "--proxy", "127.0.0.2/32", "--admin-user", "root@corp")
    with tools.serving(folder, *options) as served:
        served.token = tokens["admin"]
        for run, experiment in ((RUN, "wine/demo"), (OTHER, "beer")):
            end = tools.record(run, 1, "metric", 1.0, "loss", step=1)
            assert served.send(tools.opening(run, experiment), end).status == 200
            put = served.ask("PUT", f"/api/v1/runs/{run}/artifact?path=a.txt", b"data")
            assert put.status == 200
        yield served


# -- the table of routes -------------------------------------------------------------------


def test_a_route_without_a_rule_keeps_the_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(str(tmp_path), f"sqlite:///{tmp_path / 'a.db'}")
    assert routes_of(litestar(config)) == set(RULES)
    monkeypatch.delitem(RULES, ("DELETE", "/api/v1/runs/{run}"))
    with pytest.raises(RuntimeError, match=r"without a rule: \[\('DELETE'"):
        litestar(config)


def _path(route: str) -> str:
    path = route.replace("{run}", NEW)
    needs = {"artifact": "?path=a", "upload": f"?path=a&sha256={'0' * 64}", "history": "?key=a"}
    return path + needs.get(path.rsplit("/", 1)[-1], "")


@pytest.mark.parametrize(("method", "route"), sorted(RULES), ids=str)
def test_each_route_lets_in_whom_the_table_names_and_nobody_else(
    guarded: Any, tokens: dict[str, str], method: str, route: str
) -> None:
    rule = RULES[method, route]
    for token in (None, "nonsense", tokens["expired"]):
        reply = guarded.ask(method, _path(route), token=token)
        assert (reply.status == 401) == (rule.role is not Role.public), token
    for role in (Role.reader, Role.writer, Role.admin):
        reply = guarded.ask(method, _path(route), token=tokens[role.name])
        assert (reply.status == 403) == (role < rule.role), role
        assert reply.status < 500
    reply = guarded.ask(method, _path(route), token=tokens["wine-admin"])
    assert reply.status in ((200, 204, 400, 403, 404, 409, 411, 415) if rule.bounded else (403,))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "FOO"])
def test_other_methods_open_no_door(guarded: Any, method: str) -> None:
    for route in ("/api/v1/runs", f"/api/v1/runs/{RUN}", "/metrics", "/api/v1/records"):
        assert guarded.ask(method, route, token=None).status in (400, 401, 405)


# -- tokens ----------------------------------------------------------------------------------


def test_tokens_are_kept_as_digests_alone(
    folder: Path, guarded: Any, tokens: dict[str, str]
) -> None:
    kept = (folder / "runs" / "server.db").read_bytes() + guarded.log.read_bytes()
    for token in tokens.values():
        assert token.encode() not in kept
    rows = sqlite3.connect(folder / "runs" / "server.db").execute(
        "select length(sha256) from autolog_server_tokens"
    )
    assert {length for (length,) in rows} == {64}


def test_a_revoked_token_counts_no_more(
    folder: Path, guarded: Any, tokens: dict[str, str], tools: Any
) -> None:
    assert guarded.get("/whoami", token=tokens["dismissed"]).json["role"] == "writer"
    store = ("--backend", str(folder / "runs"))
    assert tools.command("server", "token", "revoke", "dismissed", *store).returncode == 0
    listed = tools.command("server", "token", "list", *store).stdout
    assert "dismissed  revoked" in listed
    assert not any(token in listed for token in tokens.values())
    until = time.monotonic() + 30
    while guarded.get("/whoami", token=tokens["dismissed"]).status != 401:
        assert time.monotonic() < until
        time.sleep(0.2)
    audit = json.loads(tools.command("server", "audit", "--json", *store).stdout)
    assert ("revoke token", "dismissed") in [(one["what"], one["subject"]) for one in audit]
    assert tools.command("server", "token", "revoke", "dismissed", *store).returncode == 2


def test_there_is_no_password_that_everybody_knows(guarded: Any) -> None:
    for known in ("admin", "password", "password1234", "autolog", "local", "", " ", "null"):
        assert guarded.ask("GET", "/api/v1/runs", token=known or None).status == 401
    for scheme in ("Basic YWRtaW46cGFzc3dvcmQxMjM0", "Bearer", "Bearer  ", "bearer x y"):
        assert guarded.ask("GET", "/api/v1/runs", Authorization=scheme, token=None).status == 401


# -- bounds on experiments ---------------------------------------------------------------------


def test_a_bounded_reader_sees_his_own_alone(guarded: Any, tokens: dict[str, str]) -> None:
    token = tokens["wine-reader"]
    assert [one["id"] for one in guarded.get("/runs", token=token).json["runs"]] == [RUN]
    assert guarded.get("/run-ids", token=token).json["runs"] == [RUN]
    assert guarded.get("/experiments", token=token).json["experiments"] == {"wine/demo": 1}
    assert guarded.get(f"/runs/{RUN}", token=token).status == 200
    assert guarded.get(f"/runs/{OTHER}/acked", token=token).json == {"writers": {}}
    assert guarded.get(f"/runs/{OTHER}/artifacts", token=token).json == {"artifacts": []}
    for path in ("", "/records", "/events", "/history?key=loss", "/artifact?path=a.txt"):
        assert guarded.get(f"/runs/{OTHER}{path}", token=token).status == 404, path
    body = {"runs": [RUN, OTHER]}
    found = guarded.ask("POST", "/api/v1/summaries", body, token=token).body
    assert RUN.encode() in found
    assert OTHER.encode() not in found


def test_a_bounded_reader_learns_nothing_by_filters(guarded: Any, tokens: dict[str, str]) -> None:
    for text in (f"id = '{OTHER}'", "experiment = 'beer'", "metrics.loss = 1 or not name = 'x'"):
        path = "/runs?filter=" + text.replace(" ", "%20").replace("'", "%27")
        found = guarded.get(path, token=tokens["wine-reader"]).json["runs"]
        assert OTHER not in [one["id"] for one in found]


def test_a_bounded_writer_writes_his_own_alone(
    guarded: Any, tokens: dict[str, str], tools: Any
) -> None:
    token = tokens["wine-writer"]
    more = tools.record(OTHER, 2, "tag", "mine", "owner")
    assert guarded.send(more, token=token).code == "forbidden"
    for experiment in ("beer", "winery", None, ""):
        assert guarded.send(tools.opening(NEW, experiment), token=token).status == 403
    moved = tools.record(RUN, 2, "run", {"experiment": "beer"})
    assert guarded.send(moved, token=token).status == 403
    below = tools.opening(NEW, "wine", parent=OTHER)
    assert guarded.send(below, token=token).status == 403
    assert guarded.send(tools.record(NEW, 0, "tag", "x", "t"), token=token).status == 403
    assert guarded.send(tools.opening(NEW, "wine"), token=token).status == 200
    assert guarded.send(tools.record(NEW, 1, "tag", "x", "t"), token=token).status == 200
    put = guarded.ask("PUT", f"/api/v1/runs/{OTHER}/artifact?path=a.txt", b"x", token=token)
    assert put.status == 404
    upload = f"/api/v1/runs/{OTHER}/upload?path=a.txt&sha256={'0' * 64}&offset=0"
    assert guarded.ask("PUT", upload, b"x", token=token).status == 404
    drop = guarded.ask("DELETE", f"/api/v1/runs/{OTHER}/artifact?path=a.txt", token=token)
    assert drop.status == 404
    assert guarded.get(f"/runs/{OTHER}/artifact?path=a.txt").body == b"data"
    assert guarded.get(f"/runs/{OTHER}/acked").json == {"writers": {WRITER: 2}}


def test_a_bounded_admin_deletes_his_own_alone(
    guarded: Any, tokens: dict[str, str], tools: Any
) -> None:
    token, doomed = tokens["wine-admin"], "f" * 32
    guarded.send(tools.opening(doomed, "wine/old"))
    assert guarded.ask("DELETE", f"/api/v1/runs/{OTHER}", token=token).status == 404
    assert guarded.ask("DELETE", f"/api/v1/runs/{doomed}", token=token).status == 200
    assert guarded.get(f"/runs/{OTHER}").status == 200
    child = "e" * 32
    guarded.send(tools.opening(doomed, "wine/old"))
    guarded.send(tools.opening(child, "beer", parent=doomed))
    assert guarded.ask("DELETE", f"/api/v1/runs/{doomed}", token=token).json["runs"] == [doomed]
    assert guarded.get(f"/runs/{child}").status == 200


# -- proxies, hosts, pages of others -------------------------------------------------------------


def test_a_user_is_named_by_a_trusted_proxy_alone(guarded: Any) -> None:
    """Requests come from 127.0.0.1, which is not the proxy's address."""
    for header in ("X_Forwarded_User", "X_Forwarded_For", "Forwarded"):
        reply = guarded.ask("GET", "/api/v1/whoami", token=None, **{header: "root@corp"})
        assert reply.status == 401


def test_a_proxys_users_have_its_role(tmp_path: Path, tools: Any) -> None:
    options = ("--host", "0.0.0.0", "--proxy", "127.0.0.1", "--admin-user", "root@corp")
    with tools.serving(tmp_path, *options) as served:
        who = served.get("/whoami", X_Forwarded_User="jane@corp").json
        assert who == {"name": "jane@corp", "role": "reader", "experiment": ""}
        assert served.get("/whoami", X_Forwarded_User="root@corp").json["role"] == "admin"
        assert served.send(X_Forwarded_User="jane@corp").status == 403
        assert served.get("/whoami").status == 401
        assert served.get("/whoami", X_Forwarded_User=" ").status == 400
        page = {"Origin": "https://evil.example", "X_Forwarded_User": "root@corp"}
        assert served.ask("DELETE", f"/api/v1/runs/{RUN}", **page).code == "wrong_origin"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:2886", "127.0.0.1.evil.example"])
def test_no_name_leads_here_but_ours(guarded: Any, host: str) -> None:
    reply = guarded.ask("GET", "/api/v1/runs", Host=host)
    assert (reply.status, reply.code) == (421, "wrong_host")
    assert guarded.ask("GET", "/api/v1/runs", Host=f"localhost:{guarded.port}").status == 200
    assert guarded.ask("GET", "/api/v1/runs", Host="10.1.2.3").status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_pages_of_others_are_refused(guarded: Any, origin: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        reply = guarded.ask(method, f"/api/v1/runs/{RUN}", Origin=origin)
        assert (reply.status, reply.code) == (403, "wrong_origin")
    assert guarded.ask("GET", f"/api/v1/runs/{RUN}", Sec_Fetch_Site="cross-site").status == 403
    own = f"http://{guarded.host}:{guarded.port}"
    same = guarded.ask("GET", f"/api/v1/runs/{RUN}", Origin=own)
    assert same.status == 200
    assert "access-control-allow-origin" not in same.headers


# -- starting ------------------------------------------------------------------------------------


def test_no_address_that_others_reach_is_open(tmp_path: Path, tools: Any) -> None:
    for options in (("--host", "0.0.0.0"), ("--host", "::", "--no-auth")):
        words = ("server", "--port", "0", "--backend", str(tmp_path / "runs"), *options)
        done = tools.command(*words)
        assert done.returncode == 2
        assert "autolog:" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_local_token_is_its_owners_alone(served: Any) -> None:
    (path,) = (served.log.parent / "state").rglob("*.token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert served.token not in served.log.read_text()
    assert served.get("/whoami").json == {"name": "local", "role": "admin", "experiment": ""}


def test_without_a_token_on_request_alone(tmp_path: Path, tools: Any) -> None:
    with tools.serving(tmp_path, "--no-auth", "--rate-limit", "2") as served:
        assert served.token is None
        replies = [served.get("/whoami") for _ in range(30)]
        assert replies[0].json["role"] == "admin"
        assert {reply.status for reply in replies} == {200, 429}
        late = next(reply for reply in replies if reply.status == 429)
        assert late.code == "too_many_requests"
        assert int(late.headers["retry-after"]) >= 1
    assert not list((tmp_path / "state").rglob("*.token"))
