"""How Keras 3's models are written and read: MLflow's `keras` flavor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolog.models.flavors import Create, Files, Written


class KerasFlavor:
    """Not written yet."""

    name = "keras"

    def handles(self, model: Any) -> bool:
        """None yet."""
        return False

    def write(self, model: Any, create: Create) -> Written:
        """Never called while `handles` says no."""
        raise NotImplementedError

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """Never called while `handles` says no."""
        raise NotImplementedError
