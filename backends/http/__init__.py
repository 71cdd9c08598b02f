"""A remote server as a store: `http://HOST:PORT` and `https://…` (`docs/server.md`)."""

from .backend import HttpBackend

__all__ = ["HttpBackend"]
