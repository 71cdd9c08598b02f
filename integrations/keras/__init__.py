"""Keras 3: one run for each `fit`, with the course of its epochs as Keras tells it."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

from autolog import following
from autolog.following import datasets
from autolog.following.judging import Judgement
from autolog.integration import (
    Call,
    Captured,
    Integration,
    around,
    method,
    option,
    subclasses,
)  # fmt: skip
from autolog.live import Run

from . import epochs, inputs, layers, params
from .captures import CAPTURES
from .epochs import STATE, Fit
from .models import signature_of


@dataclasses.dataclass
class KerasOptions:
    """What is captured of Keras; each also a variable `AUTOLOG_KERAS__<OPTION>`."""

    models: bool = option(True, "Save the fitted model with its run, as a `.keras` archive.")
    datasets: bool = option(True, "Describe the data: shape, types, digests.")
    statistics: bool = option(True, "Add statistics and class counts to datasets.")
    summary: bool = option(True, "Keep the model's layers as a table and as text.")
    save_redacted: bool = option(
        False, "Save a model even if its params held a secret, which the model then holds too."
    )


_flattened: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()
"""The newest logs of each model that were made a list."""

TRAINER = "keras.src.trainers.trainer"
LIST = "keras.src.callbacks.callback_list"


class Keras(Integration):
    """One run for each outermost `fit`; validation inside it is a part of it."""

    library: ClassVar[str] = "keras>=3.5"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    options: KerasOptions

    @around(subclasses(TRAINER, "Trainer", "fit"), opens_run=True, nested="join")
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked where each class defines it: the backend's trainer, and the program's own models
        that override it (Keras 3.5 to 3.15). The callbacks' list is left as it is.
        """
        if not self.is_training(call):
            yield
            return
        given = self.describe(run, call)
        told = inputs.Told(call) if call.owner is None else None
        run.state[STATE] = fit = Fit(
            run, call.instance, self.built(run), self.reading(run, told, given)
        )
        following.trained(call.instance, run)
        try:
            yield
        finally:
            fit.over()
        self.save(run, call)

    def is_training(self, call: Call) -> bool:
        """Whether this `fit` is what its run is about, and no part of one that is recorded."""
        owner = call.owner
        if owner is not None and owner.entry.integration is self:
            return False
        return call.principal

    @around(method(LIST, "CallbackList", *epochs.EVENTS), nested="join")
    def callbacks(self, call: Call, run: Run | None) -> Iterator[None]:
        """Keras tells all callbacks through this list, whoever made it; hooked on its class, so
        that nothing is put into the program's own list or object (Keras 3.5 to 3.15).
        """
        fit = None if run is None else run.state.get(STATE)
        if fit is None or not fit.is_of(call.instance):
            yield
        else:
            yield from fit.event(call)

    @around(method("keras.src.trainers.epoch_iterator", "EpochIterator", "__init__"), nested="join")
    def data(self, call: Call, run: Run | None) -> Iterator[None]:
        """Where Keras learns what batches the data come in, and peeks into a generator: what it
        finds is read, nothing is consumed (Keras 3.5 to 3.15).
        """
        yield
        fit = None if run is None else run.state.get(STATE)
        if fit is not None:
            fit.read(inputs.read(call.instance))

    @around(subclasses(TRAINER, "Trainer", "evaluate"), covers=True)
    def evaluate(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where each class defines it; the validation inside `fit` is the fit's own."""
        yield
        found, link = following.maker(call.instance)
        given = following.given_to(call, "x")
        if found is None or given is None:
            return
        given = datasets.asked(found, given, self.kept)
        judged = Judgement(call, self.kept, found, given, link, ("y",))
        for name, value in logs_of(call).items():
            judged.number(name, value)

    @around(
        method(TRAINER, "Trainer", "_flatten_metrics_in_order"),
        nested="always",
    )
    def flattened(self, call: Call, run: Run | None) -> Iterator[None]:
        """What a list of results is made of, which has lost the names; on the one method that all
        backends make it with (Keras 3.5 to 3.15).
        """
        yield
        logs = call.arg("logs")
        if isinstance(logs, dict):
            _flattened[call.instance] = logs

    @around(subclasses(TRAINER, "Trainer", "predict", "predict_on_batch"), covers=True)
    def predict(self, call: Call, run: Run | None) -> Iterator[None]:
        """Remembers whose output an array is; hooked on the methods that make it, since the
        metric that is computed of it later sees only numbers.
        """
        yield
        found, link = following.maker(call.instance)
        given = None if found is None else following.given_to(call, "x")
        if found is not None and given is not None:
            given = datasets.asked(found, given, self.kept)
        following.remember(found, call.result, given, link, call.site)

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """No library's own hooks; what was remembered of models goes with the recording."""
        yield following.forget

    # -- parts -----------------------------------------------------------------------------

    def run_name(self, call: Call) -> str:
        """`Sequential`, `Functional mnist`, the name of an own class."""
        return params.title(call.instance)

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics)

    def describe(self, run: Run, call: Call) -> Collection[str]:
        """Params, the program's told apart from defaults, and tags; gives those of `fit`."""
        model = call.instance
        found, chosen = params.fit_params(call)
        for name in params.FOUND:
            if found.get(name) is None:
                found.pop(name, None)
        compiled, told = params.compile_params(model)
        listed = params.callback_params(call.arg("callbacks"))
        run.log_params({**found, **compiled, **listed}, chosen=chosen | told | listed.keys())
        run.set_tags(params.model_tags(model))
        return found.keys()

    def built(self, run: Run) -> Callable[[Any], None]:
        """What to say of the model when Keras has built it."""

        def say(model: Any) -> None:
            run.log_params(layers.counts(model), chosen=())
            if self.options.summary and not run.light:
                run.log_table("layers", layers.table(model))
                run.log_artifact(layers.text(model).encode(), "model_summary.txt")

        return say

    def reading(
        self, run: Run, told: inputs.Told | None, given: Collection[str]
    ) -> Callable[[dict[str, Any]], None]:
        """What to say of the data when Keras has looked at them."""

        def say(found: dict[str, Any]) -> None:
            effective = {"batch_size": "batch_size", "steps_per_epoch": "batches"}
            missing = {k: found[v] for k, v in effective.items() if v in found and k not in given}
            run.log_params(missing, chosen=())
            if told is not None:
                told.record(run, self.kept, {})

        return say

    def save(self, run: Run, call: Call) -> None:
        """The fitted model; its signature is that of its own inputs, else of the data's."""
        if not self.options.models:
            return
        model = call.instance
        told = signature_of(model)
        run.log_model(
            "model",
            model,
            flavor="keras",
            signature=told,
            data=call.arg("x") if told is None else None,
            target=call.arg("y") if told is None else None,
            save_redacted=self.options.save_redacted,
        )


def logs_of(call: Call) -> dict[str, float]:
    """What an evaluation found, by name, however it gave it back."""
    logs = call.result if isinstance(call.result, dict) else _flattened.pop(call.instance, {})
    return {str(name): value for name, value in logs.items() if epochs.is_number(value)}
