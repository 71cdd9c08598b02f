"""What objects that measure come to, as the program asks them: it joins the training's run.

For libraries whose metrics gather batches and are asked for the result, as torchmetrics and Keras.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..callsite import parse
from ..integration import Call
from ..live import Run
from .predictions import training_here

STATE = "results"
COMMON = re.compile(
    r"^(?:self|m|metrics?|train_metrics?|val_metrics?|test_metrics?|meter|fn)$", re.I
)
"""Names of variables that do not say what is measured; the metric's class does."""
PART = re.compile(r"(?:^|_)(train|valid|val|test|eval)(?:$|_)|^(train|valid|val|test)", re.I)
ENDING = re.compile(r"_metrics?$", re.I)
MOST_VALUES = 64


def told(call: Call, opened: Run | None, results: Mapping[str, Any], rule: str) -> None:
    """Record numbers that metrics have come to, with the part of the data that is gone through."""
    run = training_here()
    run = opened if run is None or (run.ended and opened is not None) else run
    if run is None:
        return
    training = run.state.get("training")
    step, part = training() if training is not None else (None, "")
    for key, result in results.items():
        name = key if PART.search(key) or not part else f"{part}_{key}"
        for title, value in _values(name, result):
            _point(run, title, value, step, call, rule)


def name_of(call: Call, asked: str) -> str:
    """What the metric is called whose method `asked` was called: by its variable, or its class."""
    kind = type(call.instance).__name__
    holder = _holder(call, asked)
    if isinstance(holder, ast.Subscript) and isinstance(holder.slice, ast.Constant):
        return str(holder.slice.value)
    name = str(getattr(holder, "attr", getattr(holder, "id", "")))
    if name and not COMMON.search(name):
        return ENDING.sub("", name)
    part = PART.search(name)
    return f"{(part[1] or part[2]).lower()}_{kind}" if part is not None else kind


def _holder(call: Call, asked: str) -> ast.expr | None:
    """The expression whose method is called, if the program calls it itself."""
    site = call.site
    text = site.call_text() if site is not None and site.callee() == asked else None
    try:
        node = parse(text or "None", "eval").body
    except SyntaxError:
        return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.value
    return None


def _values(name: str, result: Any) -> Iterator[tuple[str, float]]:
    """The numbers of a result: one, one for each class, or several by name."""
    if isinstance(result, dict):
        for key, one in result.items():
            yield from _values(f"{name}_{key}", one)
    elif type(result) in (int, float):
        yield name, result
    elif _is_here(result):
        count = int(result.numel() if hasattr(result, "numel") else result.size)
        if count == 1:
            yield name, result.item()
        elif result.ndim == 1 and count <= MOST_VALUES:
            yield from ((f"{name}_{i}", one) for i, one in enumerate(result.tolist()))


def _is_here(result: Any) -> bool:
    """Whether it is an array whose numbers lie in the host's memory: nothing is waited for."""
    if getattr(result, "ndim", None) is None or "complex" in str(getattr(result, "dtype", "")):
        return False
    if hasattr(result, "detach"):
        return bool(result.device.type == "cpu")
    if type(result).__name__ == "ArrayImpl":  # of JAX; what it traces is none
        return all(device.platform == "cpu" for device in result.devices())
    return type(result).__module__ == "numpy"


def _point(run: Run, name: str, value: float, step: int | None, call: Call, rule: str) -> None:
    keys = run.state.setdefault(STATE, {})
    info = None
    if name not in keys:
        keys[name] = run.unique("series", name)
        info = {"rule": rule, **({} if step is None else {"unit": "optimizer step"})}
        if call.site is not None:
            info.update({"call": call.site.call_text() or "", "site": str(call.site)})
    run.point(keys[name], value, step, info)
