"""A further means of knowing who asks (OIDC, LDAP), as a package would bring it."""

from __future__ import annotations

import hashlib
import hmac
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RUN, OTHER = "a" * 32, "b" * 32

SOURCE = """
import hashlib, hmac

from autolog.server.access import Connection, Principal, Role
from autolog.server.errors import ApiError

KEY = b"the provider's"


class Signed:
    '''As OIDC does it: a claim that somebody whom we trust has signed.'''

    def authenticate(self, connection: Connection) -> Principal | None:
        claim, _, signature = connection.headers.get("x-session", "").partition(".")
        if claim == "broken":
            raise ValueError("a bug of this package: secret-3141")
        if claim == "expired":
            raise ApiError(401, "expired", "log in again")
        good = hmac.new(KEY, claim.encode(), hashlib.sha256).hexdigest()
        if not claim or not hmac.compare_digest(good, signature):
            return None
        name, role, experiment = claim.split("|")
        return Principal(name, Role[role], experiment)
"""


def session(claim: str, key: bytes = b"the provider's") -> str:
    return f"{claim}.{hmac.new(key, claim.encode(), hashlib.sha256).hexdigest()}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tools: Any) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("login")
    (folder / "site").mkdir()
    (folder / "site" / "signed_login.py").write_text(textwrap.dedent(SOURCE))
    info = folder / "site" / "signed_login-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: signed-login\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[autolog.server.login]\nsigned = signed_login:Signed\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder / "site"))
        with tools.serving(folder, "--login", "signed") as found:
            found.send(tools.opening(RUN, "wine/demo"))
            found.send(tools.opening(OTHER, "beer"))
            yield found


def who(served: Any, claim: str, **more: Any) -> Any:
    return served.get("/whoami", token=None, X_Session=session(claim, **more))


def test_whoever_it_knows_comes_in_with_his_role_and_bounds(served: Any, tools: Any) -> None:
    found = who(served, "jane|reader|wine")
    assert found.json == {"name": "jane", "role": "reader", "experiment": "wine"}
    headers = {"token": None, "X_Session": session("jane|reader|wine")}
    assert [one["id"] for one in served.get("/runs", **headers).json["runs"]] == [RUN]
    assert served.get(f"/runs/{OTHER}", **headers).status == 404
    assert served.send(tools.record(RUN, 1, "tag", "x", "t"), **headers).status == 403
    assert served.ask("DELETE", f"/api/v1/runs/{RUN}", **headers).status == 403
    admin = {"token": None, "X_Session": session("root|admin|")}
    assert served.get(f"/runs/{OTHER}", **admin).status == 200


def test_whom_it_does_not_know_stays_out(served: Any) -> None:
    for forged in (session("root|admin|", b"mine"), "root|admin|.", "root|admin|", ".", ""):
        assert served.get("/runs", token=None, X_Session=forged).status == 401, forged
    assert who(served, "expired").code == "expired"


def test_tokens_count_beside_it_and_before_it(served: Any) -> None:
    assert served.get("/whoami").json["name"] == "local"
    found = served.get("/whoami", token="autolog_unknown", X_Session=session("root|admin|"))
    assert found.status == 401


def test_a_means_that_fails_lets_nobody_in_and_tells_nothing(served: Any) -> None:
    for path in ("/whoami", "/runs", f"/runs/{RUN}"):
        reply = served.get(path, token=None, X_Session="broken.x")
        assert reply.status == 503
        assert b"3141" not in reply.body
        assert b"wine" not in reply.body
    assert "secret-3141" in served.log.read_text()
    assert who(served, "jane|reader|wine").status == 200


def test_a_login_that_no_package_offers_is_named(tmp_path: Path, tools: Any) -> None:
    done = tools.command("server", "--port", "0", "--login", "nobody", "--backend", str(tmp_path))
    assert done.returncode != 0
    assert "nobody" in done.stderr
    assert "Traceback" not in done.stderr
