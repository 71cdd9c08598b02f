"""How XGBoost's models are written and read: MLflow's `xgboost` flavor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolog.models.flavors import Create, Files, Written


class XgboostFlavor:
    """Not written yet."""

    name = "xgboost"

    def handles(self, model: Any) -> bool:
        """None yet."""
        return False

    def write(self, model: Any, create: Create) -> Written:
        """Never called while `handles` says no."""
        raise NotImplementedError

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """Never called while `handles` says no."""
        raise NotImplementedError
