"""What the program is about to reckon, reckoned from the same values in the same order.

Names, numbers, the four operations and a few functions; anything else is unknown. Tensors of one
number count as torch would: 32 bits stay 32 bits.
"""

from __future__ import annotations

import ast
import operator
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

LONGEST = 1_000_000
"""Items of a list that is summed."""


class Number(NamedTuple):
    """A number: of Python (`""`), or of a tensor of integers (`i`), 32 (`f`) or 64 bits (`d`)."""

    value: Any
    kind: str = ""
    derived: bool = False


class Result(NamedTuple):
    """A number that the program is about to have, and what it calls it."""

    name: str
    value: float
    text: str
    weak: bool = False
    """Whether the name says little of it."""


class Unknown(Exception):
    """The value of an expression cannot be told here."""


OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}  # fmt: skip
PLAIN: dict[str, Callable[..., Any]] = {
    "float": float,
    "int": int,
    "round": round,
    "abs": abs,
    "min": min,
    "max": max,
}
MATH = frozenset(("sqrt", "exp", "log", "log2", "log10"))
MEANS = frozenset(("mean", "average", "sum", "fmean"))
KEEPING = frozenset(("item", "cpu", "detach", "numpy", "tolist"))
KINDS = {
    torch.float32: "f",
    torch.float64: "d",
    torch.int64: "i",
    torch.int32: "i",
    torch.bool: "i",
}


class Reckoner:
    """Evaluates expressions over a frame's variables and what has been reckoned before.

    `sums` are the names that a loop has summed up; what comes of them is `derived`. `found` are
    variables that have been reckoned, `computed` calls whose values are known.
    """

    def __init__(
        self, local: Mapping[str, Any], globals_: Mapping[str, Any], sums: frozenset[str]
    ) -> None:
        self._local = local
        self._globals = globals_
        self._sums = sums
        self.found: dict[str, Number | None] = {}
        self.computed: dict[ast.AST, Number] = {}

    def number(self, node: ast.expr) -> Number:
        """The value of an expression; raises Unknown."""
        if isinstance(node, ast.Constant):
            return self._told(node.value, False)
        if isinstance(node, ast.Name):
            if node.id in self.found:
                known = self.found[node.id]
                if known is None:
                    raise Unknown
                return known
            return self._told(self.value(node), node.id in self._sums)
        if isinstance(node, ast.BinOp):
            return _operated(type(node.op), self.number(node.left), self.number(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.number(node.operand)
            return inner._replace(value=-inner.value)
        if isinstance(node, ast.Call):
            return self.computed[node] if node in self.computed else self._call(node)
        if isinstance(node, ast.Attribute | ast.Subscript):
            return self._told(self.value(node), self._summed(node))
        raise Unknown

    def _summed(self, node: ast.expr) -> bool:
        """Whether an attribute or item is of something that the loop adds to (`meter.avg`)."""
        while True:
            if title_of(node) in self._sums:
                return True
            if not isinstance(node, ast.Attribute | ast.Subscript):
                return False
            node = node.value

    def _told(self, value: Any, derived: bool) -> Number:
        if type(value) in (int, float):
            return Number(value, "", derived)
        if type(value) is torch.Tensor and value.numel() == 1 and value.device.type == "cpu":
            kind = KINDS.get(value.dtype)
            if kind is not None:
                return Number(value.item(), kind, derived)
        if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0:
            kind = getattr(value.dtype, "char", "")
            return Number(value.item(), "f" if kind == "f" else "", derived)
        raise Unknown

    def value(self, node: ast.expr) -> Any:
        """An object of the program: a variable, an attribute that is in its `__dict__`, an item.

        Raises Unknown.
        """
        if isinstance(node, ast.Name):
            if node.id in self._local:
                return self._local[node.id]
            if node.id in self._globals:
                return self._globals[node.id]
        elif isinstance(node, ast.Attribute):
            held = getattr(self.value(node.value), "__dict__", {})
            if node.attr in held:
                return held[node.attr]
        elif isinstance(node, ast.Subscript):
            holder = self.value(node.value)
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if key is None and isinstance(node.slice, ast.Name):
                key = self.value(node.slice)
            if type(holder) in (dict, list, tuple) and type(key) in (str, int):
                try:
                    return holder[key]
                except (KeyError, IndexError):
                    raise Unknown from None
        raise Unknown

    def _call(self, node: ast.Call) -> Number:
        function = node.func
        if node.keywords:
            raise Unknown
        if isinstance(function, ast.Name) and function.id not in self._local:
            if function.id == "len" and len(node.args) == 1:
                return Number(_length(self.value(node.args[0])))
            if function.id == "sum" and len(node.args) == 1:
                return self._of_list(sum, node.args[0])
            if function.id in PLAIN and function.id not in self._globals:
                given = [self.number(one) for one in node.args]
                value = PLAIN[function.id](*(one.value for one in given))
                return Number(value, "", any(one.derived for one in given))
        if isinstance(function, ast.Attribute):
            return self._method(function, node.args)
        raise Unknown

    def _method(self, function: ast.Attribute, args: list[ast.expr]) -> Number:
        name, holder = function.attr, function.value
        if not args and name in KEEPING:
            inner = self.number(holder)
            return inner._replace(kind="") if name in ("item", "tolist") else inner
        if not args and name in ("float", "double"):
            inner = self.number(holder)
            kind = "f" if name == "float" else "d"
            return Number(_rounded(float(inner.value), kind), kind, inner.derived)
        if not args and name == "mean":
            return self._mean(self.value(holder))
        module = getattr(self.value(holder), "__name__", "") if isinstance(holder, ast.Name) else ""
        if module in ("math", "numpy") and name in MATH and len(args) == 1:
            inner = self.number(args[0])
            if module == "numpy" and inner.kind:  # numpy takes a tensor's own precision
                raise Unknown
            try:
                value = getattr(self.value(holder), name)(inner.value)
            except (ArithmeticError, ValueError):
                raise Unknown from None
            return Number(float(value), "", inner.derived)
        if module in ("numpy", "statistics") and name in MEANS and len(args) == 1:
            return self._of_list(getattr(self.value(holder), name), args[0])
        raise Unknown

    def _mean(self, value: Any) -> Number:
        """The mean of a tensor, as torch has it."""
        if type(value) is not torch.Tensor or value.device.type != "cpu":
            raise Unknown
        if not value.is_floating_point() or not 0 < value.numel() <= LONGEST:
            raise Unknown
        return self._told(value.detach().mean(), False)

    def _of_list(self, function: Callable[[Any], Any], node: ast.expr) -> Number:
        values = self.value(node)
        if type(values) is not list or not values or len(values) > LONGEST:
            raise Unknown
        if not all(type(one) in (int, float) for one in values):
            raise Unknown
        result = function(values)
        derived = self._summed(node) or not self._sums  # a helper's own lists are what it is given
        return Number(result if type(result) in (int, float) else result.item(), "", derived)


def title_of(node: ast.expr) -> str:
    """`self.total` of an attribute, `total` of a name; nothing for all else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _length(value: Any) -> int:
    try:
        return len(value)
    except Exception:
        raise Unknown from None


def _operated(kind: type[ast.operator], one: Number, other: Number) -> Number:
    operation = OPERATIONS.get(kind)
    if operation is None:
        raise Unknown
    try:
        value = operation(one.value, other.value)
    except (ArithmeticError, TypeError, ValueError):
        raise Unknown from None
    result = _kind(kind, one, other)
    return Number(_rounded(value, result), result, one.derived or other.derived)


def _kind(kind: type[ast.operator], one: Number, other: Number) -> str:
    """torch's type of the result: that of the tensor, or 32 bits where integers are divided."""
    kinds = {one.kind, other.kind} - {""}
    if not kinds:
        return ""
    if "d" in kinds:
        return "d"
    fraction = kind is ast.Div or any(
        type(number.value) is float for number in (one, other) if number.kind in ("", "f")
    )
    return "f" if fraction or "f" in kinds else "i"


def _rounded(value: Any, kind: str) -> Any:
    return struct.unpack("f", struct.pack("f", value))[0] if kind == "f" else value
