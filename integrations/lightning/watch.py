"""What is heard of Lightning, and what is made of it."""

from __future__ import annotations

import contextlib
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autolog import following
from autolog.callsite import user_frame
from autolog.context import pauses
from autolog.integration import Call
from autolog.live import Run
from autolog.session import share_run, shared_settings
from autolog.wrapping import external_caller, wrap_function

from ..torch import configs, schedules, sources
from . import data, describing, evaluating, outcomes, processes, signing
from .driving import lean
from .fitting import STATE, Fit

if TYPE_CHECKING:
    from . import Lightning


class Watch:
    """The fits of this process that are recorded, by the `id` of their trainers.

    Attributes:
        listening: Whether what a logger is told now comes from somebody else than Lightning.
    """

    def __init__(self, integration: Lightning) -> None:
        self.integration = integration
        self.listening = False
        self._fits: dict[int, Fit] = {}
        self._fresh: dict[int, Any] = {}
        self._tuned: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()

    def install(self, ledger: Any) -> Iterator[Callable[[], object]]:
        """Put the lean hooks on; each is noted in `ledger`, whose undo is yielded."""
        package = self.integration.package
        place = f"{package}.trainer.connectors.logger_connector"
        connector = import_module(f"{place}.logger_connector")._LoggerConnector
        results = import_module(f"{place}.result")._ResultCollection
        put = partial(self._put, ledger)
        put(connector.on_batch_start, before=self._batch)
        put(results.metrics, after=self._metrics)
        put(connector.update_train_step_metrics, after=self._stepped)
        put(connector.log_metrics, before=self._logs, after=self._logged, failed=self._silent)
        yield ledger.undo
        yield self._fits.clear

    def _put(self, ledger: Any, function: Any, **told: Any) -> None:
        place = f"{self.integration.name}.{function.__name__}"
        wrap_function(function, lean(place, self._idle, **told), ledger)

    def _idle(self) -> bool:
        return not self._fits or bool(pauses.get())

    # -- at each step ----------------------------------------------------------------------

    def _batch(self, args: Any) -> None:
        trainer = args[0].trainer
        fit = self._fits.get(id(trainer))
        if fit is not None and trainer.training and fit.tuning == 0:
            began = time.perf_counter_ns()
            fit.batch(trainer, args[1])
            fit.run.overhead += time.perf_counter_ns() - began

    def _metrics(self, args: Any, result: Any) -> None:
        if args[1] and args[0].training:
            self._fresh[id(args[0])] = result["log"]

    def _stepped(self, args: Any, result: Any) -> None:
        trainer = args[0].trainer
        fresh = self._fresh.pop(id(trainer.fit_loop.epoch_loop._results), None)
        fit = self._fits.get(id(trainer))
        if fit is not None and fresh and fit.tuning == 0:
            began = time.perf_counter_ns()
            fit.step(trainer, fresh)
            fit.run.overhead += time.perf_counter_ns() - began

    def _logs(self, args: Any) -> None:
        self.listening = False

    def _logged(self, args: Any, result: Any) -> None:
        self.listening = True
        fit = self._fits.get(id(args[0].trainer))
        if fit is not None and fit.tuning == 0:
            began = time.perf_counter_ns()
            fit.logged(args[0], args[1], args[2])
            fit.run.overhead += time.perf_counter_ns() - began

    def _silent(self) -> None:
        self.listening = True

    # -- a fit -----------------------------------------------------------------------------

    def begin(self, call: Call, run: Run) -> Fit:
        """A fit is called: nothing is set up yet."""
        options, trainer = self.integration.options, call.instance
        fit = run.state[STATE] = Fit(run, trainer, options.log_every_n_steps)
        fit.names = {role: data.named(call, role) for role in ("train", "validation")}
        if options.settings and not run.light:
            here = sys._getframe()
            told = configs.settings(here, configs.birth(here))
            run.log_params(told, chosen=told)
        module = self.integration.subject(call)
        describing.continued(run, module, call.arg("ckpt_path"))
        following.trained(module, run)
        found = self._tuned.pop(trainer, {})
        run.log_params(found, chosen=found)
        return fit

    def fit_of(self, run: Run | None, trainer: Any) -> Fit | None:
        """The fit of this trainer that feeds `run`."""
        fit = None if run is None else run.state.get(STATE)
        return fit if isinstance(fit, Fit) and fit.is_of(trainer) else None

    def starts(self, fit: Fit, trainer: Any) -> None:
        """All is set up."""
        module, options = trainer.lightning_module, self.integration.options
        describing.model(fit.run, module, summary=options.summary)
        describing.training(fit, trainer)
        fit.signature = signing.of_model(module)
        fit.saved = outcomes.Saved(fit.run)
        self._fits[id(trainer)] = fit
        self.listening = True

    def stops(self, fit: Fit, trainer: Any) -> None:
        """It is over, well or not."""
        self._fits.pop(id(trainer), None)
        self.listening = bool(self._fits)
        fit.over()
        fit.run.state[describing.LOGGED] = fit.logged_names
        outcomes.told(fit.run, trainer.callbacks)
        if fit.saved is not None:
            fit.saved.over(trainer)
        fit.run.point("global_step", trainer.global_step, None, {"call": "trainer.global_step"})

    def end(self, call: Call, run: Run, fit: Fit) -> None:
        """The fit has come back to the program, from whatever process it was in."""
        run.state.pop(STATE, None)
        error = call.error
        stopped = interruption(call.instance, error)
        module = self.integration.subject(call)
        if error is None or stopped is not None:
            following.trained(module, run, evaluating.likeness(module))
            if self.integration.options.models:
                signature = fit.signature or signing.of_model(module)
                run.log_model("model", module, flavor="torch", signature=signature)
        if stopped is not None:
            run.end("killed", stopped)

    def describe_data(self, fit: Fit, trainer: Any) -> None:
        """The loaders of a fit."""
        kept = self.integration.kept
        for role, given in (
            ("train", trainer.train_dataloader),
            ("validation", trainer.val_dataloaders),
        ):
            data.record(fit.run, given, role, fit.names.get(role, ""), trainer.datamodule, kept)

    # -- parts of it -----------------------------------------------------------------------

    def built(self, run: Run | None, call: Call) -> None:
        """An optimizer was built within a fit: how the program calls it."""
        fit = None if run is None else run.state.get(STATE)
        if isinstance(fit, Fit):
            frame = user_frame(external_caller(sys._getframe(1)))
            name = sources.made_as(frame) if frame is not None else ""
            fit.optimizers.setdefault(id(call.instance), name)

    def scheduled(self, run: Run | None, call: Call) -> None:
        """A scheduler is built within a fit; its base classes' constructors come later."""
        fit = None if run is None else run.state.get(STATE)
        if isinstance(fit, Fit) and id(call.instance) not in fit.schedulers:
            told = schedules.described(call)
            told.pop("scheduler", None)
            fit.schedulers[id(call.instance)] = told

    def saved(self, call: Call, run: Run | None) -> None:
        """A checkpoint was saved, within the fit or after it."""
        trainer = call.instance
        fit = self.fit_of(run, trainer)
        if fit is not None and fit.saved is not None and fit.tuning == 0:
            fit.saved.file(trainer, call.arg("filepath"))
        elif run is None and trainer.lightning_module is not None:
            before, _ = following.maker(trainer.lightning_module)
            if before is not None:
                outcomes.Saved(before).file(trainer, call.arg("filepath"))

    def restored(self, call: Call) -> None:
        """A module was made from a checkpoint: it is its run's."""
        from ..torch import checkpoints

        file = checkpoints.path_of(call.arg("checkpoint_path"))
        run = None if file is None else checkpoints.maker(checkpoints.digest_of(file))
        if run is not None:
            following.trained(call.result, run)

    def told(self, run: Run | None, call: Call) -> None:
        """A logger was told something by a callback or the program."""
        fit = None if run is None else run.state.get(STATE)
        if not isinstance(fit, Fit) or fit.tuning:
            return
        loggers = fit.loggers()
        if loggers and loggers[0] is call.instance:
            fit.told(call.arg("metrics"), call.arg("step"))

    # -- trying things out -----------------------------------------------------------------

    def aside(self, run: Run | None, call: Call) -> Iterator[None]:
        """What goes on in this call is no part of the training."""
        fit = None if run is None else run.state.get(STATE)
        if not isinstance(fit, Fit):
            yield
            return
        fit.tuning += 1
        try:
            yield
        finally:
            fit.tuning -= 1
        name = "lr_find" if "lr" in call.function.__name__ else "scale_batch_size"
        found = findings(name, call.result)
        fit.run.log_params(found, chosen=found)

    def tuned(self, call: Call) -> None:
        """What a `Tuner` found is told by the next fit of its trainer."""
        trainer = getattr(call.instance, "_trainer", None)
        if trainer is not None:
            known = self._tuned.setdefault(trainer, {})
            known.update(findings(call.function.__name__, call.result))

    # -- processes -------------------------------------------------------------------------

    def launched(self, run: Run | None, call: Call) -> None:
        """Lightning starts the processes of a fit; those that do not inherit it are told."""
        fit = None if run is None else run.state.get(STATE)
        if run is None or not isinstance(fit, Fit) or call.arg("start_method") == "fork":
            return
        every = self.integration.options.log_every_n_steps
        told = processes.Told(shared_settings(), share_run(run), every, dict(fit.names))
        call.args = (processes.Spawned(call.args[0], told), *call.args[1:])


def resume(run: Run, trainer: Any, told: processes.Told) -> None:
    """Be the process that trains for a run which another one has opened."""
    fit = run.state[STATE] = Fit(run, trainer, told.every)
    fit.names = dict(told.names)


def findings(name: str, result: Any) -> dict[str, Any]:
    """What a search came to, as params of the training that uses it."""
    if name == "scale_batch_size":
        return {} if result is None else {"scale_batch_size": result}
    if result is None:
        return {}
    with contextlib.suppress(Exception):
        best = getattr(result, "_optimal_idx", None)
        rates = result.results["lr"]
        told = {"lr_find_min_lr": result.lr_min, "lr_find_max_lr": result.lr_max}
        return {**told, **({} if best is None else {"lr_find": rates[best]})}
    return {}


def interruption(trainer: Any, error: BaseException | None) -> BaseException | None:
    """What stopped a fit from outside: Ctrl-C, which Lightning turns into an exit, or SIGTERM."""
    if error is None:
        status = getattr(trainer.state.status, "value", "")
        return KeyboardInterrupt() if status == "interrupted" else None
    if type(error).__name__ == "SIGTERMException":
        return error
    cause = error.__context__ if isinstance(error, SystemExit) else error
    return cause if isinstance(cause, KeyboardInterrupt) else None
