"""Following models beyond their training: whose output an array is, and what is made of it.

What every integration shares: which run trained a model, what the program calls its data, and to
which run a number belongs that is computed of a prediction. Everything is held by weak references.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..integration import Call
from . import datasets, finding, naming, predictions
from .datasets import Kept as Kept
from .naming import Given as Given
from .naming import given_to as given_to
from .predictions import maker as maker
from .predictions import remember as remember
from .predictions import tell_apart as tell_apart
from .predictions import trained as trained
from .predictions import training_here as training_here
from .predictions import trains_here as trains_here


def predicted(
    call: Call,
    kept: Kept,
    likeness: Callable[[Any], bytes | None],
    parameter: str | int | None = None,
) -> None:
    """Remember what `call`, which is over, made of the data that it was given as `parameter`.

    `likeness` is what copies of a model share, as for `maker`.
    """
    run, link = maker(call.instance, likeness)
    given = None if run is None else given_to(call, parameter)
    if run is not None and given is not None:
        given = datasets.asked(run, given, kept)
    remember(run, call.result, given, link, call.site)


def forget() -> None:
    """Forget all models, predictions and names, when the recording is switched off."""
    for part in (predictions, finding, naming):
        part.forget()
