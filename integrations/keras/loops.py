"""Loops over `train_on_batch`: one run for a model and its optimizer, one step for a call."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autolog import following
from autolog.following.judging import CLOCK
from autolog.integration import Call
from autolog.live import Run

from . import inputs, lineage, params

if TYPE_CHECKING:
    from . import Keras

UNIT = "step"
OPTIMIZER, STEPS, ROWS = "keras.optimizer", "keras.steps", "keras.rows"

RETURNS = frozenset(
    (
        "build",
        "quantize",
        "train_function",
        "test_function",
        "predict_function",
        "history",
        "_compiled_trainable_state",
    )
)
"""Attributes of a model that lead back to it: what is left of it is kept without them."""
NODES = ("_inbound_nodes", "_outbound_nodes")


class Remains:
    """A model for as long as it lives, and then what is needed to save it; does not keep it."""

    def __init__(self, model: Any) -> None:
        self._model = weakref.ref(model)
        self._class = type(model)
        self._held: dict[str, Any] = {}

    def take(self, model: Any) -> None:
        """Note the parts of the model, which a first step has made."""
        self._held = {name: value for name, value in vars(model).items() if name not in RETURNS}
        self._held.update((name, []) for name in NODES)

    def forget(self) -> None:
        """Let go of the parts."""
        self._held = {}

    def model(self) -> Any:
        """The model, or one that is made of the same parts; None where it was never built."""
        model = self._model()
        if model is None and self._held:
            model = object.__new__(self._class)
            vars(model).update(self._held)
        return model


def run_of(integration: Keras, call: Call) -> Run:
    """The run of this model with this optimizer, opened by the first call of a loop."""
    model = call.instance
    optimizer = id(vars(model).get("optimizer"))
    found: Run | None = integration.standing.get(model)
    if found is not None and found.state.get(OPTIMIZER) == optimizer:
        return found
    if found is not None:
        integration.standing.end(model)
    remains = Remains(model)

    def at_end(run: Run) -> None:
        _end(integration, run, remains)

    run = integration.standing.open(model, call, params.title(model), "keras", at_end)
    run.state.update({OPTIMIZER: optimizer, STEPS: 0, "keras.remains": remains})
    compiled, chosen = params.compile_params(model)
    run.log_params(compiled, chosen=chosen)
    run.set_tags({**params.model_tags(model), "method": "train_on_batch"})
    lineage.continued(run, model)
    inputs.batch(run, call, integration.kept)
    following.trained(model, run)
    return run


def _end(integration: Keras, run: Run, remains: Remains) -> None:
    run.log_metric("steps", run.state[STEPS])
    if ROWS in run.state:
        run.log_metric("samples_seen", run.state[ROWS])
    model = remains.model()
    if model is not None:
        integration.save(run, model, None)
    remains.forget()  # the newest runs are kept for a while


def step(integration: Keras, call: Call) -> Iterator[None]:
    """One call of the loop: its losses and metrics, under Keras's own names."""
    run = run_of(integration, call)
    number = run.state[STEPS]
    try:
        yield
    except GeneratorExit:
        integration.standing.end(call.instance, call.error)
        raise
    run.state[STEPS] = number + 1
    run.state[CLOCK] = number, UNIT
    if number == 0:
        run.state["keras.remains"].take(call.instance)
        integration.say_model(run, call.instance)
    rows = inputs.rows_of(call.arg("x"))
    if rows is not None:
        run.state[ROWS] = run.state.get(ROWS, 0) + rows
    for name, value in integration.logs(call).items():
        run.log_metric(name, value, step=number, unit=UNIT)
