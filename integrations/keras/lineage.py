"""Models that are trained again: which run trained them before, and what it made of them."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from autolog import following
from autolog.live import Run

LARGEST = 8_000_000
"""Bytes of weights beyond which they are not digested, some eight milliseconds."""

LEFT = "keras.weights"


def likeness(model: Any) -> bytes | None:
    """A digest of all weights, which copies share; None for large ones, or on an accelerator.

    They are read where they lie: nothing is copied from a device, and nothing is waited for.
    """
    found = hashlib.blake2b(digest_size=16)
    size = 0
    for variable in _weights(model):
        array = _array(variable)
        if array is None:
            return None
        size += array.nbytes
        if size > LARGEST:
            return None
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.digest() if size else None


def _weights(model: Any) -> Any:
    return model.weights if getattr(model, "built", False) else ()


def _array(variable: Any) -> Any:
    """The numbers of a variable in the computer's own memory; None for any other."""
    value: Any = getattr(variable, "_value", None)
    kind = type(value).__module__.partition(".")[0]
    if kind == "torch" and value.device.type == "cpu":
        return None if str(value.dtype) == "torch.bfloat16" else value.detach().numpy()
    if kind == "jaxlib" and {one.platform for one in value.devices()} == {"cpu"}:
        return sys.modules["numpy"].asarray(value)
    if kind == "tensorflow" and value.device.endswith("CPU:0"):
        return value.numpy() if sys.modules["tensorflow"].executing_eagerly() else None
    return value if kind == "numpy" else None


def continued(run: Run, model: Any) -> None:
    """Name the run that trained this model before, if it is still what that training made."""
    before, _ = following.maker(model, likeness)
    if before is None or before is run:
        return
    digest, left = likeness(model), before.state.get(LEFT)
    if digest is None or left is None or digest == left:
        told = {"continued_from_model": digest.hex()} if digest is not None else {}
        run.set_tags({"continued_from": before.id, **told})
    else:
        run.set_tag("weights_changed_since", before.id)


def trained(run: Run, model: Any) -> None:
    """Note what the training has made, so that copies of it are known too."""
    digest = likeness(model)
    run.state[LEFT] = digest
    if digest is not None:
        run.set_tag("weights_digest", digest.hex())
    following.trained(model, run, digest)
