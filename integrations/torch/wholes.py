"""Data without a loader: the tensor that the model is called with, or the one it is a part of.

Known by the program's own variable: `model(X_train)` where no loop assigns `X_train` anew, and
`model(X[i : i + 32])` or `batch = X[index]` of such an `X`.
"""

from __future__ import annotations

import ast
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from autolog.following import datasets
from autolog.following.naming import Given

from . import configs
from .frames import users, variables

if TYPE_CHECKING:
    from .forwards import Forward
    from .training import Training


def described(training: Training, forward: Forward, kept: datasets.Kept) -> None:
    """Say of what shape the batches are, or, where there is no loader, what the data are."""
    run, tensor = training.run, forward.inputs[0][1]
    batch = f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
    if training.first_data is not None:
        key, facts = training.first_data
        run.fact("dataset", key, {**facts, "batch": batch})
    elif training.data:
        datasets.add(run, {"batch": batch})
    elif kept.described and not run.light:
        found = _found(forward.frame, tensor)
        if found is not None and run.wants("dataset", found[0]):
            name, data = found
            extra = {} if data is tensor else {"batch": batch}
            datasets.trained_on(run, Given(data, name), kept, extra=extra)


def _found(frame: FrameType, tensor: Any) -> tuple[str, Any] | None:
    """The variable that holds all of the data, and the data.

    What a function was given as a parameter is looked for where it was called.
    """
    for one in users(frame):
        held, code = variables(one), one.f_code
        names = [key for key, value in held.items() if value is tensor]
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        whole = [key for key, value in held.items() if value is tensor._base is not None]
        if names and names[0] in given and not whole:
            continue
        assigned = _assigned_in_loops(one) if names or whole else {}
        if not whole and names:
            name = names[0]
            whole = _picked_from(assigned[name]) if name in assigned else names
        if whole and whole[0] not in assigned and _is_data(held.get(whole[0]), tensor):
            return whole[0], held[whole[0]]
        if names or code.co_name == "<module>":
            return None
    return None


def _is_data(value: Any, tensor: Any) -> bool:
    kind = type(value)
    plain = kind is torch.Tensor or kind.__name__ == "ndarray"
    return plain and value.ndim >= 1 and value.shape[0] >= (tensor.shape[0] if tensor.ndim else 1)


def _assigned_in_loops(frame: FrameType) -> dict[str, list[ast.expr | None]]:
    """What is given to which names in the loops round the line at which a frame is."""
    scope, line = configs.scope_at(frame), frame.f_lineno
    found: dict[str, list[ast.expr | None]] = {}
    for node, _ in configs.statements(scope, False) if scope is not None else ():
        if isinstance(node, ast.For | ast.While) and node.lineno < line <= (node.end_lineno or 0):
            for inner in (node, *(one for one, _ in configs.statements(node, True))):
                for name, value in configs.bound(inner):
                    found.setdefault(name, []).append(value)
    return found


def _picked_from(values: list[ast.expr | None]) -> list[str]:
    """`X` of `X[index]` or `X[i : i + 32].to(device)`, where all of them are of one `X`."""
    names = set()
    for value in values:
        while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            value = value.func.value
        whole = value.value if isinstance(value, ast.Subscript) else None
        names.add(whole.id if isinstance(whole, ast.Name) else "")
    return [] if "" in names or len(names) != 1 else list(names)
