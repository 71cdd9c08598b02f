"""Keras 3: one run for each `fit`, with the course of its epochs as Keras tells it."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

from autolog import following
from autolog.following import datasets, results
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

from . import batches, epochs, inputs, layers, lineage, loops, params
from .captures import CAPTURES
from .checkpoints import Checkpoints
from .epochs import STATE, Fit
from .models import signature_of


@dataclasses.dataclass
class KerasOptions:
    """What is captured of Keras; each also a variable `AUTOLOG_KERAS__<OPTION>`."""

    models: bool = option(True, "Save the fitted model with its run, as a `.keras` archive.")
    save_redacted: bool = option(
        False, "Save a model even if its params held a secret, which the model then holds too."
    )
    checkpoint: str = option(
        "",
        "`best:val_loss` keeps the weights of the epoch that was best by that number, and of the "
        "last, as `checkpoints/best.weights.h5` and `last.weights.h5`.",
    )
    datasets: bool = option(True, "Describe the data: shape, types, digests.")
    statistics: bool = option(True, "Add statistics and class counts to datasets.")
    summary: bool = option(True, "Keep the model's layers as a table and as text.")
    log_every_n_steps: int = option(
        0, "Record the logs of every so many training batches, as `batch_<name>`; 0: of none."
    )


BEGUN = "keras.begun"

TRAINER = "keras.src.trainers.trainer"
LIST = "keras.src.callbacks.callback_list"
METRIC = "keras.src.metrics.metric"
MEASURED = "what result() of a metric of Keras gave back"
READER = "keras.src.trainers.epoch_iterator"

_flattened: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()
"""The newest logs of each model that were made a list."""


class Keras(Integration):
    """One run for each outermost `fit`; validation inside it is a part of it."""

    library: ClassVar[str] = "keras>=3.5"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES
    options: KerasOptions

    @around(subclasses(TRAINER, "Trainer", "fit"), opens_run=True, nested="join")
    def fit(self, call: Call, run: Run) -> Iterator[None]:
        """Hooked where each class defines it: the backend's trainer, and the program's own models
        that override it (Keras 3.5 to 3.15). The list of callbacks is left as it is.
        """
        self.listen(call, run)
        if not self.is_training(call):
            yield
            return
        model = call.instance
        self.standing.end(model)
        fit = self.begin(run, call) if of_keras(call) else None
        try:
            yield
        finally:
            if fit is not None:
                fit.over()
        if call.owner is None:
            if BEGUN not in run.state:  # a program's own `fit`, which never came to Keras's
                self.describe(run, call)
            lineage.trained(run, model)
            self.save(run, model, call)

    def is_training(self, call: Call) -> bool:
        """Whether this `fit` is what its run is about, and no part of one that is recorded.

        A program's own `fit` opens the run; what it hands on to Keras's is recorded there.
        """
        owner = call.owner
        if owner is not None and owner.entry.integration is self:
            same = owner.call.instance is call.instance
            return same and owner.run is not None and STATE not in owner.run.state
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

    @around(method(READER, "EpochIterator", "__init__"), nested="join")
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
        self.judge(call)

    @around(method(METRIC, "Metric", "__call__"), covers=True)
    def measure(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked so that what it computes of one batch is not taken for a result (as below)."""
        yield

    @around(subclasses(METRIC, "Metric", "result"))
    def measured(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where each class defines it, for loops of the program's own: what `fit` and
        `evaluate` ask their metrics is told by them (Keras 3.5 to 3.15).
        """
        yield
        if call.site is not None and call.site.callee() == "result":
            results.told(call, run, {results.name_of(call, "result"): call.result}, MEASURED)

    @around(subclasses(TRAINER, "Trainer", "train_on_batch", "test_on_batch"))
    def batch(self, call: Call, run: Run | None) -> Iterator[None]:
        """The calls on one model are one run, ended with the model or the program; hooked where
        the backend's trainer defines them (Keras 3.5 to 3.15).
        """
        if call.function.__name__ == "train_on_batch":
            yield from loops.step(self, call)
        else:
            yield
            self.judge(call)

    @around(method(TRAINER, "Trainer", "_flatten_metrics_in_order"), nested="always")
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
        following.predicted(call, self.kept, lineage.likeness, "x")

    def install(self, module: Any) -> Iterator[Callable[[], object]]:
        """No library's own hooks; what was remembered of models goes with the recording."""
        yield following.forget
        yield _flattened.clear

    # -- parts -----------------------------------------------------------------------------

    def run_name(self, call: Call) -> str:
        """`Sequential`, `Functional mnist`, the name of an own class."""
        return params.title(call.instance)

    @property
    def kept(self) -> datasets.Kept:
        """What the options let us record of data."""
        return datasets.Kept(self.options.datasets, self.options.statistics)

    def listen(self, call: Call, run: Run) -> None:
        """Hear of the batches too, if asked: where Keras itself is called, not a program's own."""
        if self.options.log_every_n_steps > 0 and of_keras(call) and not run.light:
            batches.listen(call, run, self.options.log_every_n_steps)

    def begin(self, run: Run, call: Call) -> Fit:
        """Record what is known of a fit before it, and have told what comes of it."""
        model = call.instance
        given = self.describe(run, call)
        run.state[BEGUN] = True
        told = inputs.Told(call) if inputs.own(call) else None
        reading = self.reading(run, told, given)
        run.state[STATE] = fit = Fit(run, model, lambda one: self.say_model(run, one), reading)
        if self.options.checkpoint and not run.light:
            fit.keeper = Checkpoints(run, self.options.checkpoint)
        lineage.continued(run, model)
        following.trained(model, run)
        return fit

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

    def say_model(self, run: Run, model: Any) -> None:
        """What there is to say of a model when Keras has built it."""
        run.log_params(layers.counts(model), chosen=())
        if self.options.summary and not run.light:
            run.log_table("layers", layers.table(model))
            run.log_artifact(layers.text(model).encode(), "model_summary.txt")

    def reading(
        self, run: Run, told: inputs.Told | None, given: Collection[str]
    ) -> Callable[[dict[str, Any]], None]:
        """What to say of the data when Keras has looked at them."""

        def say(found: dict[str, Any]) -> None:
            effective = {"batch_size": "batch_size", "steps_per_epoch": "batches"}
            missing = {k: found[v] for k, v in effective.items() if v in found and k not in given}
            run.log_params(missing, chosen=())
            if told is not None:
                told.record(run, self.kept, found)

        return say

    def judge(self, call: Call) -> None:
        """Record what an evaluation found on the run of its model, by the name of its data."""
        logs = self.logs(call)
        run, link = following.maker(call.instance, lineage.likeness)
        given = following.given_to(call, "x")
        if run is None or given is None:
            return
        given = datasets.asked(run, given, self.kept)
        judged = Judgement(call, self.kept, run, given, link, ("y",))
        for name, value in logs.items():
            judged.number(name, value)

    def logs(self, call: Call) -> dict[str, float]:
        """What a call found, by name, however it gave it back."""
        flat = _flattened.pop(call.instance, {})
        logs = call.result if isinstance(call.result, dict) else flat
        return {str(name): value for name, value in logs.items() if epochs.is_number(value)}

    def save(self, run: Run, model: Any, call: Call | None) -> None:
        """The fitted model; its signature is that of its own inputs, else of the data's."""
        if not self.options.models:
            return
        told = signature_of(model)
        data = None if call is None or told is not None else call.arg("x")
        run.log_model(
            "model",
            model,
            flavor="keras",
            signature=told,
            data=data,
            target=None if data is None or call is None else call.arg("y"),
            save_redacted=self.options.save_redacted,
        )


def of_keras(call: Call) -> bool:
    """Whether Keras's own method is called, not one that a program has put in its place."""
    return getattr(call.function, "__module__", "").startswith("keras.")
