"""The data of a fit, an evaluation, a prediction: what the program calls them, what they are."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from typing import Any

from autolog import following
from autolog.callsite import parse
from autolog.following import datasets, naming
from autolog.following.datasets import Kept
from autolog.following.naming import Given
from autolog.integration import Call
from autolog.live import Run

UNKNOWN = naming.UNKNOWN


def own(call: Call) -> bool:
    """Whether a fit has its data from the program, and not from another library's fit."""
    return call.owner is None or call.owner.call.instance is call.instance


def _outer(call: Call, parameter: str) -> tuple[Call, str | int]:
    """The call, and the place in it, by which the program handed the argument in.

    Its own `fit` may hand on what it is given: then its caller names the data.
    """
    value = call.arg(parameter)
    if call.owner is not None and value is not None:
        outer = call.owner.call
        places: list[tuple[Any, Any]] = [*enumerate(outer.args), *outer.kwargs.items()]
        for place, one in places:
            if one is value:
                return outer, place
    return call, parameter


def _name(call: Call, parameter: str) -> str | None:
    return naming.told(*_outer(call, parameter))


def _given(call: Call) -> Given | None:
    return following.given_to(*_outer(call, "x"))


class Told:
    """What a fit is given, with the program's names for it, read where the call stands."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.given = _given(call)
        self.target = _name(call, "y")
        self.weight = _name(call, "sample_weight")
        self.held_out = self._held_out()

    def _held_out(self) -> tuple[Given, Any, str | None] | None:
        """The validation data: theirs, their target and its name."""
        data = self.call.arg("validation_data")
        if isinstance(data, tuple | list) and data:
            names = parts_of(self.call.variable("validation_data"), len(data))
            target = names[1] if len(names) > 1 else None
            return naming.noted(data[0], names[0]), (*data, None)[1], target
        given = following.given_to(self.call, "validation_data") if data is not None else None
        return None if given is None else (given, None, None)

    def record(self, run: Run, kept: Kept, extra: Mapping[str, Any]) -> None:
        """Record the data that are trained on, then those that each epoch is judged by."""
        call = self.call
        extra = extra if rows_of(call.arg("x")) is None else {}
        if self.given is not None:
            datasets.trained_on(
                run,
                self.given,
                kept,
                target=call.arg("y"),
                target_name=self.target,
                weight=call.arg("sample_weight"),
                weight_name=self.weight,
                extra={**extra, **form(call.arg("x")), **weights_of_classes(call)},
            )
        if self.held_out is not None:
            given, target, name = self.held_out
            facts = form(given.data())
            datasets.key_of(run, given, kept, target, name, role="validation", extra=facts)
            given.let_go()
        elif self.given is not None and kept.described and not run.light:
            self._split(run, self.given.name, kept)

    def _split(self, run: Run, name: str, kept: Kept) -> None:
        """Record the rows that Keras takes off the end for `validation_split`; seen in place."""
        call, x, y = self.call, self.call.arg("x"), self.call.arg("y")
        share, rows = call.arg("validation_split", 0.0), rows_of(x)
        if not isinstance(share, float) or not 0 < share < 1 or not rows or not hasattr(x, "shape"):
            return
        first = math.floor(rows * (1 - share))
        run.log_dataset(
            "validation",
            _tail(x, first),
            _tail(y, first),
            name=f"{name}[{first}:]",
            target_name=self.target,
            statistics=kept.statistics,
        )


def batch(run: Run, call: Call, kept: Kept) -> None:
    """Record the first batch of a loop, of which nobody knows how many there will be."""
    given = following.given_to(call, "x")
    target = naming.told(call, "y")
    datasets.trained_on(run, given, kept, target=call.arg("y"), target_name=target, batch=True)


def weights_of_classes(call: Call) -> dict[str, Any]:
    """The weights of classes, which go with the data."""
    found = call.arg("class_weight")
    return {"class_weight": dict(found)} if isinstance(found, Mapping) else {}


def parts_of(text: str, count: int) -> list[str]:
    """The names of the parts of `(x_val, y_val)`; of a variable that holds them, the variable's."""
    try:
        tree = parse(text, "eval").body
    except SyntaxError:
        return [UNKNOWN] * count
    if isinstance(tree, ast.Tuple | ast.List) and len(tree.elts) == count:
        return [ast.get_source_segment(text, one) or ast.unparse(one) for one in tree.elts]
    return [text, *[f"{text}[{i}]" for i in range(1, count)]]


def _tail(data: Any, first: int) -> Any:
    return getattr(data, "iloc", data)[first:] if hasattr(data, "shape") else None


# -- what they are -----------------------------------------------------------------------------


def rows_of(data: Any) -> int | None:
    """How many rows it has; of a dict or list of arrays, those of the first."""
    if isinstance(data, Mapping):
        data = next(iter(data.values()), None)
    if isinstance(data, list | tuple):
        if data and hasattr(data[0], "shape"):
            data = data[0]
        else:
            return len(data)
    shape = getattr(data, "shape", None)
    try:
        return int(shape[0]) if shape else None
    except (TypeError, IndexError, ValueError):
        return None


def form(data: Any) -> dict[str, Any]:
    """What a loader or a dataset says of itself, without a step of it."""
    kind = type(data)
    found: dict[str, Any] = {}
    if _is(kind, "torch.utils.data.dataloader", "DataLoader"):
        inner = data.dataset
        found = {"batch_size": data.batch_size, "of": type(inner).__qualname__}
        tensors = vars(inner).get("tensors")
        if isinstance(tensors, tuple):
            found["parts"] = [_spec(one) for one in tensors]
    elif hasattr(kind, "element_spec"):
        found = {"parts": [_spec(one) for one in _flat(data.element_spec)]}
    return {key: value for key, value in found.items() if value is not None}


def _is(kind: type, module: str, name: str) -> bool:
    return any(one.__module__ == module and one.__name__ == name for one in kind.__mro__)


def _flat(parts: Any) -> Iterator[Any]:
    if isinstance(parts, Mapping):
        parts = list(parts.values())
    if isinstance(parts, tuple | list):
        for one in parts:
            yield from _flat(one)
    elif parts is not None:
        yield parts


def _spec(part: Any) -> dict[str, Any]:
    shape = getattr(part, "shape", ())
    known = getattr(shape, "rank", 0) is not None  # TensorFlow may not know how many axes
    sizes = [None if one is None else int(one) for one in shape] if known else None
    dtype = getattr(part, "dtype", "")
    return {"shape": sizes, "dtype": str(getattr(dtype, "name", dtype)).rpartition(".")[2]}


# -- what Keras makes of them ------------------------------------------------------------------


def read(iterator: Any) -> dict[str, Any]:
    """`batch_size`, `batches`, `rows` and the form of a batch, as Keras's own reader found them."""
    adapter = iterator.data_adapter
    size, held = adapter.batch_size, vars(adapter)
    found: dict[str, Any] = {"batch_size": size, "batches": iterator.num_batches}
    first = held.get("_first_batches")  # of a generator, which Keras has peeked into
    if isinstance(first, list | tuple) and first:
        found["parts"] = [_spec(one) for one in _flat(first[0])]
        if size is None and found["parts"] and found["parts"][0]["shape"]:
            found["batch_size"] = found["parts"][0]["shape"][0]
    elif size is None:  # a PyDataset makes its own batches, and mostly keeps how large they are
        own_size = vars(held.get("py_dataset", adapter)).get("batch_size")
        own_size = _batched(held.get("_dataset")) if own_size is None else own_size
        found["batch_size"] = own_size if type(own_size) is int else None
    elif found["batches"] is not None:
        found["rows"] = _rows(found["batches"], size, held, iterator.steps_per_epoch)
    return {name: value for name, value in found.items() if value is not None}


SAME = ("Prefetch", "Options", "Cache", "Repeat", "Take", "Skip", "Shuffle")
"""What may be done to a dataset of TensorFlow's and leaves its batches as large as they are."""


def _batched(dataset: Any) -> int | None:
    """What a dataset of TensorFlow's was batched by, where it is made so in the end."""
    while hasattr(type(dataset), "element_spec"):
        size = vars(dataset).get("_batch_size")
        if size is not None:
            return int(size)
        if not any(word in type(dataset).__name__ for word in SAME):
            return None
        dataset = vars(dataset).get("_input_dataset")
    return None


def _rows(batches: int, size: int, held: Mapping[str, Any], steps: int | None) -> int:
    """How many rows an epoch has; the last batch may be a part of one."""
    part = held.get("_partial_batch_size")
    return batches * size - (size - part if part and not steps else 0)
