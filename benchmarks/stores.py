"""The cases of `python -m benchmarks` about stores: databases, the server, delivery to it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from autolog.opening import open_backend

from . import sql as asking
from .delivery import measure
from .server import CROWDS, crowd, ingest
from .serving import database, megabytes, served

Figures = dict[str, float]


def sql(options: argparse.Namespace) -> dict[str, Figures]:
    """Points written and read, runs written and searched, in each database by itself."""
    return {store: _sql(store, options.size) for store in options.store or STORES}


def _sql(store: str, size: float) -> Figures:
    with tempfile.TemporaryDirectory() as folder, database(store, Path(folder)) as uri:
        backend = open_backend(uri)
        found = asking.write(backend, int(1_000_000 * size))
        found |= asking.read(backend, 0)
        found |= asking.fill(backend, int(100_000 * size))
        found |= asking.ask(backend, 0)
        found |= asking.single(backend, max(int(1000 * size), 20))
        backend.close()
    return found


def server(options: argparse.Namespace) -> dict[str, Figures]:
    """Points over HTTP into each database, and many clients that write and search at once."""
    found = {}
    for store in options.store or STORES:
        with served(store) as (address, process):
            own = ingest(address, process, int(1_000_000 * options.size))
            for clients in CROWDS:
                own |= crowd(address, clients, int(2000 * options.size))
            own |= crowd(address, CROWDS[-1], int(640 * options.size), pause=options.size)
            found[store] = {**own, "server_mb": megabytes(process)}
    return found


def delivery(options: argparse.Namespace) -> Figures:
    """What a healthy server costs the program that records."""
    return measure(max(int(100_000 * options.size), 1), options.rounds)


STORES = ("sqlite", "postgresql")
