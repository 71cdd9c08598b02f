"""What a training was told: the Trainer's settings, hyperparameters, optimizers, callbacks."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autolog.values import plain, text_of

from ..torch import describing

Facts = dict[str, Any]

SETTINGS: Mapping[str, Any] = {
    "max_epochs": 1000,
    "min_epochs": 0,
    "max_steps": -1,
    "min_steps": None,
    "precision": "32-true",
    "accumulate_grad_batches": 1,
    "gradient_clip_val": None,
    "gradient_clip_algorithm": None,
    "limit_train_batches": 1.0,
    "limit_val_batches": 1.0,
    "val_check_interval": 1.0,
    "check_val_every_n_epoch": 1,
    "num_sanity_val_steps": 2,
    "log_every_n_steps": 50,
    "overfit_batches": 0.0,
    "fast_dev_run": False,
    "reload_dataloaders_every_n_epochs": 0,
    "num_nodes": 1,
    "world_size": 1,
}
"""Attributes of a Trainer that are params, and what they are where nobody has said anything."""

DEEPEST = 4
MOST = 400
OWN = ("TQDMProgressBar", "ModelSummary", "RichProgressBar", "RichModelSummary", "ProgressBar")
"""Callbacks that Lightning adds by itself, and which say nothing of the training."""


def trainer_params(trainer: Any) -> tuple[Facts, set[str]]:
    """The settings in force, and the names of those that are not Lightning's defaults."""
    found: Facts = {name: getattr(trainer, name, None) for name in SETTINGS}
    found = {name: value for name, value in found.items() if value is not None}
    told = {name for name in found if found[name] != SETTINGS[name]}
    found["accelerator"] = type(trainer.accelerator).__name__.removesuffix("Accelerator").lower()
    found["devices"] = trainer.num_devices
    found["strategy"] = strategy(trainer.strategy)
    if found["devices"] != 1:
        told.add("devices")
    if found["strategy"] != "single_device":
        told.add("strategy")
    if (seed := os.environ.get("PL_GLOBAL_SEED")) is not None:  # where `seed_everything` leaves it
        found["seed"] = int(seed) if seed.isdigit() else seed
        told.add("seed")
    return found, told


def strategy(one: Any) -> str:
    """`ddp_spawn`, as it is called where it was chosen, else `single_device` of its class."""
    named = vars(one).get("_strategy_name") or getattr(one, "strategy_name", None)
    start = vars(one).get("_start_method")
    kind = snake(type(one).__name__.removesuffix("Strategy"))
    name = named if isinstance(named, str) else kind
    return f"{name}_{start}" if start in ("spawn", "fork", "forkserver") else name


# -- hyperparameters ---------------------------------------------------------------------------


def hyperparameters(*holders: Any) -> Facts:
    """What `save_hyperparameters` kept of modules, nested ones as `optimizer.lr`."""
    found: Facts = {}
    for holder in holders:
        held = vars(holder).get("_hparams") if holder is not None else None
        if isinstance(held, Mapping):
            found.update(flat(held))
    return dict(list(found.items())[:MOST])


def configured(trainer: Any) -> Facts:
    """What a `LightningCLI` made the model and its data with."""
    found: Facts = {}
    for callback in trainer.callbacks:
        config = getattr(callback, "config", None)
        if type(callback).__name__ != "SaveConfigCallback" or config is None:
            continue
        told = config.as_dict()
        told = told.get(told.get("subcommand"), told) or told
        for part in ("model", "data"):
            section = told.get(part)
            if isinstance(section, Mapping):
                found.update(flat(section.get("init_args", section)))
    return dict(list(found.items())[:MOST])


def flat(held: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The items of nested mappings under dotted names."""
    for key, value in list(held.items()):
        name = f"{prefix}{key}"
        if str(key) in ("_instantiator", "_class_path"):
            continue
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {one.name: getattr(value, one.name, None) for one in dataclasses.fields(value)}
        if hasattr(value, "__dict__") and type(value).__name__ in ("Namespace", "SimpleNamespace"):
            value = vars(value)
        if isinstance(value, Mapping) and value and depth < DEEPEST:
            yield from flat(value, f"{name}.", depth + 1)
        else:
            yield name, described(value)


def described(value: Any) -> Any:
    """A plain value as it is; a function or class by name, an object by its class."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): described(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [described(one) for one in list(value)[:64]]
    if isinstance(value, type) or inspect.isroutine(value):
        return getattr(value, "__qualname__", type(value).__name__)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return type(value).__qualname__


# -- optimizers and schedulers -----------------------------------------------------------------


def optimizer_params(optimizer: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """`optimizer`, its settings, and those of each group where there are several."""
    yield f"{prefix}optimizer", type(optimizer).__qualname__
    groups = [describing.settings(group) for group in optimizer.param_groups]
    common = {**describing.settings(optimizer.defaults), **(groups[0] if len(groups) == 1 else {})}
    if groups and "initial_lr" in optimizer.param_groups[0]:  # what a scheduler has begun with
        common["lr"] = optimizer.param_groups[0]["initial_lr"] if len(groups) == 1 else common["lr"]
    for key, value in common.items():
        yield f"{prefix}{key}", value
    if len(groups) > 1:
        yield f"{prefix}param_groups", len(groups)
        for i, group in enumerate(optimizer.param_groups):
            named = f"{prefix}group{group.get('name', i)}_"
            yield f"{named}parameters", sum(one.numel() for one in group["params"])
            for key, value in groups[i].items():
                if key != "name" and (key == "lr" or value != common.get(key)):
                    yield named + key, group.get("initial_lr", value) if key == "lr" else value


def scheduler_params(config: Any, told: Facts, prefix: str) -> Iterator[tuple[str, Any]]:
    """`scheduler`, what it was `told` when it was built, and when Lightning steps it."""
    yield f"{prefix}scheduler", type(config.scheduler).__qualname__
    for name, value in told.items():
        yield f"{prefix}{name}", value
    yield f"{prefix}scheduler_interval", config.interval
    yield f"{prefix}scheduler_frequency", config.frequency
    if config.monitor is not None and (config.reduce_on_plateau or config.monitor != "val_loss"):
        yield f"{prefix}scheduler_monitor", config.monitor


def constructed(one: Any) -> Iterator[tuple[str, Any]]:
    """What a constructor was told, as far as the object keeps it under the same name."""
    held = vars(one) if hasattr(one, "__dict__") else {}
    try:
        names = list(inspect.signature(type(one).__init__).parameters)[1:]
    except (TypeError, ValueError):
        return
    for name in names:
        value = held.get(name, inspect.Parameter.empty)
        if value is not inspect.Parameter.empty and name != "verbose" and _tellable(value):
            yield name, described(value)


def _tellable(value: Any) -> bool:
    simple = value is None or isinstance(value, bool | int | float | str | list | tuple | dict)
    return simple or isinstance(value, os.PathLike) or inspect.isroutine(value)


# -- callbacks ---------------------------------------------------------------------------------


def callback_params(callbacks: Any) -> Facts:
    """`callbacks`, and of each its settings: `early_stopping_patience`, `model_checkpoint_mode`."""
    found: Facts = {}
    told = []
    for one in callbacks:
        kind = type(one).__qualname__
        if kind in OWN:
            continue
        settings = dict(_settings(one))
        shown = (f"{k}={text_of(plain(v), quoted=True)}" for k, v in settings.items())
        told.append(f"{kind}({', '.join(shown)})")
        prefix = snake(kind)
        count = sum(text.startswith(f"{kind}(") for text in told)
        prefix = prefix if count == 1 else f"{prefix}{count}"
        found.update({f"{prefix}_{name}": value for name, value in settings.items()})
    return {"callbacks": told, **found} if told else {}


def _settings(callback: Any) -> Iterator[tuple[str, Any]]:
    """Those that were chosen, or that say what is watched; all of the program's own."""
    own = not type(callback).__module__.startswith(("lightning.", "pytorch_lightning."))
    defaults = {
        p.name: p.default for p in inspect.signature(type(callback).__init__).parameters.values()
    }
    for name, value in constructed(callback):
        if name == "min_delta" and isinstance(value, int | float):
            value = abs(value)  # EarlyStopping turns its sign
        if own or name in ("monitor", "mode", "patience") or value != defaults.get(name):
            yield name, value


def snake(name: str) -> str:
    """`EarlyStopping` → `early_stopping`."""
    name = re.sub(r"\W+", "", name.rpartition(".")[2])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def prefixes(optimizers: list[Any], names: Mapping[int, str]) -> list[str]:
    """What stands before the params of each optimizer: nothing, if there is but one."""
    if len(optimizers) == 1:
        return [""]
    found: list[str] = []
    for i, one in enumerate(optimizers):
        name = f"{names.get(id(one)) or f'optimizer{i}'}_"
        found.append(name if name not in found else f"optimizer{i}_")
    return found
