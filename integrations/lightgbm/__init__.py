"""LightGBM: not captured yet."""

from __future__ import annotations

from typing import ClassVar

from autolog.integration import Integration


class Lightgbm(Integration):
    """Not captured yet."""

    library: ClassVar[str] = "lightgbm>=4.3"
