"""A user's program with types; `check_types.py` has mypy look at it, nobody runs it."""

from __future__ import annotations

from collections.abc import Iterator

from autolog import autolog
from autolog.integration import Call, Integration, around, method
from autolog.live import Run


class Mine(Integration):
    """An integration as a third party writes it."""

    library = "mine>=1"

    @around(method("mine", "Model", "train"), opens_run=True)
    def train(self, call: Call, run: Run) -> Iterator[None]:
        """Record what goes in and out."""
        run.log_params({"depth": call.arg("depth")})
        yield
        run.log_metric("loss", float(call.result))


def record() -> float:
    """Write and read by the public names."""
    autolog(experiment="typed", tags={"who": "me"}, sklearn={"models": False})
    with autolog.start_run("by hand", tags={"a": 1}) as run:
        run.log_param("depth", 3)
        autolog.log_metric("loss", 0.5, step=1, unit="epoch")
        autolog.log_params({"a": 1, "b": [1, 2]})
    with autolog.paused():
        pass
    active = autolog.active_run()
    name: str = active.name if active is not None else ""
    for view in autolog.search_runs("metrics.loss < 1", order_by="metrics.loss", limit=3):
        print(view.id, view.params, name)
    latest = autolog.get_run("@latest")
    autolog.disable()
    return sum(float(point.value) for point in latest.history("loss"))
