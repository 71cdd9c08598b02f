"""mlflow: its own autologging, enabled before ours and switched off after, leaves ours in force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from autolog.integration import Call, Integration, around, function
from autolog.live import Run
from autolog.session import hook_again


class Mlflow(Integration):
    """Keeps our hooks in place where MLflow takes its patches off; records nothing of its own."""

    library: ClassVar[str] = "mlflow>=2"
    module: ClassVar[str] = "mlflow"

    @around(function("mlflow.utils.autologging_utils.safety", "revert_patches"), nested="always")
    def reverted(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked since MLflow puts back the methods that it had found, and what stands on top of
        its patches goes with them (mlflow 2 and 3).
        """
        yield
        hook_again()
