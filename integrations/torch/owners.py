"""Which module a parameter belongs to, and which module stands above all others of a model."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import nn
from torch.nn.modules import module as registry
from torch.utils.hooks import RemovableHandle

from .driving import quietly

WRAPPERS = (
    "_FabricModule",
    "DataParallel",
    "DistributedDataParallel",
    "OptimizedModule",
    "FullyShardedDataParallel",
)
"""torch's own modules that only stand round a model."""

References = dict[int, "weakref.ref[nn.Module]"]


class Owners:
    """Modules as they are made, by torch's own hooks of registration; all held weakly."""

    def __init__(self) -> None:
        self._holding: References = {}
        self._parents: References = {}

    def install(self) -> Iterator[Callable[[], object]]:
        """Register the hooks; they run where a module gets a parameter or a part, not later."""
        yield registry.register_module_parameter_registration_hook(
            quietly("torch.parameters", self._given)
        ).remove
        yield registry.register_module_module_registration_hook(
            quietly("torch.modules", self._joined)
        ).remove

    def _given(self, module: nn.Module, name: str, parameter: Any) -> None:
        if parameter is not None:
            _remember(self._holding, module, module)

    def _joined(self, module: nn.Module, name: str, part: nn.Module | None) -> None:
        if part is not None:
            _remember(self._parents, part, module)

    def roots(self, tensors: Iterable[Any]) -> list[nn.Module]:
        """The outermost modules to which these tensors belong, in their order; none for no module.

        Modules that were made before us, or by copying and unpickling, are looked for once among
        all objects.
        """
        wanted = dict.fromkeys(map(id, tensors))
        held = self._search(_living(self._holding), wanted)
        if len(held) < len(wanted):
            held = self._search(_all_modules(), wanted)
        found: dict[int, nn.Module] = {}
        for key in wanted:
            if key in held:
                root = self._outermost(held[key])
                found[id(root)] = root
        return list(found.values())

    def _search(
        self, modules: Iterable[nn.Module], wanted: dict[int, None]
    ) -> dict[int, nn.Module]:
        held: dict[int, nn.Module] = {}
        for module in modules:
            parts = vars(module).get("_modules") or {}
            for part in parts.values():
                if part is not None:
                    self._parents.setdefault(id(part), weakref.ref(module))
            for parameter in (vars(module).get("_parameters") or {}).values():
                if id(parameter) in wanted:
                    held[id(parameter)] = module
                    _remember(self._holding, module, module)
        return held

    def _outermost(self, module: nn.Module) -> nn.Module:
        for _ in range(100):
            held = self._parents.get(id(module))
            parent = held() if held is not None else None
            if parent is None or not _has(parent, module):
                return module
            module = parent
        return module


class Counted:
    """torch's count of handles, which is put back where nobody has registered one since us."""

    def __init__(self) -> None:
        self.before = self.after = RemovableHandle.next_id

    def note(self) -> None:
        """Ours have been registered."""
        self.after = RemovableHandle.next_id

    def put_back(self) -> None:
        """Ours are gone."""
        if RemovableHandle.next_id == self.after:
            RemovableHandle.next_id = self.before


def _remember(known: References, key: nn.Module, value: nn.Module) -> None:
    number = id(key)
    before = known.get(number)
    if before is None or before() is not value:
        # The entry goes with its value; one whose key is gone is found to be wrong when asked.
        # Names of this module are gone when the interpreter ends: it needs none.
        def forget(gone: Any) -> None:
            if known.get(number) is gone:
                del known[number]

        known[number] = weakref.ref(value, forget)


def _living(known: References) -> list[nn.Module]:
    modules = [held() for held in list(known.values())]
    return [module for module in modules if module is not None]


def _has(parent: nn.Module, part: nn.Module) -> bool:
    parts = vars(parent).get("_modules") or {}
    return any(one is part for one in parts.values())


def _all_modules() -> list[nn.Module]:
    kinds = _subclasses(nn.Module)
    return [one for one in gc.get_objects() if type(one) in kinds and "_modules" in vars(one)]


def _subclasses(cls: type) -> set[type]:
    found: set[type] = {cls}
    waiting: list[type] = [cls]
    while waiting:
        below: list[type] = type.__subclasses__(waiting.pop())
        for kind in below:
            if kind not in found:
                found.add(kind)
                waiting.append(kind)
    return found


def walk(root: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """All modules below `root` with their names, each once, read off the dictionaries alone."""
    seen: set[int] = set()
    waiting = [(name, root)]
    while waiting:
        name, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield name, module
        parts = (vars(module).get("_modules") or {}).items()
        below = [
            (f"{name}.{key}" if name else key, part) for key, part in parts if part is not None
        ]
        waiting.extend(reversed(below))


def parameters(root: nn.Module) -> Iterator[Any]:
    """All parameters of a module, each once."""
    seen: set[int] = set()
    for _, module in walk(root):
        for parameter in (vars(module).get("_parameters") or {}).values():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield parameter


def unwrapped(root: nn.Module) -> nn.Module:
    """The model inside torch's own wrappers, and Fabric's."""
    while type(root).__name__ in WRAPPERS:
        parts = list((vars(root).get("_modules") or {}).values())
        if not parts or parts[-1] is None or len(parts) > 2:
            break
        root = parts[-1]
    return root
