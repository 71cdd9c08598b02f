"""What Prometheus is told; with several worker processes they count together."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which worker processes count together; prometheus_client reads it."""

REQUESTS = Counter("autolog_requests", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram("autolog_request_seconds", "Time until the answer was sent.", ("route",))
RECORDS = Counter("autolog_records", "Records received, those held already among them.")
RECEIVED = Counter("autolog_received_bytes", "Bytes of bodies received.")
SENT = Counter("autolog_sent_bytes", "Bytes of bodies sent.")


def text() -> bytes:
    """All of it in Prometheus' text format."""
    if os.environ.get(SHARED):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest()
