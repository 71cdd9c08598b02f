"""The model as a program of `torch.export`, on request: what runs it needs none of its classes.

torch traces the model's own `forward` for that, with tensors that have no values.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import torch

from autolog.live import Run
from autolog.reporting import note

from . import rebuilding, structure

if TYPE_CHECKING:
    from .weights import Remains

FILE = "exported.pt2"


def export(run: Run, remains: Remains, model: Any) -> None:
    """Export a model whose call was seen; why it cannot be is noted for `doctor`, and a tag.

    A twin of the model is traced, which shares its tensors: the model is not put into evaluation.
    """
    name = run.unique("artifact", FILE)
    try:
        if not remains.inputs:
            raise ValueError("no call of it was seen")
        run.log_artifact(_exported(model, remains), name)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        run.set_tag("not_exported", f"{type(error).__name__}: {reason}")
        note("torch.export", f"of {type(model).__qualname__} failed: {reason}")


def _exported(model: Any, remains: Remains) -> bytes:
    tensors: dict[str, Any] = {}
    twin = rebuilding.rebuild(structure.describe(model, tensors), tensors).eval()
    given = {name: torch.zeros_like(one, device="cpu") for name, one in remains.inputs.items()}
    batch = next(iter(given.values())).shape[:1]
    shapes = {
        name: {0: torch.export.Dim.AUTO} if batch and one.shape[:1] == batch else {}
        for name, one in given.items()
    }
    first = list(given)[: remains.placed]
    named = {name: one for name, one in given.items() if name not in first}
    dynamic: Any = (*(shapes[name] for name in first), *(shapes[name] for name in named))
    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.no_grad():
        warnings.simplefilter("ignore")
        args = tuple(given[name] for name in first)
        program = torch.export.export(twin, args, named, dynamic_shapes=dynamic)
        torch.export.save(program, stream)
    return stream.getvalue()
