"""Hugging Face transformers: what its `Trainer` logs, in the run that torch's steps open."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from autolog.integration import Call, Captured, Integration, around, method
from autolog.live import Run

if TYPE_CHECKING:
    from .torch.training import Training

RULE = "what transformers' Trainer logs"
LEFT_OUT = ("epoch", "step")
STATE = "transformers"
PLAIN = (bool, int, float, str, type(None))


class Transformers(Integration):
    """A `Trainer`'s training is a run of torch's integration, with what the Trainer logs."""

    library: ClassVar[str] = "transformers>=4.40"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = {
        "log": (
            Captured("metric", "what the Trainer logs: learning_rate, eval_loss, metrics, by step"),
            Captured("param", "TrainingArguments, those that are not the default first"),
        ),
    }

    @around(method("transformers.trainer", "Trainer", "log"))
    def log(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where the Trainer tells its callbacks and loggers what it has come to
        (transformers 4.57 and 5.24).
        """
        yield
        from .torch import active

        watch = active.current()
        training = watch.scene.training if watch is not None else None
        logs = call.arg("logs")
        if watch is None or training is None or training.over or not isinstance(logs, dict):
            return
        if any(str(key).endswith("_loss") for key in logs):
            watch.scene.evaluation = None  # the same losses
        if not training.run.state.setdefault(STATE, False):
            training.run.state[STATE] = True
            found, chosen = _arguments(call.instance.args)
            training.run.log_params(found, chosen=chosen)
        _tell(training, logs)


def _tell(training: Training, logs: Mapping[str, Any]) -> None:
    """Each number under its name, but for losses and norms that are known by each step."""
    for key, value in logs.items():
        if key not in LEFT_OUT and isinstance(value, int | float):
            series = training.series.get(key)
            if series is None or series.rule == RULE:
                training.point(key, float(value), training.step, RULE)


def _arguments(told: Any) -> tuple[dict[str, Any], list[str]]:
    """The plain fields of the arguments, and the names of those that are not the default."""
    fields = dataclasses.fields(told) if dataclasses.is_dataclass(told) else ()
    found = {field.name: getattr(told, field.name, None) for field in fields}
    plain = {name: value for name, value in found.items() if isinstance(value, PLAIN)}
    return plain, [field.name for field in fields if found[field.name] != field.default]
