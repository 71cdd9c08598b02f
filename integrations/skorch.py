"""skorch: the epochs of a network that scikit-learn's `fit` trains, in its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from autolog.integration import Call, Captured, Integration, around, method
from autolog.live import Run

RULE = "net.history, at the end of the epoch"
RATE = "lr of the optimizer's group, at the end of the epoch"
LEFT_OUT = ("epoch", "batches")
STATE = "skorch"


class Skorch(Integration):
    """The columns of `net.history` are series of the run in which the network is fitted."""

    library: ClassVar[str] = "skorch>=1.4"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = {
        "epoch": (
            Captured("metric", "what net.history has of each epoch: train_loss, valid_loss, …"),
            Captured("metric", "lr by group, epoch_time"),
            Captured("param", "model, model_parameters, model_trainable_parameters"),
        ),
    }

    @around(method("skorch.net", "NeuralNet", "notify"), nested="join", only="epoch_is_over")
    def epoch(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked round the call that tells the callbacks of an epoch's end: it is they that
        complete the history's row (skorch 1.4).
        """
        yield
        if run is not None and call.principal:
            _tell(run, call.instance)

    def epoch_is_over(self, instance: Any, args: tuple[Any, ...]) -> bool:
        """Whether a call of `notify` ends an epoch."""
        return args[:1] == ("on_epoch_end",)


def _tell(run: Run, net: Any) -> None:
    """One epoch of a network; what it is made of with the first."""
    step = len(net.history)
    last: dict[str, float] = run.state.setdefault(STATE, {})
    if not last:
        run.log_params(_sizes(net))
    rates = _rates(getattr(net, "optimizer_", None))
    changed = {key: rate for key, rate in rates.items() if rate != last.get(key)}
    for found, rule in ((_row(net.history[-1]), RULE), (changed, RATE)):
        for key, value in found.items():
            run.point(key, value, step, None if key in last else {"unit": "epoch", "rule": rule})
            last[key] = value


def _row(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one epoch, but for flags and counts."""
    found = {
        "epoch_time" if key == "dur" else key: _number(value)
        for key, value in row.items()
        if key not in LEFT_OUT and not key.endswith("_batch_count")
    }
    return {key: value for key, value in found.items() if value is not None}


def _number(value: Any) -> float | None:
    plain = value.item() if type(value).__module__ == "numpy" and not value.ndim else value
    return float(plain) if type(plain) in (int, float) else None


def _rates(optimizer: Any) -> dict[str, float]:
    groups = getattr(optimizer, "param_groups", [])
    names = ["lr"] if len(groups) == 1 else [f"lr_{i}" for i in range(len(groups))]
    rates = {name: group.get("lr") for name, group in zip(names, groups, strict=True)}
    return {name: rate for name, rate in rates.items() if type(rate) is float}


def _sizes(net: Any) -> dict[str, Any]:
    """The module's class and its parameters, all and trainable ones."""
    module = getattr(net, "module_", None)
    if module is None:
        return {}
    counts = [(p.numel(), p.requires_grad) for p in module.parameters()]
    return {
        "model": type(module).__qualname__,
        "model_parameters": sum(count for count, _ in counts),
        "model_trainable_parameters": sum(count for count, trained in counts if trained),
    }
