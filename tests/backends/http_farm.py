"""A real server process with many stores: `http://…/NAME` is the one in the folder NAME.

`python http_farm.py FOLDER KIND` prints its port; KIND is `local`, `sqlite`, or the URI of a
PostgreSQL server. Each store has an application of its own, as `autolog server` would have; what
`uri_of` makes of a name says where its records lie.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = "autolog_test-token-of-the-farm"


MOST = 4
"""Applications that are held: a database has only so many connections."""


def uri_of(kind: str, folder: Path, name: str) -> str:
    """The store called `name`."""
    if kind == "local":
        return str(folder / name / "runs")
    if kind == "sqlite":
        return f"sqlite:///{folder / name / 'runs.db'}"
    return f"{kind}&options=-csearch_path%3D{name}"


class Farm:
    """Dispatches by the first part of the path."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.apps: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("this farm has no lifespan")
        match = re.fullmatch(r"/([a-z0-9_]+)(/.*)", scope["path"])
        assert match is not None, scope["path"]
        app = self.apps.get(match[1])
        if app is None:
            app = self.apps[match[1]] = self.app(match[1])
            while len(self.apps) > MOST:
                self.apps.pop(next(iter(self.apps))).inner.state.service.close()
        await app({**scope, "path": match[2], "raw_path": match[2].encode()}, receive, send)

    def app(self, name: str) -> Any:
        from autolog.server.accounts import digest
        from autolog.server.app import create
        from autolog.server.config import Config, Limits
        from autolog.server.serving import access_url

        (self.folder / name).mkdir(parents=True, exist_ok=True)
        if self.kind.startswith("postgresql:"):
            import psycopg

            with psycopg.connect(self.kind, autocommit=True) as connection:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")  # type: ignore[arg-type]
        config = Config(
            backend=uri_of(self.kind, self.folder, name),
            access=access_url(uri_of(self.kind, self.folder, name)),
            local_token=digest(TOKEN),
            limits=Limits(rate=0),
            log_requests=False,
        )
        return create(config)


@contextmanager
def farm(folder: Path, kind: str) -> Iterator[str]:
    """The address of a farm in a process of its own, below which each name is a store."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder), kind], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else vouches for, and its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def main() -> None:
    """Serve until a signal."""
    import uvicorn
    from autolog.server.logs import LOGGING

    app = Farm(Path(sys.argv[1]), sys.argv[2])
    # Named as TCP, for asyncio sets TCP_NODELAY on no other: each answer would take 40 ms more.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, lifespan="off", access_log=False, log_config=LOGGING, timeout_keep_alive=75
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
