"""The first schema: every store begins with its tables."""

from __future__ import annotations

revision = "1"
down_revision = None


def upgrade() -> None:
    """Nothing: a store is made with the tables of its time, and none is older."""
