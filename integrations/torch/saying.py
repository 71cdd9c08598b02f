"""When the program prints, logs or moves a progress bar, its numbers are looked at.

The last turn of a loop in a function ends with the function, and nobody tells us of that; but
before it the program says what the turn came to. What is written to the standard streams is not
read: it only tells when to look, and the call's source tells at what.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import passes, printing, readings, sources
from . import shown as showing_values
from .arithmetic import Number, Unknown
from .driving import clock, silent
from .frames import by_place, users, variables
from .helpers import Runner
from .names import named
from .readings import SHOWN
from .training import Training
from .turns import plan

if TYPE_CHECKING:
    from .scene import Scene

MOST_FRAMES = 4


class Streams:
    """The `write` of the standard streams, hooked as an attribute of the stream itself.

    `print`, the handlers of `logging` and progress bars ask the stream for it at each call (Python
    3.11 to 3.13). Hooked there since `print` is reached by every module's own name for it, and a
    stream that the program puts in place of another is its own.
    """

    def __init__(self, heard: Callable[[FrameType], None]) -> None:
        self._heard = heard
        self._hooked: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def listen(self) -> None:
        """Hook the streams that are there now, as far as they let us."""
        for stream in (sys.stdout, sys.stderr):
            known = self._hooked.get(id(stream))
            if known is None or known[0]() is not stream:
                with contextlib.suppress(AttributeError, TypeError):
                    self._hook(stream)

    def _hook(self, stream: Any) -> None:
        if "write" in vars(stream):  # somebody else's
            return
        write = _writing(weakref.ref(stream), type(stream).write, self._heard)
        stream.write = write
        self._hooked[id(stream)] = weakref.ref(stream), write

    def forget(self) -> None:
        """Give the streams their own `write` back, where it is still ours."""
        for held, write in self._hooked.values():
            stream = held()
            if stream is not None and vars(stream).get("write") is write:
                del stream.write
        self._hooked.clear()


def _writing(
    held: weakref.ref[Any], plain: Callable[[Any, Any], Any], heard: Callable[[FrameType], None]
) -> Callable[[Any], Any]:
    def write(text: Any, /) -> Any:
        try:
            written = plain(held(), text)
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise
        if "\n" in text or "\r" in text:
            heard(sys._getframe(1))
        return written

    return write


def heard(scene: Scene, frame: FrameType) -> None:
    """The program has written to a standard stream, by the call that `frame` is in."""
    if silent():
        return
    began = clock()
    noticed(scene, frame, showing=True)
    scene.spent += clock() - began


def noticed(scene: Scene, frame: FrameType | None, *, showing: bool = False) -> None:
    """A moment to look at the program's numbers has come: it says something (`showing`), saves."""
    training = scene.training
    if training is None or training.run.ended or scene.listening:
        return
    loop = scene.loop
    amidst = loop is not None and loop.iterator is not None and loop.iterator() is not None
    judging = amidst and loop is not None and not loop.steps
    scene.listening = True
    try:
        if not amidst:
            passes.close_if_left(scene, frame)
        look(training, frame, amidst=amidst, showing=showing and not judging)
    finally:
        scene.listening = False


class Said(NamedTuple):
    """What a call shows: names in it, and what it is given with the text before each.

    `bare` are the names that are given as they are, not in an expression.
    """

    names: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    shown: tuple[tuple[str, ast.expr], ...] = ()


def look(training: Training, frame: FrameType | None, *, amidst: bool, showing: bool) -> None:
    """Write down what the program shows by the call that `frame`, a frame of anyone's, is in.

    In the midst of a loop over data (`amidst`) only that; else also what the turn under way, or
    the last turn of a loop that is over, has assigned before. Where nothing is shown, only what
    is assigned.
    """
    for number, one in enumerate(users(frame)):
        here, said = plan(one), _call(one)
        if (id(here.code), here.loop) in training.rounds:
            held = variables(one)
            readings.read_shown(training, one, said, held, amidst=amidst)
            if not number and showing:
                _expressions(training, one, said, held)
        elif not amidst:
            readings.read_ended(training, one)
        if showing and said.shown:
            showing = not showing_values.write(training, one, said.shown, amidst=amidst)
        if number == MOST_FRAMES:
            break


@by_place
def _call(frame: FrameType) -> Said:
    _, nodes = sources.nodes_at(frame)
    call = next((node for node in nodes if isinstance(node, ast.Call)), None)
    if call is None:
        return Said()
    call = showing_values.spelled_out(frame, call)
    given = [*call.args, *(word.value for word in call.keywords)]
    names = {
        node.id for one in given for node in ast.walk(one) if isinstance(node, ast.Name)
    }  # fmt: skip
    shown = tuple(printing.shown(call))
    bare = frozenset(node.id for _, node in shown if isinstance(node, ast.Name))
    return Said(frozenset(names), bare, shown)


def _expressions(training: Training, frame: FrameType, said: Said, held: Any) -> None:
    """Write down what is reckoned only to be shown, of sums that grow round the call."""
    sums = plan(frame).sums
    if not said.shown or not sums:
        return
    runner = Runner(held, frame.f_globals, frozenset(sums))
    for text, node in said.shown:
        number = _number(runner, node) if isinstance(node, ast.BinOp | ast.Call) else None
        name = printing.called(text, node, sums) or named(node)[0]
        if number is not None and number.derived and name:
            taken = training.series.get(name)
            if taken is not None and taken.of_losses:
                name = f"{name}_mean"
            rule = f"{SHOWN}: {ast.unparse(node)}"
            readings.write(training, name, float(number.value), training.step, rule)


def _number(runner: Runner, node: ast.expr) -> Number | None:
    try:
        return runner.number(node)
    except Unknown:
        return None
