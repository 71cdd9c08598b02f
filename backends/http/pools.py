"""Connections that are kept open, and that a fork does no harm to."""

from __future__ import annotations

import os
import queue
import threading
import weakref
from typing import Any
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]
    getproxies_environment,
    proxy_bypass_environment,
)

import urllib3

from autolog.localtoken import LOOPBACK


class _Queue(queue.LifoQueue[Any]):
    """What a pool keeps its connections in; a forked child finds it open and empty.

    Another thread of the parent may have held its mutex at the fork. The child has its own pools
    and drops the parent's, which takes every connection out of it once more.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        _queues.add(self)

    def renew(self) -> None:
        """Begin anew."""
        self.mutex = threading.Lock()
        self.not_empty = threading.Condition(self.mutex)
        self.not_full = threading.Condition(self.mutex)
        self.all_tasks_done = threading.Condition(self.mutex)
        self._init(self.maxsize)


_queues: weakref.WeakSet[_Queue] = weakref.WeakSet()


def _renew_all() -> None:
    for one in list(_queues):
        one.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


class _Http(urllib3.HTTPConnectionPool):
    QueueCls = _Queue


class _Https(urllib3.HTTPSConnectionPool):
    QueueCls = _Queue


def connections(base: str) -> urllib3.PoolManager:
    """Connections to `base`, through the proxy and with the certificates that variables name."""
    parts = urlsplit(base)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    options: dict[str, Any] = {"num_pools": 2, "maxsize": 16, "ca_certs": bundle}
    proxy = _proxy(parts.scheme, parts.hostname or "", parts.netloc)
    found = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    found.pool_classes_by_scheme = {"http": _Http, "https": _Https}
    return found


def _proxy(scheme: str, host: str, place: str) -> str | None:
    known = getproxies_environment()
    proxy = known.get(scheme) or known.get("all")
    if not proxy or host in LOOPBACK or proxy_bypass_environment(place):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
