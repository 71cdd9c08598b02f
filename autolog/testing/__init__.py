"""Tests that authors of integrations and backends inherit: `IntegrationSuite`, `BackendSuite`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .backend import BackendSuite as BackendSuite
    from .integration import IntegrationSuite as IntegrationSuite

_HOMES = {"IntegrationSuite": "integration", "BackendSuite": "backend"}

__all__ = ["BackendSuite", "IntegrationSuite"]

pytest.register_assert_rewrite(*(f"{__name__}.{home}" for home in _HOMES.values()))


def __getattr__(name: str) -> Any:
    """The suites are loaded one by one, since each needs packages that the other does not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
