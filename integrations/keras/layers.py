"""What a model is made of: its layers as a table and as text, its weights counted.

Read off the built layers. Keras's own `summary()` may trace the layers of the program's own
classes to learn their shapes, which is a call of the program's code.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any

DEEPEST = 8
OWN = (
    "keras.src.layers.core",
    "keras.src.layers.convolutional",
    "keras.src.layers.pooling",
    "keras.src.layers.normalization",
    "keras.src.layers.regularization",
    "keras.src.layers.reshaping",
    "keras.src.layers.merging",
    "keras.src.layers.activations",
    "keras.src.layers.rnn",
    "keras.src.layers.attention",
    "keras.src.layers.preprocessing",
)
"""Packages whose layers know their output's shape by arithmetic, without being called."""


def built(model: Any) -> bool:
    """Whether the model and every layer in it have their weights."""
    return all(one.built for one in model._flatten_layers())


def counts(model: Any) -> dict[str, int]:
    """How many numbers the model is trained on, and how many it holds."""
    trained, fixed = _size(model.trainable_weights), _size(model.non_trainable_weights)
    return {
        "total_params": trained + fixed,
        "trainable_params": trained,
        "non_trainable_params": fixed,
    }


def _size(weights: Any) -> int:
    return sum(math.prod(one.shape) for one in weights)


def table(model: Any) -> dict[str, list[Any]]:
    """Columns `name`, `class`, `output_shape`, `params`, `trainable`, a row for each layer."""
    rows = list(_rows(model, 0))
    names = ("name", "class", "output_shape", "params", "trainable")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _rows(model: Any, depth: int, prefix: str = "") -> Iterator[tuple[Any, ...]]:
    for layer in _parts(model):
        name = f"{prefix}{layer.name}"
        count = _size(layer.weights)
        yield name, type(layer).__qualname__, _shape(layer), count, bool(layer.trainable)
        if _is_model(layer) and depth < DEEPEST:
            yield from _rows(layer, depth + 1, f"{name}/")


def _parts(model: Any) -> Iterable[Any]:
    """Its layers; those of a trainer that is a plain layer are known by a method alone."""
    if _is_model(model):
        found: Iterable[Any] = model.layers
        return found
    return tuple(model._flatten_layers(include_self=False, recursive=False))


def _is_model(layer: Any) -> bool:
    return any(one.__module__ == "keras.src.models.model" for one in type(layer).__mro__)


def _shape(layer: Any) -> str:
    """The shape of what comes out, where Keras has noted it."""
    nodes = vars(layer).get("_inbound_nodes") or ()
    if nodes:
        shapes = [tuple(one.shape) for one in nodes[-1].output_tensors]
        return ", ".join(map(str, shapes))
    return _computed(layer)


def _computed(layer: Any) -> str:
    """The same from the shapes that a layer of Keras's own was built for."""
    built = vars(layer).get("_build_shapes_dict")
    method = getattr(type(layer), "compute_output_shape", None)
    if not built or not getattr(method, "__module__", "").startswith(OWN):
        return "?"
    with contextlib.suppress(Exception):
        return str(tuple(layer.compute_output_shape(**built)))
    return "?"


def text(model: Any) -> str:
    """The table as text, in the words of Keras's own summary."""
    found = table(model)
    cells = [("Layer (type)", "Output Shape", "Param #")]
    cells += [
        (f"{name} ({cls})", shape, f"{count:,}")
        for name, cls, shape, count in zip(
            found["name"], found["class"], found["output_shape"], found["params"], strict=True
        )
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}" for row in cells
    ]
    rule = "─" * len(lines[0])
    totals = counts(model)
    return "\n".join(
        (
            f'Model: "{model.name}"',
            lines[0],
            rule,
            *lines[1:],
            rule,
            f"Total params: {totals['total_params']:,}",
            f"Trainable params: {totals['trainable_params']:,}",
            f"Non-trainable params: {totals['non_trainable_params']:,}",
            "",
        )
    )
