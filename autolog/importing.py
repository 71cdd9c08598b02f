"""One finder that tells when a module has been imported, and leaves nothing behind on it."""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable, Sequence
from functools import partial
from importlib.machinery import (
    ExtensionFileLoader,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import FunctionType, ModuleType
from typing import Any

from .reporting import guarded

OnModule = Callable[[ModuleType], object]

_OWN_LOADER = (SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader)
"""Loaders of which importlib makes one for each module, so that one may be changed for a while."""


class ImportWatcher:
    """Stands first in `sys.meta_path` until closed; finds nothing itself, watches the others.

    Callbacks run in the importing thread, within the import of the module, after its code and
    before the importer's next line. Their errors are kept from the import.
    """

    def __init__(self) -> None:
        self._watched: dict[str, list[OnModule]] = {}
        self._late: dict[str, list[OnModule]] = {}
        self._foreign: list[Callable[[], object]] = []
        self._searching: set[tuple[int, str]] = set()
        self._telling: list[str] = []
        sys.meta_path.insert(0, self)

    def close(self) -> None:
        """Leave `sys.meta_path` and forget all callbacks; may be called again."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._watched, self._late, self._foreign = {}, {}, []

    def watch(self, module_name: str, callback: OnModule) -> None:
        """Call `callback(module)` each time the module has been executed, at a reload again.

        At once if it is loaded already. If it is being loaded just now, at the first import of
        anything after that; if it waits for its first use (`LazyLoader`), then.
        """
        self._watched.setdefault(module_name, []).append(callback)
        module = sys.modules.get(module_name)
        if module is None:
            return
        spec = _own(module, "__spec__")
        if _is_lazy(module):
            self._arm(spec)
        elif getattr(spec, "_initializing", False) and module_name not in self._telling:
            self._late.setdefault(module_name, []).append(callback)
        else:
            _call(callback, module_name, module)

    def on_first_foreign_import(self, callback: Callable[[], object]) -> None:
        """Call once when a top-level module begins to be imported that is neither the standard
        library's nor ours; at once where there is one already."""
        self._foreign.append(callback)
        found = next((name for name in list(sys.modules) if _is_foreign(name)), None)
        if found is not None:
            self._call_foreign(found)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The answer of the finders after us, armed if the name is watched; else None."""
        if self._foreign and _is_foreign(name):
            self._call_foreign(name)
        if self._late:
            self._call_late()
        key = (get_ident(), name)
        if name not in self._watched or key in self._searching:
            return None
        self._searching.add(key)
        try:
            spec = _ask_others(self, name, path, target)
        finally:
            self._searching.discard(key)
        if spec is not None:
            self._arm(spec)
        return spec

    def loaded(self, name: str) -> None:
        """Tell the callbacks of `name` that its code has run."""
        module = sys.modules.get(name)
        if module is not None:
            self._telling.append(name)  # a callback that is added meanwhile is called at once
            try:
                for callback in list(self._watched.get(name, ())):
                    _call(callback, name, module)
            finally:
                self._telling.remove(name)

    def _arm(self, spec: ModuleSpec) -> None:
        with guarded(f"watching the import of {spec.name}"):
            if type(spec.loader) in _OWN_LOADER and "exec_module" not in vars(spec.loader):
                vars(spec.loader)["exec_module"] = partial(_execute, self, spec.loader, spec.name)
            else:
                spec.loader = _Loader(self, spec.loader)  # type: ignore[assignment]

    def _call_foreign(self, name: str) -> None:
        callbacks, self._foreign = self._foreign, []
        for callback in callbacks:
            with guarded(f"preparing for the import of {name}"):
                callback()

    def _call_late(self) -> None:
        for name in list(self._late):
            module = sys.modules.get(name)
            if not getattr(_own(module, "__spec__"), "_initializing", False):
                for callback in self._late.pop(name, ()):
                    if module is not None:
                        _call(callback, name, module)


def _trimmed(function: Any) -> Any:
    """The function as a part of importlib, whose frames Python leaves out of tracebacks."""
    code = function.__code__.replace(co_filename="<frozen importlib._bootstrap>")
    return FunctionType(code, function.__globals__, function.__name__)


@_trimmed
def _execute(watcher: ImportWatcher, loader: Any, name: str, module: ModuleType) -> None:
    vars(loader).pop("exec_module", None)
    loader.exec_module(module)
    watcher.loaded(name)


class _Loader:
    """Stands for a loader that cannot be changed itself, until the module's code is to run."""

    def __init__(self, watcher: ImportWatcher, loader: Any) -> None:
        self._watcher, self._loader = watcher, loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create = getattr(self._loader, "create_module", None)
        module: ModuleType | None = None if create is None else create(spec)
        return module

    @_trimmed
    def exec_module(self, module: ModuleType) -> None:
        spec: Any = module.__spec__
        loader = self._loader
        if loader is None:
            loader = _namespace_loader(module, spec)
        spec.loader = module.__loader__ = loader
        loader.exec_module(module)
        self._watcher.loaded(spec.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _namespace_loader(module: ModuleType, spec: Any) -> Any:
    """What importlib itself gives to a package that has only folders."""
    from importlib.machinery import NamespaceLoader

    loader: Any = NamespaceLoader.__new__(NamespaceLoader)
    loader._path = spec.submodule_search_locations
    module.__file__ = None
    return loader


def _ask_others(
    watcher: ImportWatcher, name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    for finder in list(sys.meta_path):
        find = None if finder is watcher else getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = None if find is None else find(name, path, target)
        if spec is not None:
            return spec
    return None


def _call(callback: OnModule, name: str, module: ModuleType) -> None:
    with guarded(f"hooking {name}"):
        callback(module)


_START = ("autolog", "sitecustomize", "usercustomize")
"""What, like names that begin with `_`, may be there in a program that has imported nothing yet."""


def _is_foreign(name: str) -> bool:
    known = name in sys.stdlib_module_names or name in _START or name.startswith("_")
    return not known and "." not in name


def _is_lazy(module: ModuleType) -> bool:
    return any(cls.__name__ == "_LazyModule" for cls in type(module).__mro__)


def _own(module: ModuleType | None, name: str) -> Any:
    """An attribute of a module that is read without waking a lazy one."""
    return None if module is None else object.__getattribute__(module, "__dict__").get(name)
