"""Keras's own archive of a model, packed in memory, without a trace in Keras or the model."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autolog.quiet import quietly

CONFIG = "config.json"
SAFE = ("keras", "keras.src", "builtins")
"""Modules, and packages, whose classes and functions loading may make."""


def packed(model: Any) -> bytes:
    """The bytes of `model.save("model.keras")`."""
    saving = sys.modules["keras.src.saving.saving_lib"]
    buffer = io.BytesIO()
    with _traceless():
        saving.save_model(model, buffer)
    return buffer.getvalue()


def weights(model: Any) -> bytes:
    """The bytes of `model.save_weights("model.weights.h5")`."""
    saving = sys.modules["keras.src.saving.saving_lib"]
    with tempfile.TemporaryDirectory(prefix="autolog-") as folder, _traceless():
        path = Path(folder, "model.weights.h5")
        saving.save_weights_only(model, path)
        return path.read_bytes()


@contextlib.contextmanager
def _traceless() -> Iterator[None]:
    """Undo what saving does to Keras's own state: it makes layers and metrics to look at them.

    Their names would count (the program's next model would be `sequential_2`), and so would the
    lists that it keeps of them.
    """
    tracker = sys.modules["keras.src.backend.common.global_state"].GLOBAL_STATE_TRACKER
    before = dict(vars(tracker))
    names = before.get("object_name_uids")
    counted = None if names is None else dict(names)
    try:
        with quietly():
            yield
    finally:
        for name in [name for name in vars(tracker) if name not in before]:
            delattr(tracker, name)
        for name, value in before.items():
            setattr(tracker, name, value)
        if names is not None:
            names.clear()
            names.update(counted)


# -- reading -----------------------------------------------------------------------------------


def strangers(content: bytes) -> Iterator[str]:
    """What an archive names that is not Keras's own, and whatever holds code."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read(CONFIG))
    yield from _strange(config)


def _strange(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _strange(one)
    if not isinstance(part, dict):
        return
    name = part.get("class_name")
    if isinstance(name, str) and "config" in part:
        module = part.get("module")
        if name in ("__lambda__", "Lambda", "__bytes__", "TorchModuleWrapper"):
            yield name
        elif not _known(module, part.get("registered_name")):
            yield f"{module}.{name}"
    for one in part.values():
        yield from _strange(one)


def _known(module: Any, registered: Any) -> bool:
    """Whether Keras itself, or what this program has registered with it, is named."""
    registry = sys.modules["keras.src.saving.object_registration"]
    if isinstance(registered, str) and registry.get_registered_object(registered) is not None:
        return True
    if module is None:
        return registered is None
    return isinstance(module, str) and (
        module in SAFE or module.startswith(("keras.src.", "keras."))
    )


def unpacked(keras: Any, content: bytes, *, safe: bool) -> Any:
    """The model in an archive."""
    handle, path = tempfile.mkstemp(suffix=".keras")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        return keras.saving.load_model(path, safe_mode=safe)
    finally:
        Path(path).unlink()
