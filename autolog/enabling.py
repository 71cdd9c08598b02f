"""Turning the recording on and off in this process."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .reporting import guarded, note
from .settings import Settings, default_store

if TYPE_CHECKING:
    from .api import State
    from .engine import Engine
    from .integration import Integration
    from .recorder import Recorder

SESSION = "AUTOLOG_SESSION"

BUILT_IN = {
    "sklearn": "autolog.integrations.sklearn:Sklearn",
    "joblib": "autolog.integrations.joblib:Joblib",
    "mlflow": "autolog.integrations.mlflow:Mlflow",
    "xgboost": "autolog.integrations.xgboost:Xgboost",
    "lightgbm": "autolog.integrations.lightgbm:Lightgbm",
    "keras": "autolog.integrations.keras:Keras",
    "torch": "autolog.integrations.torch:Torch",
    "tensorboard": "autolog.integrations.tensorboard:Tensorboard",
    "tensorboardX": "autolog.integrations.tensorboard:TensorboardX",
    "torchmetrics": "autolog.integrations.torchmetrics:Torchmetrics",
    "lightning": "autolog.integrations.lightning:Lightning",
    "pytorch_lightning": "autolog.integrations.lightning:PytorchLightning",
    "skorch": "autolog.integrations.skorch:Skorch",
    "fastai": "autolog.integrations.fastai:Fastai",
    "transformers": "autolog.integrations.transformers:Transformers",
}
"""The project's own integrations by import name: a copy of its entry points (tested), since
reading all entry points costs milliseconds that a program without a library need not pay."""


def enable(state: State, settings: Settings) -> None:
    """Watch for the libraries; called again, only the settings change.

    Nothing heavy is imported and nothing is written here: the store opens with the first run.
    """
    apply(state, settings)
    if state.watcher is not None:
        hook_again(state)
        return
    clear_leftovers(state)
    from .importing import ImportWatcher

    join_session(state)
    os.environ[SESSION] = state.session or ""
    state.watcher = ImportWatcher()
    for name, path in BUILT_IN.items():
        if wanted(name, settings):
            state.watcher.watch(name, _installer(state, name, functools.partial(load, path)))
    state.watcher.on_first_foreign_import(lambda: _third_parties(state))


def hook_again(state: State) -> None:
    """Put the hooks on again that another tool took off together with its own."""
    with state.lock:
        clear_leftovers(state)
        if state.engine is not None:
            state.engine.placement.again()


def clear_leftovers(state: State) -> None:
    """Take off what a `disable` had to leave below another tool's patch, where that is gone."""
    for ledger in state.leftovers:
        ledger.undo()
    state.leftovers[:] = [ledger for ledger in state.leftovers if ledger.leftover()]


def check_options(given: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse options that the integration does not have, before anything is changed.

    Raises UsageError, also for an integration that nobody offers.
    """
    if not given:
        return
    from .options import resolve_options

    for name, options in given.items():
        resolve_options(name, _find(name).options_type(), options)


def check_kinds(settings: Settings) -> None:
    """Refuse `exclude=kind:…` where no integration knows such a kind; raises UsageError."""
    if not settings.exclusions.kinds:
        return
    from importlib.metadata import entry_points

    known: list[str] = []
    for entry in entry_points(group="autolog.integrations"):
        with contextlib.suppress(Exception):  # of an integration that is broken `doctor` tells
            known += entry.load().kinds
    settings.exclusions.check_kinds(known)


def _find(name: str) -> type[Integration]:
    if name in BUILT_IN:
        return load(BUILT_IN[name])
    from importlib.metadata import entry_points

    found = [entry.load() for entry in entry_points(group="autolog.integrations", name=name)]
    if not found:
        raise UsageError(f"autolog() has no integration {name!r}; it has: {', '.join(BUILT_IN)}")
    integration: type[Integration] = found[0]
    return integration


def apply(state: State, settings: Settings) -> None:
    """Make `settings` the ones in force for runs to come."""
    if not settings.backend:
        settings["backend"] = (str(default_store()),)
    if settings.policy:
        from .policy import keep_to_policies

        keep_to_policies(settings)
    state.settings = settings
    old = state.recorder
    if old is not None:
        if old.settings.backend == settings.backend:
            old.settings = settings
        else:
            state.retired.append(old)
            state.recorder = None
    if state.engine is not None:
        state.engine.reconfigure(recorder(state))


def recorder(state: State) -> Recorder:
    """The recorder of the settings in force, opened at the first need."""
    if state.recorder is None:
        from .recorder import Recorder

        join_session(state)
        assert state.settings is not None
        first = not (state.joined or state.opened)
        state.recorder = Recorder(state.settings, state.session or "", first=first)
        state.opened = True
        state.register_exit()
    return state.recorder


def join_session(state: State) -> None:
    """Be part of the session of the program that started this one, or begin a new one.

    A name or id for "the first run" is meant for the first program of a session alone.
    """
    if state.session is None:
        inherited = os.environ.get(SESSION)
        state.joined = bool(inherited)
        state.session = inherited or os.urandom(8).hex()


def wanted(name: str, settings: Settings) -> bool:
    """Whether the settings let this integration record."""
    return name not in settings.exclude and (not settings.only or name in settings.only)


def load(path: str) -> type[Integration]:
    """The class at `module:name`."""
    module, _, name = path.partition(":")
    loaded: type[Integration] = getattr(import_module(module), name)
    return loaded


def _installer(
    state: State, name: str, loader: Callable[[], type[Integration]]
) -> Callable[[Any], None]:
    def install(library: Any) -> None:
        with state.lock:
            if state.watcher is not None and state.settings is not None:
                engine(state).install(name, loader(), library)

    return install


def engine(state: State) -> Engine:
    """The engine of this enabling; the first library brings it to life."""
    if state.engine is None:
        from .context import carry
        from .engine import Engine

        assert state.watcher is not None
        state.engine = Engine(recorder(state), state.watcher)
        carry(state.engine.ledger, state.watcher)
    return state.engine


def _third_parties(state: State) -> None:
    """Watch for the libraries of integrations that other distributions offer."""
    from importlib.metadata import entry_points

    settings, watcher = state.settings, state.watcher
    if settings is None or watcher is None:
        return
    for entry in entry_points(group="autolog.integrations"):
        if entry.name not in BUILT_IN and wanted(entry.name, settings):
            watcher.watch(entry.name, _installer(state, entry.name, entry.load))


def disable(state: State) -> None:
    """Take all hooks off, end what is open, forget the session."""
    if state.watcher is not None:
        state.watcher.close()
        state.watcher = None
        if os.environ.get(SESSION) == state.session and not state.joined:
            del os.environ[SESSION]
    if state.engine is not None:
        state.engine.close()
        left = state.engine.ledger.leftover()
        if left:
            some = ", ".join(left[:3]) + (", …" if len(left) > 3 else "")
            note("disable", f"{len(left)} hooks pass through below another tool's patch: {some}")
        state.leftovers.append(state.engine.ledger)
        state.engine = None
    clear_leftovers(state)
    close(state)
    state.session = None


def close(state: State, error: BaseException | None = None) -> None:
    """End the open runs of every recorder and close the stores."""
    until = None
    for old in [*state.retired, *([state.recorder] if state.recorder is not None else [])]:
        until = until or time.monotonic() + old.settings.exit_timeout
        with guarded("closing the store"):
            old.close(error, until - time.monotonic())
    state.retired.clear()
    state.recorder = None


def program_error() -> BaseException | None:
    """The error that is ending the program, if one is."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None
