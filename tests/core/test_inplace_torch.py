"""torch's compilers and transforms work on functions hooked in place."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from autolog.wrapping import Ledger, as_internal_frame, wrap_function

torch = pytest.importorskip("torch", reason="torch is not installed")
F = torch.nn.functional

LOSSES = ("cross_entropy", "mse_loss", "l1_loss", "nll_loss", "binary_cross_entropy_with_logits")


@pytest.fixture
def calls() -> Iterator[list[tuple[Any, ...]]]:
    """The loss functions hooked; each driven call outside of compilers is noted."""
    ledger, noted = Ledger(), []

    @as_internal_frame
    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return wrapped(*args, **kwargs)
        noted.append(args)
        return wrapped(*args, **kwargs)

    for name in LOSSES:
        assert wrap_function(getattr(F, name), drive, ledger)
    yield noted
    ledger.undo()
    assert ledger.leftover() == []


class Loss(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(x, y)


def data() -> tuple[Any, Any]:
    x = torch.arange(12.0).reshape(4, 3).sin().requires_grad_()
    return x, torch.tensor([0, 1, 2, 0])


def test_plain_calls_and_modules(calls: list[Any]) -> None:
    x, y = data()
    assert F.cross_entropy(x, y).item() == torch.nn.CrossEntropyLoss()(x, y).item()
    F.cross_entropy(x, y).backward()
    assert x.grad is not None
    assert [args[:2] for args in calls] == [(x, y)] * 2 + [(x, y)]


def test_compile_fullgraph(calls: list[Any]) -> None:
    torch._dynamo.reset()
    x, y = data()
    made = torch.compile(Loss(), fullgraph=True, backend="eager")
    assert made(x, y).item() == F.cross_entropy(x, y).item()


def test_compile_of_any_hooked_function(calls: list[Any]) -> None:
    def user(x: Any, scale: float = 2.0) -> Any:
        return (x * scale).sum()

    @as_internal_frame
    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    torch._dynamo.reset()
    ledger = Ledger()
    wrap_function(user, drive, ledger)
    x, _ = data()
    for function in (user, lambda x: user(x, 3.0)):
        made = torch.compile(function, fullgraph=True, backend="eager")
        assert made(x).item() == function(x).item()
    ledger.undo()


def test_script(calls: list[Any]) -> None:
    x, y = data()
    scripted = torch.jit.script(Loss())
    assert scripted(x, y).item() == F.cross_entropy(x, y).item()
    assert "cross_entropy" in scripted.code
    assert torch.jit.script(F.mse_loss)(x, x).item() == 0.0


def test_trace(calls: list[Any]) -> None:
    x, y = data()
    traced = torch.jit.trace(Loss(), (x, y))
    assert traced(x, y).item() == F.cross_entropy(x, y).item()


def test_symbolic_trace(calls: list[Any]) -> None:
    x, y = data()
    traced = torch.fx.symbolic_trace(Loss())
    assert [node.target for node in traced.graph.nodes if node.op == "call_function"] == [
        F.cross_entropy
    ]
    assert traced(x, y).item() == F.cross_entropy(x, y).item()
    names = [n.name for n in torch.fx.symbolic_trace(F.mse_loss, {"reduction": "sum"}).graph.nodes]
    assert names[:2] == ["input_1", "target"]


def test_export(calls: list[Any]) -> None:
    x, y = data()
    exported = torch.export.export(Loss(), (x, y))
    assert exported.module()(x, y).item() == F.cross_entropy(x, y).item()


def test_vmap_of_grad(calls: list[Any]) -> None:
    x, y = data()
    grads = torch.func.vmap(torch.func.grad(lambda a, b: F.cross_entropy(a, b)))(x.detach(), y)
    assert grads.shape == (4, 3)
    assert torch.func.jacrev(lambda a: F.mse_loss(a, a * 2))(x.detach()).shape == (4, 3)


def test_tensor_subclasses_override_it(calls: list[Any]) -> None:
    seen = []

    class Mine(torch.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append(func)
            return super().__torch_function__(func, types, args, kwargs or {})

    x, y = data()
    F.cross_entropy(x.detach().as_subclass(Mine), y)
    assert F.cross_entropy in seen
    assert F.cross_entropy in torch.overrides.get_testing_overrides()


def test_warnings_point_at_the_same_line(calls: list[Any]) -> None:
    """`mse_loss` warns with `stacklevel=2` about shapes that differ."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        F.mse_loss(torch.zeros(3, 1), torch.zeros(3))
    assert [entry.filename for entry in caught] == [__file__]
