"""The parts of a loss, each under its own name beside it: `loss = bce + beta * kld`.

Read at `backward` from the variables of the place, and from the loss functions that were called
for it since the last step. A part that neither knows is what is left of the loss without all
others, and says so.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from autolog.reporting import guarded

from . import sources, summands
from .arithmetic import Reckoner, Unknown
from .frames import variables
from .names import lost
from .summands import Term

if TYPE_CHECKING:
    from .losses import Place
    from .training import Training

MOST = 32
"""Parts of one loss."""
CHECKED = 8
"""First readings of a place whose sum is compared with the loss."""
RULE = "a part of the loss that backward() is called on"
BESIDE = "given back with the loss that backward() is called on"

Number = Callable[[Any], float | None]
Noted = dict[tuple[int, int], tuple[CodeType, float, int]]
"""Values of loss functions since the last step, by the place where they were called."""


class Plan:
    """How the parts of the loss at one place are read."""

    __slots__ = ("_spans", "calls", "checks", "core", "named", "rules", "terms")

    def __init__(self, core: ast.expr, terms: list[Term]) -> None:
        self.core = core
        self.named = [term for term in terms if term.table or term.beside]
        self.terms = [term for term in terms if not (term.table or term.beside)]
        self.calls = any(not term.held for term in self.terms)
        self.checks = CHECKED
        self.rules: dict[str, str] = {}
        self._spans: dict[tuple[int, int], sources.Span | None] = {}

    def read(self, frame: FrameType, tensor: Any, noted: Noted, number: Number) -> dict[str, float]:
        """The values of the parts by name; of those alone that are sure."""
        reckoner = Reckoner(variables(frame), frame.f_globals, frozenset())
        found: dict[str, float] = {}
        for term in self.named:
            found.update(self._several(term, reckoner, tensor, number))
        left: list[Term] = []
        total, sure = 0.0, True
        for term in self.terms:
            value = found.get(term.name)
            if value is None:
                value = self._value(term, reckoner, tensor, noted, number)
            if value is None:
                left.append(term)
                continue
            found[term.name] = value
            self.rules.setdefault(term.name, RULE)
            factor = _factor(term, reckoner)
            sure = sure and factor is not None
            total += value * (factor or 0.0)
        if self.terms and sure and (left or self.checks > 0):
            whole = number(_object(reckoner, self.core, tensor))
            return self._rest(found, left, whole, total, reckoner)
        return found

    def _value(
        self, term: Term, reckoner: Reckoner, tensor: Any, noted: Noted, number: Number
    ) -> float | None:
        if term.held:
            held = _object(reckoner, term.node, None)
            if held is not None and held is not tensor:
                return _read(held, number)
        return self._noted(term, noted) if term.call is not None else None

    def _several(
        self, term: Term, reckoner: Reckoner, tensor: Any, number: Number
    ) -> Iterator[tuple[str, float]]:
        """The numbers of a dictionary; or the one number beside the loss."""
        held = _object(reckoner, term.node, None)
        items = list(held.items())[:MOST] if isinstance(held, dict) else [(term.name, held)]
        rule = BESIDE if term.beside else RULE
        for key, one in items:
            value = _read(one, number) if type(key) is str and one is not tensor else None
            if value is not None:
                self.rules.setdefault(key, rule)
                yield key, value

    def _noted(self, term: Term, noted: Noted) -> float | None:
        """The value of the loss function that was called for a term, if it was called once."""
        assert term.call is not None
        code, span = term.call
        for key, (known, value, count) in list(noted.items()):
            if known is code and self._span(code, key) == span:
                del noted[key]
                return value if count == 1 else None
        return None

    def _span(self, code: CodeType, key: tuple[int, int]) -> sources.Span | None:
        if key not in self._spans:
            self._spans[key] = sources.span_at(code, key[1])
        return self._spans[key]

    def _rest(
        self,
        found: dict[str, float],
        left: list[Term],
        whole: float | None,
        total: float,
        reckoner: Reckoner,
    ) -> dict[str, float]:
        """With the one part that is not known; nothing, where the others are not the loss."""
        if whole is None or len(left) > 1:
            return found
        if not left:
            self.checks -= 1
            near = math.isclose(total, whole, rel_tol=1e-3, abs_tol=1e-6)
            return found if near or not math.isfinite(whole) else {}
        term = left[0]
        factor = _factor(term, reckoner)
        if factor and term.name and found:
            known = [f"{one.name}" for one in self.terms if one is not term]
            rule = f"what {ast.unparse(self.core)} is without {', '.join(known)}"
            self.rules.setdefault(term.name, rule)
            found[term.name] = (whole - total) / factor
        return found


def _read(value: Any, number: Number) -> float | None:
    return value if type(value) is float else number(value)


def _object(reckoner: Reckoner, node: ast.expr, otherwise: Any) -> Any:
    try:
        return reckoner.value(node)
    except Unknown:
        return otherwise


def _factor(term: Term, reckoner: Reckoner) -> float | None:
    """What a term is multiplied by, as a number; None where that cannot be told."""
    factor = 1.0
    try:
        for node, divides in term.factor:
            value = float(reckoner.number(node).value)
            factor = factor / value if divides else factor * value
    except (Unknown, ArithmeticError):
        return None
    return factor


def plan(frame: FrameType, number: int) -> Plan | None:
    """How the parts of what `backward` is called on in `frame` are read; None for no parts."""
    with guarded("torch.parts"):
        return _plan(frame, number)
    return None


def _plan(frame: FrameType, number: int) -> Plan | None:
    _, nodes = sources.nodes_at(frame)
    core = next((lost(node, number) for node in nodes if isinstance(node, ast.Call)), None)
    if core is None:
        return None
    reckoner = Reckoner(variables(frame), frame.f_globals, frozenset())
    context = summands.Context(frame.f_code, reckoner, True, frame.f_lineno)
    own = sources.title(core)
    found: dict[Any, Term] = {}
    for term in summands.summands(context, core):
        if (term.name and term.name != own) or term.table:
            found.setdefault(term.name, term)
    terms = list(found.values())[:MOST]
    several = len(terms) > 1 or any(term.table or term.beside for term in terms)
    return Plan(core, terms) if several else None


def note(noted: Noted, frame: FrameType | None, value: float | None) -> None:
    """Keep the value of a loss function that was called for a training, by its place."""
    if frame is None or value is None:
        return
    key = (id(frame.f_code), frame.f_lasti)
    known = noted.get(key)
    if len(noted) < 256:
        noted[key] = frame.f_code, value, 1 if known is None else known[2] + 1


def record(training: Training, place: Place, values: Mapping[str, float], step: int) -> None:
    """Write down the parts of one step's loss, each under its name.

    A name that is another series' already is put behind the loss's: `loss_bce`.
    """
    assert place.plan is not None
    for name, value in values.items():
        rule = place.plan.rules[name]
        for key in (name, f"{place.name}_{name}"):
            series = training.series.get(key)
            if series is None or (series.rule == rule and series.place in (None, place)):
                training.point(key, value, step, rule, place.site)
                training.series[key].place = place
                break
