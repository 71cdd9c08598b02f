"""Records the trainings of tinyboost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from autolog.integration import Call, Integration, around, method, option
from autolog.live import Run


@dataclasses.dataclass
class TinyboostOptions:
    """Set by `autolog(tinyboost={"losses": False})` or `AUTOLOG_TINYBOOST__LOSSES=0`."""

    losses: bool = option(True, "Record the loss of every round.")


class Tinyboost(Integration):
    """One run for each `Booster.train`: params, data, losses by round."""

    library = "tinyboost>=0.1"
    options: TinyboostOptions

    @around(method("tinyboost", "Booster", "train"), opens_run=True)
    def train(self, call: Call, run: Run) -> Iterator[None]:
        """Wraps the one method that trains; tinyboost has no hooks of its own."""
        booster = call.instance
        run.log_params({"rounds": booster.rounds, "rate": booster.rate})
        run.log_dataset("train", call.arg("rows"), call.arg("target"), name=call.variable("rows"))
        yield
        if self.options.losses:
            run.log_series("loss", booster.losses, unit="boosting round", first=1)
