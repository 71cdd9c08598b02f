"""What a training is made of: its models, its optimizers, what it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from autolog.following import datasets

from . import loaders, workers
from .owners import parameters, unwrapped, walk
from .training import ByHand, Known, Training

if TYPE_CHECKING:
    from . import TorchOptions
    from .scene import Scene

MOST_LAYERS = 2000
INTERNAL = frozenset(
    ("params", "foreach", "capturable", "differentiable", "fused", "initial_lr", "param_names")
)
"""Settings of an optimizer's groups that say how it computes, not what, or are kept elsewhere."""


def title(models: Iterable[nn.Module]) -> str:
    """`Net`, `Generator+Discriminator`."""
    names = dict.fromkeys(
        type(unwrapped(model)).__qualname__.rpartition(".")[2] for model in models
    )
    return "+".join(list(names)[:4])


def opened(
    training: Training, options: TorchOptions, scene: Scene, models: list[nn.Module]
) -> None:
    """Everything that is known when the first step has been made."""
    run = training.run
    inner = [unwrapped(model) for model in models]
    run.log_params({**_models(inner), **({"loss_function": scene.loss} if scene.loss else {})})
    run.set_tags(placed(inner))
    together = workers.rank()
    if together is not None:
        run.set_tags({"rank": together[0], "world_size": together[1]})
    if not run.light:
        run.log_table("layers", layers(inner))
    if scene.loop is not None:
        loaders.train(training, scene.loop, datasets.Kept(options.datasets, options.statistics))


def placed(models: list[nn.Module]) -> dict[str, str]:
    """Classes of models, where they are, and torch's version."""
    return {
        "model_class": ", ".join(_class(model) for model in models),
        "torch_version": torch.__version__,
        "device": _devices(models),
        "dtype": _dtypes(models[0]),
    }


def _models(models: list[nn.Module]) -> dict[str, Any]:
    """The model's name and size; of several each one's below its own name."""
    if len(models) == 1:
        return dict(sizes(models[0], "model"))
    found: dict[str, Any] = {"model": title(models)}
    for model in models:
        found.update(sizes(model, f"model_{type(model).__qualname__.rpartition('.')[2]}"))
    return found


def sizes(model: nn.Module, name: str) -> Iterator[tuple[str, Any]]:
    """A model's class and its parameters, all and trainable ones."""
    yield name, type(model).__qualname__
    every = list(parameters(model))
    yield f"{name}_parameters", sum(_count(p) for p in every)
    yield f"{name}_trainable_parameters", sum(_count(p) for p in every if p.requires_grad)


def _count(parameter: Any) -> int:
    try:
        return int(parameter.numel())
    except (RuntimeError, ValueError):  # a lazy parameter that has no shape yet
        return 0


def _class(model: nn.Module) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _devices(models: list[nn.Module]) -> str:
    found = dict.fromkeys(str(p.device) for model in models for p in parameters(model))
    return ", ".join(list(found)[:8])


def _dtypes(model: nn.Module) -> str:
    found = dict.fromkeys(str(p.dtype).removeprefix("torch.") for p in parameters(model))
    return ", ".join(list(found)[:8])


def layers(models: list[nn.Module]) -> dict[str, list[Any]]:
    """A table of all modules that hold no others or have parameters of their own."""
    columns: dict[str, list[Any]] = {
        "layer": [], "class": [], "shapes": [], "parameters": [], "trainable": [], "settings": [],
    }  # fmt: skip
    for model in models:
        prefix = type(model).__qualname__ if len(models) > 1 else ""
        for name, module in walk(model, prefix):
            own = {
                k: p for k, p in (vars(module).get("_parameters") or {}).items() if p is not None
            }
            if (vars(module).get("_modules") and not own) or len(columns["layer"]) >= MOST_LAYERS:
                continue
            columns["layer"].append(name)
            columns["class"].append(type(module).__qualname__)
            columns["shapes"].append({k: _shape(p) for k, p in own.items()})
            columns["parameters"].append(sum(map(_count, own.values())))
            columns["trainable"].append(sum(_count(p) for p in own.values() if p.requires_grad))
            columns["settings"].append(_settings(module))
    return columns


def _shape(parameter: Any) -> list[int]:
    try:
        return list(parameter.shape)
    except RuntimeError:
        return []


def _settings(module: nn.Module) -> dict[str, Any]:
    """Plain attributes of torch's own layers: `in_features`, `kernel_size`, `p`."""
    if not type(module).__module__.startswith("torch.nn."):
        return {}
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in vars(module).items()
        if not key.startswith("_") and key != "training" and _plain(value)
    }


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_plain(one) for one in value)
    return isinstance(value, bool | int | float | str)


# -- optimizers --------------------------------------------------------------------------------


def settings(group: dict[str, Any]) -> dict[str, Any]:
    """What a group of parameters is told, as it is now."""
    return {key: _told(value) for key, value in group.items() if key not in INTERNAL}


def joined(training: Training, optimizer: Any, known: Known) -> None:
    """An optimizer's settings as it was built; the only one's under their own names.

    Where the program's own settings have another value of that name, `optimizer_` goes before it.
    """
    first = len(training.optimizers) == 1 and training.alone
    known.prefix = "" if first else _free(training, known)
    prefix = known.prefix
    by_hand = isinstance(optimizer, ByHand)
    kind = known.kind or ("by hand" if by_hand else type(optimizer).__qualname__)
    said = prefix and "optim" in known.name.lower()  # `optimizerD: Adam`
    name = prefix.removesuffix("_") if said else f"{prefix}optimizer"
    found: dict[str, Any] = {name: kind}
    groups = known.settings or [settings(group) for group in optimizer.param_groups]
    common = {
        **settings(getattr(optimizer, "defaults", {})),
        **(groups[0] if len(groups) == 1 else {}),
    }
    for key, value in common.items():
        other = training.told.get(prefix + key, value)
        found[prefix + key if other == value else f"{prefix}optimizer_{key}"] = value
    if len(groups) > 1:
        found[f"{prefix}param_groups"] = len(groups)
        for i, group in enumerate(optimizer.param_groups):
            own = groups[i] if i < len(groups) else settings(group)
            named = f"{prefix}group{group.get('name', i)}_"
            found[f"{named}parameters"] = sum(map(_count, group["params"]))
            found.update(_group(named, own, common))
    training.run.log_params(found)


def _group(prefix: str, own: dict[str, Any], common: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A group's learning rate, and what else differs from the optimizer's defaults."""
    for key, value in own.items():
        if key != "name" and (key == "lr" or value != common.get(key)):
            yield prefix + key, value


def _free(training: Training, known: Known) -> str:
    taken = {other.prefix for other in training.optimizers if other is not known}
    prefixes = [f"{known.name}_", *(f"{known.name}{i}_" for i in range(2, 100))]
    return next(prefix for prefix in prefixes if prefix not in taken)


def _told(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return float(value) if value.device.type == "cpu" and value.numel() == 1 else "tensor"
    return list(value) if isinstance(value, tuple) else value


def rates(training: Training, optimizer: Any, known: Known, step: int) -> None:
    """The learning rates of an optimizer's groups, where they are not what they were."""
    groups, before = optimizer.param_groups, known.rates
    if len(before) != len(groups):
        before = known.rates = [None] * len(groups)
    for i, group in enumerate(groups):
        rate = group.get("lr")
        if rate is before[i]:
            continue
        same = rate == known.rates[i]
        known.rates[i] = rate
        value = None if same else _told(rate)
        if isinstance(value, int | float):
            suffix = "" if len(groups) == 1 else f"_{group.get('name', i)}"
            key = f"{known.prefix}lr{suffix}"
            training.point(key, float(value), step, "lr of the optimizer's group")
