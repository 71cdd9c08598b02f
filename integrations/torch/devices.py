"""Losses on an accelerator: kept there, and read in batches once they are there to be read.

To read a value is to wait for all that was asked of the device before it. So a loss is copied into
a slot of memory on the device, by the device, in its turn; the slots go to the computer's own
memory in one piece, and are looked at when that copy is known to be done. Only a run's end waits.
"""

from __future__ import annotations

import collections
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from .losses import Key, Place
    from .training import Known, Training

SLOTS = 256
PATIENCE = 0.5
"""Seconds after which slots are sent that are not all used."""


class Group:
    """The losses of one place in one step: `count` of them, of which `values` have been read."""

    __slots__ = ("again", "count", "key", "known", "place", "share", "step", "training", "values")

    def __init__(self, key: Key, place: Place) -> None:
        self.key = key
        self.place = place
        self.count = 0
        self.values: list[float] = []
        self.training: weakref.ref[Training] | None = None
        self.known: Known | None = None
        self.step = 0
        self.again = False
        self.share = 1.0

    @property
    def whole(self) -> bool:
        """Whether its step has been made and all its parts are here."""
        return self.training is not None and len(self.values) == self.count


class Batch(NamedTuple):
    """Slots on their way: to be read when `event` has come, or at once where there is none."""

    values: Any
    groups: list[Group]
    event: Any


class Ring:
    """The slots of one device, for numbers of one type."""

    def __init__(self, tensor: Any) -> None:
        self._slots = torch.empty(SLOTS, dtype=tensor.dtype, device=tensor.device)
        self._groups: list[Group] = []
        self._sent: collections.deque[Batch] = collections.deque()
        self._first = 0.0

    def put(self, tensor: Any, group: Group) -> None:
        """Copy a value into the next slot; nothing waits."""
        if not self._groups:
            self._first = time.monotonic()
        place = len(self._groups)
        self._slots[place : place + 1].copy_(tensor.detach().reshape(1), non_blocking=True)
        self._groups.append(group)
        group.count += 1
        if place + 1 == SLOTS or time.monotonic() - self._first > PATIENCE:
            self.send()

    def send(self) -> None:
        """Let the used slots come over; later values are written behind that copy."""
        if not self._groups:
            return
        count, there = len(self._groups), self._slots.device.type
        values = torch.empty(count, dtype=self._slots.dtype, pin_memory=there == "cuda")
        values.copy_(self._slots[:count], non_blocking=True)
        self._sent.append(Batch(values, self._groups, _event(self._slots.device)))
        self._groups = []

    def arrived(self, *, wait: bool = False) -> Iterator[tuple[Group, float]]:
        """The values that are here, in their order."""
        while self._sent:
            event = self._sent[0].event
            if wait and event is not None:
                event.synchronize()
            elif event is not None and not event.query():
                return
            batch = self._sent.popleft()
            yield from zip(batch.groups, batch.values.tolist(), strict=True)


def _event(device: Any) -> Any:
    kind = getattr(getattr(torch, device.type, None), "Event", None)
    if kind is None:  # the copy has waited
        return None
    event = kind()
    event.record()
    return event


class Devices:
    """What one thread's trainings have on devices, once they have `used` any."""

    def __init__(self) -> None:
        self._rings: dict[Any, Ring] = {}
        self._pending: dict[Key, Group] = {}
        self.used = False

    def note(self, key: Key, place: Place, tensor: Any) -> Group | None:
        """Keep a loss that `backward` is called on; nothing where a graph is being captured."""
        if tensor.is_cuda and torch.cuda.is_current_stream_capturing():
            return None
        stream = torch.cuda.current_stream(tensor.device) if tensor.is_cuda else None
        where = tensor.device, tensor.dtype, stream
        ring = self._rings.get(where)
        if ring is None:
            ring = self._rings[where] = Ring(tensor)
            self.used = True
        group = self._pending.get(key)
        if group is None:
            group = self._pending[key] = Group(key, place)
        ring.put(tensor, group)
        return group

    def stepped(self, training: Training | None, known: Known, *, again: bool) -> list[Group]:
        """The losses since the last step are that step's, or nobody's; what is here by now."""
        done = []
        for group in self._pending.values():
            if training is not None:
                group.training, group.known = weakref.ref(training), known
                group.step, group.again = known.steps, again
                if group.whole:
                    done.append(group)
        self._pending.clear()
        return done + self.read()

    def read(self, *, wait: bool = False) -> list[Group]:
        """The losses that have come over; all there are with `wait`."""
        done = []
        for ring in self._rings.values():
            if wait:
                ring.send()
            for group, value in ring.arrived(wait=wait):
                group.values.append(value)
                if group.whole:
                    done.append(group)
        return done


def kept(tensor: Any) -> bool:
    """Whether a value is one number on a device that values are kept on."""
    kind = type(tensor)
    plain = kind is torch.Tensor or kind is torch.nn.Parameter
    return plain and tensor.numel() == 1 and tensor.is_floating_point() and not tensor.is_meta
