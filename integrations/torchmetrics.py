"""torchmetrics: what a metric of the program's comes to joins the run of the training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from autolog.following import results
from autolog.integration import Call, Captured, Integration, around, method, subclasses
from autolog.live import Run

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
        results.told(call, run, {results.name_of(call, "compute"): call.result}, RULE)

    @around(method("torchmetrics.collections", "MetricCollection", "forward"), covers=True)
    def collected(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked as `Metric.forward` is."""
        yield

    @around(method("torchmetrics.collections", "MetricCollection", "compute"), covers=True)
    def collection(self, call: Call, run: Run | None) -> Iterator[None]:
        """Hooked for the names that a collection gives its metrics (torchmetrics 1.0 to 1.9)."""
        yield
        if isinstance(call.result, dict):
            results.told(call, run, call.result, RULE)
