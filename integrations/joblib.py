"""joblib: worker processes record their trainings under the session of the program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from autolog.integration import Call, Integration, around, method
from autolog.live import Run
from autolog.session import join, shared_settings


class Joblib(Integration):
    """Carries the recording into loky's workers, which do not import the program.

    What a search or an ensemble gives its workers stays part of that training's run; trainings
    of the program's own functions become runs of their own.
    """

    library: ClassVar[str] = "joblib>=1.3"
    module: ClassVar[str] = "joblib"

    @around(
        method("joblib.executor", "MemmappingExecutor", "get_memmapping_executor"),
        nested="always",
    )
    def workers(self, call: Call, run: Run | None) -> Iterator[None]:
        """Adds an initializer where joblib makes or finds its loky workers (joblib 1.3 to 1.6);
        always the same one, so that joblib still finds workers that it may use again.
        """
        first = call.kwargs.get("initializer"), tuple(call.kwargs.get("initargs", ()))
        call.kwargs["initializer"] = join
        call.kwargs["initargs"] = (shared_settings(), *first)
        yield
