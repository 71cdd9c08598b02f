"""A number that the program computes of a prediction or a model: its name, its run, its proof."""

from __future__ import annotations

import contextlib
import functools
import inspect
import weakref
from collections.abc import Sequence
from typing import Any

from ..callsite import Site
from ..integration import Call
from ..live import Run
from . import datasets, naming
from .datasets import Kept
from .naming import Given
from .predictions import Link

CLOCK = "clock"
"""Under it a run's state tells the step of what is computed while it goes on, and its unit."""


class Judgement:
    """What a call gave, the run that it belongs to, and how that is known (`link`).

    `given` are the data that were judged; `targets` the parameters that may hold their labels,
    which are described with them the first time. `data` is the name that they have in the run.
    """

    def __init__(
        self,
        call: Call,
        kept: Kept,
        run: Run,
        given: Given | None,
        link: Link | None,
        targets: Sequence[str] = (),
    ) -> None:
        self.call = call
        self.run = run
        self.link = link
        self.arguments = _arguments(call)
        self.data = "" if given is None else self._data(given, kept, targets)

    def _data(self, given: Given, kept: Kept, targets: Sequence[str]) -> str:
        name = next((one for one in targets if self.call.arg(one) is not None), None)
        target, target_name = None, None
        if name is not None and not datasets.knows(self.run, given):
            target, target_name = self.call.arg(name), naming.name_of(self.call, name)
        return datasets.key_of(self.run, given, kept, target, target_name)

    def number(self, name: str, value: Any) -> None:
        """Record a number as `<name>_<data>`, with the call that gave it and its place."""
        key, count = self.key(name)
        site = self.call.site
        facts = {
            **({} if site is None else _told(site)),
            "link": self.link,
            "args": self.arguments or None,
        }
        info = {k: v for k, v in facts.items() if v is not None}
        step, unit = self.run.state.get(CLOCK, (count or None, None))
        self.run.point(key, value, step, info if unit is None else {**info, "unit": unit})

    def key(self, name: str) -> tuple[str, int]:
        """`accuracy_score_X_test`, and how often it was computed before.

        The same call again (a loop) is the next point of its series; another call, or another way
        of averaging in the same one, is `accuracy_score-2_X_test`.
        """
        state = self.run.state.setdefault("metrics", {})
        ways = tuple(v for v in self.arguments.values() if isinstance(v, str | bool))
        site = self.call.site
        place = (str(site), site.code if site is not None else None, ways)
        with datasets.of(self.run).lock:
            places = state.setdefault((name, self.data), {})
            number, count = places.get(place, (len(places) + 1, 0))
            places[place] = number, count + 1
        title = name if number == 1 else f"{name}-{number}"
        return (f"{title}_{self.data}" if self.data else title), count


@functools.lru_cache(maxsize=1024)
def _told(site: Site) -> dict[str, str | None]:
    """How a call stands in the source, read once for each place."""
    return {"call": site.call_text(), "site": str(site)}


def _arguments(call: Call) -> dict[str, Any]:
    """The arguments that say how the metric is computed, where they are not the defaults.

    Plain values as they are, functions by name, arrays (weights) by class.
    """
    found = {}
    for name, default in _settings(call.function):
        value = call.arg(name, default)
        if value is not default and (type(value) not in _PLAIN or value != default):
            known = type(value) in _PLAIN
            found[name] = value if known else getattr(value, "__name__", type(value).__name__)
    return found


_PLAIN = (bool, int, float, str, type(None))
_defaults: weakref.WeakKeyDictionary[Any, tuple[tuple[str, Any], ...]] = weakref.WeakKeyDictionary()


def _settings(function: Any) -> tuple[tuple[str, Any], ...]:
    """The parameters of a metric function beside the two that take the data, with defaults."""
    try:
        return _defaults[function]
    except (KeyError, TypeError):
        pass
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    found = tuple((p.name, p.default) for p in named if p.default is not p.empty)
    with contextlib.suppress(TypeError):
        _defaults[function] = found
    return found
