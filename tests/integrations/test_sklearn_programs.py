"""Programs as people write them: the same with us and without, and what they would have logged."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import autolog


@pytest.mark.parametrize(
    "train",
    [
        lambda: Ridge().fit([[1.0]], ["a"]),
        lambda: Ridge().fit(),  # type: ignore[call-arg]
        lambda: make_pipeline(Ridge(alpha=-1)).fit([[1.0]], [1.0]),
    ],
    ids=["bad data", "bad call", "nested"],
)
def test_a_traceback_shows_no_frame_of_ours(train: Callable[[], Any]) -> None:
    plain = _told(train)
    autolog.autolog("memory:")
    assert _told(train) == plain


def _told(train: Callable[[], Any]) -> list[str]:
    with pytest.raises((TypeError, ValueError)) as caught:
        train()
    return traceback.format_exception(caught.value)
