"""XGBoost: not captured yet."""

from __future__ import annotations

from typing import ClassVar

from autolog.integration import Integration


class Xgboost(Integration):
    """Not captured yet."""

    library: ClassVar[str] = "xgboost>=2.1"
