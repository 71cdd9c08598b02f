"""torchmetrics: what a metric of the program's comes to joins the run of the training."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from autolog import following
from autolog.callsite import parse
from autolog.integration import Call, Captured, Integration, around, method, subclasses
from autolog.live import Run

STATE = "torchmetrics"
COMMON = re.compile(
    r"^(?:self|m|metrics?|train_metrics?|val_metrics?|test_metrics?|meter|fn)$", re.I
)
"""Names of variables that do not say what is measured; the metric's class does."""
PART = re.compile(r"(?:^|_)(train|valid|val|test|eval)(?:$|_)|^(train|valid|val|test)", re.I)
MOST_VALUES = 64
RULE = "what compute() of a metric of torchmetrics gave back"

CAPTURES = {
    "compute": (Captured("metric", "what a metric came to, by the step of the training"),),
    "collection": (Captured("metric", "each metric of a collection"),),
}


class Torchmetrics(Integration):
    """What `compute()` of a metric, or of a collection, gives back joins the training's run."""

    library: ClassVar[str] = "torchmetrics>=1"
    module: ClassVar[str] = "torchmetrics"
    captures: ClassVar[Mapping[str, tuple[Captured, ...]]] = CAPTURES

    @around(method("torchmetrics.metric", "Metric", "forward"), covers=True)
    def forward(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked so that what it computes of one batch is not taken for a result (torchmetrics
        1.0 to 1.9).
        """
        yield

    @around(subclasses("torchmetrics.metric", "Metric", "compute"))
    def compute(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked where each class defines it: the instance's own `compute` is made of it, and
        calls it once for all results that it keeps (torchmetrics 1.0 to 1.9).
        """
        yield
        name = _name(call)
        self._told(call, run, {name: call.result})

    @around(method("torchmetrics.collections", "MetricCollection", "forward"), covers=True)
    def collected(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked as `Metric.forward` is."""
        yield

    @around(method("torchmetrics.collections", "MetricCollection", "compute"), covers=True)
    def collection(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked for the names that a collection gives its metrics (torchmetrics 1.0 to 1.9)."""
        yield
        if isinstance(call.result, dict):
            self._told(call, run, call.result)

    def _told(self, call: Call, opened: Run | None, results: Mapping[str, Any]) -> None:
        run = following.training_here()
        run = opened if run is None or (run.ended and opened is not None) else run
        if run is None:
            return
        training = run.state.get("training")
        step, part = training() if training is not None else (None, "")
        for key, result in results.items():
            name = key if PART.search(key) or not part else f"{part}_{key}"
            for title, value in _values(name, result):
                _point(run, title, value, step, call)


def _name(call: Call) -> str:
    """What the metric is called: by its variable, else by its class."""
    kind = type(call.instance).__name__
    holder = _holder(call)
    if isinstance(holder, ast.Subscript) and isinstance(holder.slice, ast.Constant):
        return str(holder.slice.value)
    name = str(getattr(holder, "attr", getattr(holder, "id", "")))
    if name and not COMMON.search(name):
        return name
    part = PART.search(name)
    return f"{(part[1] or part[2]).lower()}_{kind}" if part is not None else kind


def _holder(call: Call) -> ast.expr | None:
    """The expression whose `compute` is called, if the program calls it itself."""
    site = call.site
    text = site.call_text() if site is not None and site.callee() == "compute" else None
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
    elif getattr(result, "ndim", None) is not None and hasattr(result, "detach"):
        if result.device.type != "cpu" or result.is_complex():
            return
        if result.numel() == 1:
            yield name, result.item()
        elif result.ndim == 1 and result.numel() <= MOST_VALUES:
            yield from ((f"{name}_{i}", one) for i, one in enumerate(result.tolist()))


def _point(run: Run, name: str, value: float, step: int | None, call: Call) -> None:
    keys = run.state.setdefault(STATE, {})
    info = None
    if name not in keys:
        keys[name] = run.unique("series", name)
        info = {"rule": RULE, **({} if step is None else {"unit": "optimizer step"})}
        if call.site is not None:
            info.update({"call": call.site.call_text() or "", "site": str(call.site)})
    run.point(keys[name], value, step, info)
