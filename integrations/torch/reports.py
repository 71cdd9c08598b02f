"""On request: the numbers that the program itself shows, by `print`, a log or a bar's postfix.

Told from the text that is shown, so they are as exact as it is: `loss: 0.1234` gives
`reported_loss`. Each is a probable link, for what a number belongs to is told by its place alone.
"""

from __future__ import annotations

import builtins
import logging
import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from autolog.callsite import find_site, user_frame
from autolog.wrapping import Ledger, external_caller, wrap_function

from .driving import before_call, silent
from .training import STEP

if TYPE_CHECKING:
    from .scene import Scene

NUMBER = re.compile(
    r"(?<![\w.])([A-Za-z][A-Za-z_@/ .-]{0,30}?)\s*(?:[:=]\s*|\s)"
    r"(-?(?:\d+\.\d+(?:[eE][-+]?\d+)?|nan|inf))(?![\w.])"
)
"""A label and a fraction; whole numbers count epochs and batches as a rule."""
LONGEST = 500
MOST_NAMES = 64
MOST_POINTS = 10_000


class Reports:
    """What one enabling has been shown."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.points = 0

    def install(self, ledger: Ledger) -> Iterator[Callable[[], object]]:
        """Put the hooks on: on `print` by its name, on the method that handles log records."""
        yield self._print()
        handle = before_call("torch.reports", self.scene, self._logged)
        wrap_function(logging.Logger.handle, handle, ledger)
        bar = sys.modules.get("tqdm.std")
        if bar is not None:
            postfix = before_call("torch.reports", self.scene, self._postfix)
            wrap_function(bar.tqdm.set_postfix, postfix, ledger)

    def _print(self) -> Callable[[], object]:
        """`print` is no Python function: another stands in its place, under its name."""
        original = builtins.print

        def drive(*values: Any, **settings: Any) -> None:
            original(*values, **settings)
            if not silent():
                self._shown(" ".join(map(_text, values)), sys._getframe())

        drive.__name__ = drive.__qualname__ = "print"
        drive.__doc__ = original.__doc__
        builtins.print = drive

        def undo() -> None:
            if builtins.print is drive:
                builtins.print = original

        return undo

    def _logged(self, args: Any, kwargs: Any) -> None:
        record = args[1]
        given = record.args if type(record.args) is tuple else ()
        if not all(type(one) in (str, int, float, bool) for one in given):
            return
        text = record.msg % given if type(record.msg) is str and given else str(record.msg)
        self._shown(text, sys._getframe())

    def _postfix(self, args: Any, kwargs: Any) -> None:
        given = {**(args[1] if len(args) > 1 and type(args[1]) is dict else {}), **kwargs}
        shown = [f"{key}: {_text(value)}" for key, value in given.items()]
        self._shown(", ".join(shown), sys._getframe())

    def _shown(self, text: str, frame: FrameType | None) -> None:
        training = self.scene.training
        frame = user_frame(external_caller(frame)) if frame is not None else None
        if training is None or training.over or frame is None:
            return
        run = training.run
        keys: dict[str, str] = run.state.setdefault("torch.reports", {})
        for label, number in NUMBER.findall(text[:LONGEST]):
            name = "_".join(("reported", *re.findall(r"\w+", label.lower())[-3:]))
            info = None
            if name not in keys:
                if len(keys) >= MOST_NAMES:
                    continue
                keys[name] = run.unique("series", name)
                site = find_site(frame)
                info = {"unit": STEP, "rule": "as the program shows it", "link": "probable"}
                if site is not None:
                    info.update({"call": site.call_text() or "", "site": str(site)})
            self.points += 1
            if self.points <= MOST_POINTS:
                run.point(keys[name], float(number), training.step, info)


def _text(value: Any) -> str:
    """A value as it is shown, where that runs nothing of the program's own."""
    return str(value) if type(value) in (str, int, float, bool) else "…"
