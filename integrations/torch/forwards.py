"""One call of a model after its first step: what goes in and what comes out, in shapes and types.

The hook stands in torch's own table of global hooks, and only for as long as that call is awaited.
The program's modules have nothing on them that is pickled, copied or guarded by compiled code.
"""

from __future__ import annotations

import inspect
import json
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules import module as registry

from autolog.following import datasets

from . import wholes
from .driving import complain, is_compiling, silent
from .owners import unwrapped

KEY: Any = "autolog"
PATIENCE = 2000
"""Calls of other modules after which the model's is not awaited any longer."""
MOST = 32
"""Tensors of a call that are told."""

Named = list[tuple[str, Any]]


class Forward(NamedTuple):
    """One call: its tensors by name, those given and those given back, and where it was made.

    `placed` of the first were given by their place, all others by name.
    """

    inputs: Named
    outputs: Named
    frame: FrameType
    placed: int


Told = Callable[[Forward], None]


class Awaited:
    """The models whose next call is looked at."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[weakref.ref[nn.Module], Told]] = {}
        self._patience = 0

    def next_call(self, root: nn.Module, told: Told) -> None:
        """Have `told` called once, with the next call of `root` for which gradients are kept.

        A compiled model's wrapper is looked into where it keeps the compiled function, which it
        does not pickle. Where anything else is compiled nothing is done, for compiled code asks
        whether there are global hooks.
        """
        if type(root).__name__ == "OptimizedModule":
            _inside(root, told)
        elif not _compiling_somewhere():
            self._waiting[id(root)] = weakref.ref(root), told
            self._patience = PATIENCE
            registry._global_forward_hooks[KEY] = self._called
            registry._global_forward_hooks_with_kwargs[KEY] = True

    def forget(self) -> None:
        """Wait no longer."""
        self._waiting.clear()
        registry._global_forward_hooks.pop(KEY, None)
        registry._global_forward_hooks_with_kwargs.pop(KEY, None)

    def _called(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        if is_compiling():
            return
        known = self._waiting.get(id(module))
        if known is None:
            self._patience -= 1
            if self._patience < 0:
                self.forget()
        elif known[0]() is module and torch.is_grad_enabled() and not silent():
            self._waiting.pop(id(module), None)
            if not self._waiting:
                self.forget()
            _tell(known[1], module, args, kwargs, result, sys._getframe(1))


def _inside(root: nn.Module, told: Told) -> None:
    held = vars(root)
    original = held.get("forward")
    if original is None:
        return

    def forward(*args: Any, **kwargs: Any) -> Any:
        if held.get("forward") is forward:
            held["forward"] = original
        result = original(*args, **kwargs)
        if torch.is_grad_enabled() and not is_compiling():
            _tell(told, root, args, kwargs, result, sys._getframe(1))
        return result

    held["forward"] = forward


def _compiling_somewhere() -> bool:
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    backends = getattr(dynamo, "cached_backends", None) or {}
    return any(one is not None for one in backends.values())  # None stands for what is not compiled


def _tell(
    told: Told,
    module: nn.Module,
    args: Any,
    kwargs: Any,
    result: Any,
    frame: FrameType,
) -> None:
    try:
        inputs = list(_inputs(unwrapped(module), args, kwargs))[:MOST]
        outputs = list(_tensors("output", result))[:MOST]
        placed = len(args) if all(isinstance(one, torch.Tensor) for one in args) else 0
        told(Forward(inputs, outputs, frame, placed))
    except Exception as error:
        complain("torch.forward", error)


def _inputs(module: nn.Module, args: Any, kwargs: Any) -> Iterator[tuple[str, Any]]:
    names = _parameters(module)
    for i, value in enumerate(args):
        yield from _tensors(names[i] if i < len(names) else f"input_{i}", value)
    for name, value in kwargs.items():
        yield from _tensors(name, value)


def _parameters(module: nn.Module) -> list[str]:
    try:
        given = inspect.signature(type(module).forward).parameters.values()
    except (TypeError, ValueError):
        return []
    plain = [p.name for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return plain[1:]


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The tensors in a value by name; in lists by number, in mappings by key."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        yield from ((str(k), v) for k, v in value.items() if isinstance(v, torch.Tensor))
    elif isinstance(value, list | tuple):
        fields = getattr(value, "_fields", None) or [f"{name}_{i}" for i in range(len(value))]
        for key, one in zip(fields, value, strict=False):
            if isinstance(one, torch.Tensor):
                yield key, one


def told(training: Any, remains: Any, options: Any, forward: Forward) -> None:
    """A model of a training was called: its signature goes with what is kept of it.

    Both are weak references, since a call may be awaited for longer than they live.
    """
    here, kept = training(), remains()
    if here is None or kept is None or here.over or not forward.inputs:
        return
    kept.signature = signature(forward)
    kept.inputs = {name: one.detach().to("meta") for name, one in forward.inputs}
    kept.placed = forward.placed
    name = "signature" if len(here.kept) == 1 else f"signature_{kept.kind.__qualname__}"
    here.run.set_tag(name, shown(forward))
    if here.kept[0] is kept:
        wholes.described(here, forward, datasets.Kept(options.datasets, options.statistics))


# -- in MLflow's form --------------------------------------------------------------------------


def signature(forward: Forward) -> dict[str, str | None]:
    """`{"inputs", "outputs", "params"}`; the length of a batch is -1."""
    first = list(forward.inputs[0][1].shape) if forward.inputs else []
    batch = first[0] if first else None
    return {
        "inputs": json.dumps(_specs(forward.inputs, batch)),
        "outputs": json.dumps(_specs(forward.outputs, None)) if forward.outputs else None,
        "params": None,
    }


def _specs(tensors: Named, batch: int | None) -> list[dict[str, Any]]:
    found = []
    for name, tensor in tensors:
        shape, dtype = [int(length) for length in tensor.shape], _numpy_dtype(tensor)
        if shape and batch in (None, shape[0]):
            shape[0] = -1
        spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
        found.append({"name": name, **spec} if len(tensors) > 1 else spec)
    return found


def _numpy_dtype(tensor: Any) -> str:
    """The nearest type that NumPy has too."""
    name = str(tensor.dtype).removeprefix("torch.")
    return "float32" if name == "bfloat16" or name.startswith("float8") else name


def shown(forward: Forward) -> str:
    """`float32[-1, 28, 28] -> float32[-1, 10]`."""
    told = signature(forward)
    sides = [json.loads(told[part] or "[]") for part in ("inputs", "outputs")]
    return " -> ".join(", ".join(map(_shown, side)) for side in sides)


def _shown(spec: dict[str, Any]) -> str:
    tensor = spec["tensor-spec"]
    name = f"{spec['name']}: " if "name" in spec else ""
    return f"{name}{tensor['dtype']}{tensor['shape']}"
