"""Which store a name means: what two settings have in common that send to the same place."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from ..backend import Backend

_PORTS = {"http": "80", "https": "443"}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?")
_PLACES = ("dbname", "host", "hostaddr", "port", "service")
"""What of a query says where the store is: databases may be named by a socket's folder."""


class Destination(NamedTuple):
    """A remote store by scheme, host, port and path; no user, no password.

    Attributes:
        name: What stands in messages.
        key: 16 hexadecimal digits, equal where the names are.
    """

    name: str
    key: str


def destination_of(backend: Backend) -> Destination:
    """Where `backend` keeps what it is given."""
    name = _identity(backend.uri)
    return Destination(name, hashlib.sha256(name.encode()).hexdigest()[:16])


def _identity(uri: str) -> str:
    match = _URL.match(uri)
    if match is None:
        return uri
    scheme = match[1].split("+")[0].lower()
    host = match[2].rpartition("@")[2].lower().removesuffix(f":{_PORTS.get(scheme, '')}")
    asked = sorted(word for word in (match[4] or "").split("&") if word.split("=")[0] in _PLACES)
    query = f"?{'&'.join(asked)}" if asked else ""
    return f"{scheme}://{host}{match[3].rstrip('/')}{query}"
