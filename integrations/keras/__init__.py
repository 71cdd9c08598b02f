"""Keras 3: not captured yet."""

from __future__ import annotations

from typing import ClassVar

from autolog.integration import Integration


class Keras(Integration):
    """Not captured yet."""

    library: ClassVar[str] = "keras>=3.5"
