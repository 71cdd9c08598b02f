"""joblib's batches of tasks: what workers send home, told to whoever listens to a `Parallel`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

Listener = Callable[[int, Sequence[Any]], None]

_listeners: weakref.WeakKeyDictionary[Any, Listener] = weakref.WeakKeyDictionary()
_firsts: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
"""For each batch of a `Parallel` that is listened to: the number of its first task."""


def listen(parallel: Any, tell: Listener) -> Callable[[], None]:
    """Have `tell(number of the first, results)` called for each batch that comes back to
    `parallel` from workers, in whatever order and thread, until the returned callable is called.

    Results are told before `parallel` hands them out. What it computes by itself, one task after
    the other, is told to nobody.
    """
    _listeners[parallel] = tell

    def stop() -> None:
        _listeners.pop(parallel, None)

    return stop


def heard(batch: Any, args: Sequence[Any]) -> bool:
    """Whether a method of a batch is called for somebody who listens; quickly no for others."""
    if not _listeners:
        return False
    return batch in _firsts or (len(args) == 3 and args[2] in _listeners)


def given_out(batch: Any, size: int, parallel: Any) -> None:
    """A batch of `size` tasks goes to a worker."""
    _firsts[batch] = parallel.n_dispatched_tasks - size


def came_back(batch: Any, results: Any) -> None:
    """A batch has come back with its results, or with an error, which is told to nobody."""
    first, tell = _firsts.pop(batch, None), _listeners.get(batch.parallel)
    if first is not None and tell is not None and isinstance(results, list | tuple):
        tell(first, results)
