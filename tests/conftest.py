"""What all tests share: strict mode, a clean process, nothing in the user's home."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autolog

os.environ.setdefault("KERAS_BACKEND", "torch")
"""Keras reads it once, when it is imported; its own default needs TensorFlow."""


@pytest.fixture(autouse=True)
def clean_process(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Errors of ours are raised; no setting, key or hook of one test reaches the next."""
    for name in [name for name in os.environ if name.startswith("AUTOLOG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOLOG_STRICT", "1")
    for name in ("config", "cache"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path_factory.getbasetemp() / name))
    yield
    if "autolog.api" in sys.modules:
        autolog.disable()
    if "autolog.reporting" in sys.modules:
        sys.modules["autolog.reporting"].clear_notes()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder for a local store that does not exist yet."""
    return tmp_path / "autolog-runs"
