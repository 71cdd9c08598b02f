"""Tables of a run as pictures: drawn on request alone, with matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..live import Run, columns_of, without_secrets
from ..reporting import guarded, note, say

WEIGHTS = f"{__name__}.weights", "weights"
"""Bars for the weightiest of some features: columns `feature` and one or more of numbers."""


def draw(
    run: Run,
    name: str,
    columns: Mapping[str, Any],
    look: tuple[str, str] = WEIGHTS,
    heading: str = "Feature importance",
    *,
    below: str = "",
    size: tuple[float, float] = (6.4, 5.2),
) -> None:
    """Draw a table as the file `<name>.png` of the run, which a light run has none of.

    `look` names the module and the function that draws: `function(figure, columns)`. Below the
    heading stands the run's name, then `below`. What cannot be drawn is told, and nothing else is
    lost.
    """
    if run.light:
        return
    with guarded(f"drawing {name}"):
        below = " · ".join(filter(None, (run.name, below)))
        content = _picture(look, columns, heading, below, size)
        if content is not None:
            run.log_artifact(content, f"{name.replace('/', '_')}.png")


def _picture(
    look: tuple[str, str],
    columns: Mapping[str, Any],
    heading: str,
    below: str,
    size: tuple[float, float],
) -> bytes | None:
    clean = without_secrets(columns_of(columns))
    if not any(isinstance(column, list) and column for column in clean.values()):
        return None
    try:
        module, function = look
        figures, drawn = import_module(f"{__name__}.figures"), import_module(module)
        return bytes(
            figures.png(
                lambda figure: getattr(drawn, function)(figure, clean),
                heading,
                without_secrets(below),
                size,
            )
        )
    except ImportError as error:
        note("plots", f"nothing is drawn: {error}")
        say(
            f"plots: matplotlib cannot be imported ({error}), so nothing is drawn; "
            "pip install 'autolog-ml[plots]'",
            once="plots",
        )
        return None
