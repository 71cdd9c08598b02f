"""Figures that take nothing from the program's matplotlib settings and leave no trace in them.

Only `matplotlib.figure.Figure` and its Agg canvas are used, imported when the first picture is
drawn: no pyplot, no backend, no open figure. Settings (`rcParams`) belong to all threads, so they
are not changed for a moment either: all that is seen is said for each figure.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..forking import ForkSafeLock
from ..quiet import OURS, quietly

INK = "#222222"
MUTED = "#666666"
FAINT = "#cccccc"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Told apart by people with any kind of colour vision (after Okabe and Ito, without yellow)."""

DPI = 150
HEADER = 0.62
"""Inches above the plots that the two lines of the title take."""
TICKS = 10
"""Labels that one axis has at most."""
LONGEST = 24
"""Letters of a label; of longer ones the middle is left out."""

Draw = Callable[[Any], None]
_one_at_a_time = ForkSafeLock()


def png(draw: Draw, heading: str, below: str, size: tuple[float, float] = (6.4, 4.6)) -> bytes:
    """The picture that `draw(figure)` makes, under two lines of title; `size` is in inches.

    Raises ImportError where there is no matplotlib.
    """
    with _one_at_a_time, quietly(), _quiet_fonts():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(
            figsize=size, dpi=DPI, facecolor="white", edgecolor="white", layout="constrained"
        )
        canvas: Any = FigureCanvasAgg(figure)
        top = 1 - HEADER / size[1]
        layout: Any = figure.get_layout_engine()
        layout.set(h_pad=0.08, w_pad=0.08, hspace=0.03, wspace=0.03, rect=(0, 0, 1, top))
        draw(figure)
        left, above = 0.12 / size[0], 1 - 0.12 / size[1]
        figure.text(left, above, heading, fontsize=11, color=INK, va="top", gid="bold")
        under = above - 0.24 / size[1]
        figure.text(left, under, shortened(below, 80), fontsize=8.5, color=MUTED, va="top")
        _say_all(figure)
        stream = io.BytesIO()
        canvas.print_png(stream)
        return stream.getvalue()


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Keep what matplotlib logs of its fonts and folders for us off the program's log."""
    loggers = [logging.getLogger(name) for name in ("matplotlib", "matplotlib.font_manager")]
    for logger in loggers:
        logger.addFilter(_not_ours)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_not_ours)


def _not_ours(record: logging.LogRecord) -> bool:
    return not OURS.get()


# -- parts of a figure -------------------------------------------------------------------------


def line(axes: Any, x: Any, y: Any, number: int = 0, **more: Any) -> Any:
    """A line in the colour of its number; a second round of the colours is dashed."""
    given = {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": ("-", "--", ":")[number // len(COLOURS) % 3],
        "linewidth": 1.6,
        "marker": "o" if len(x) <= 30 else "",
        "markersize": 3.5,
        **more,
    }
    return axes.plot(x, y, **given)[0]


def guide(axes: Any, x: Sequence[float], y: Sequence[float]) -> None:
    """A grey line to compare with."""
    axes.plot(x, y, color=FAINT, linestyle="--", linewidth=1.0, marker="", zorder=0)


def band(axes: Any, x: Any, middle: Any, width: Any, number: int) -> None:
    """What lies within `width` of a line on either side."""
    colour = COLOURS[number % len(COLOURS)]
    axes.fill_between(x, middle - width, middle + width, color=colour, alpha=0.15, linewidth=0)


def legend(axes: Any, place: str = "best") -> None:
    """What the lines are called."""
    axes.legend(
        loc=place, fontsize=8, labelcolor=INK, frameon=True, facecolor="white", edgecolor="none",
        framealpha=0.85, fancybox=False, shadow=False, title_fontsize=8,
    )  # fmt: skip


def named(axes: Any, x: str, y: str) -> None:
    """What the two axes show."""
    axes.set_xlabel(shortened(x, 60), fontsize=9, color=INK, labelpad=6, loc="center")
    axes.set_ylabel(shortened(y, 60), fontsize=9, color=INK, labelpad=6, loc="center")


def labelled(axis: Any, labels: Sequence[Any], *, most: int = TICKS) -> None:
    """Labels at 0, 1, 2, …; evenly thinned where they are many, slanted where long."""
    step = -(-len(labels) // most) or 1
    places = list(range(0, len(labels), step))
    texts = [shortened(labels[i]) for i in places]
    axis.set_ticks(places, labels=texts)
    if axis.axis_name == "x" and max(map(len, texts), default=0) * len(texts) > 45:
        for text in axis.get_ticklabels():
            text.set(rotation=40, ha="right", rotation_mode="anchor")


def logarithmic(axis: Any, values: Any) -> bool:
    """Scale an axis by decades where its values, all above zero, span three or more."""
    wide = len(values) > 2 and min(values) > 0 and max(values) >= 1000 * min(values)
    if wide:
        (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)("log")
    return wide


def shortened(label: Any, most: int = LONGEST) -> str:
    """A label in one line, its middle left out where it is long."""
    text = f"{label:.6g}" if type(label) is float else " ".join(str(label).split())
    keep = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - keep]}…{text[-keep:]}"


# -- nothing from the settings -----------------------------------------------------------------


def _say_all(figure: Any) -> None:
    """Say of everything in the figure what would else come from the program's settings."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text

    for axes in figure.axes:
        _say_axes(axes)
    for artist in figure.findobj():
        artist.set_sketch_params(None)
        artist.set_path_effects([])
    # The fonts that the program chose come last, for letters that the first one lacks.
    family = ["DejaVu Sans", *rcParams["font.family"]]
    for text in figure.findobj(Text):
        weight = "bold" if text.get_gid() == "bold" else "normal"
        size = text.get_fontsize()
        font = FontProperties(
            family=family, style="normal", variant="normal", weight=weight, stretch="normal",
            size=size,
        )  # fmt: skip
        text.set(fontproperties=font, usetex=False, parse_math=False)


def _say_axes(axes: Any) -> None:
    axes.set_facecolor("white")
    axes.set_axisbelow(True)
    axes.grid(False, which="both")
    framed = axes.get_gid() == "framed"
    for side, spine in axes.spines.items():
        spine.set(visible=framed or side in ("left", "bottom"), color=FAINT, linewidth=0.8)
    axes.minorticks_off()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_tick_params(
            which="both", color=FAINT, labelcolor=INK, labelsize=8, length=3, width=0.8, pad=3,
            direction="out",
        )  # fmt: skip
        _fix_ticks(axis)
    if axes.get_label() != "<colorbar>":
        axes.tick_params(
            which="both", bottom=True, top=False, left=True, right=False,
            labelbottom=True, labeltop=False, labelleft=True, labelright=False,
        )  # fmt: skip


def _fix_ticks(axis: Any) -> None:
    """Give an axis of numbers its ticks as texts: formatters go by the settings."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

    if isinstance(axis.get_major_locator(), FixedLocator):
        return
    low, high = sorted(axis.get_view_interval())
    if axis.get_scale() == "log":
        places = _decades(low, high)
    else:
        whole = axis.get_gid() == "whole"
        locator = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10], integer=whole)
        places = [float(place) for place in locator.tick_values(low, high)]
    slack = (high - low) * 1e-6
    places = [place for place in places if low - slack <= place <= high + slack]
    axis.set_ticks(places, labels=[_number(place) for place in places])
    (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(*axis.get_view_interval())


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = -(-(last - first) // TICKS) or 1
    return [10.0**power for power in range(first, last + 1, step)]


def _number(value: float) -> str:
    return f"{round(value, 12):.6g}".replace("-", "−")
