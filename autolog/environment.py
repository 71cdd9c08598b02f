"""What is installed here, and which of a model's classes another machine could import.

Nothing here starts a process, loads a model or imports a library: names and versions come from
the names of the metadata folders on `sys.path`.
"""

from __future__ import annotations

import functools
import os
import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import FunctionType
from typing import Any

MAX_ENTRIES = 20_000
"""Entries read of one folder on `sys.path`: the program's own may hold a million data files."""

KNOWN = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "imblearn": "imbalanced-learn",
    "dateutil": "python-dateutil",
}
"""Well-known modules whose distribution has another name; a shortcut, never the only source."""

MAINS = ("__main__", "__mp_main__")


def normalised(name: str) -> str:
    """A distribution's name as packaging tools compare it: `Scikit_Learn` → `scikit-learn`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages() -> dict[str, str]:
    """Version by normalised name of every distribution on `sys.path`, the first on it wins.

    A folder is read again only after it changed, so that a `pip install` in a notebook is seen.
    """
    found: dict[str, str] = {}
    for entry in reversed(sys.path):
        try:
            changed = os.stat(entry or ".").st_mtime_ns  # noqa: PTH116 (a third of the cost)
        except OSError:
            continue
        found.update(_installed_in(entry or ".", changed))
    return found


@functools.lru_cache(maxsize=128)
def _installed_in(folder: str, changed: int) -> Mapping[str, str]:
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in islice(entries, MAX_ENTRIES)
                if entry.name.endswith((".dist-info", ".egg-info"))
            ]
    except OSError:
        return {}
    return dict(_named(folder, names))


def _named(folder: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and version from the folders' names: `six-1.17.0.dist-info`, `x-1.0-py3.11.egg-info`."""
    for entry in names:
        stem, _, suffix = entry.rpartition(".")
        if suffix == "egg-info":
            stem = re.sub(r"-py\d.*$", "", stem)
        name, _, version = stem.rpartition("-")
        if name and version[:1].isdigit():
            yield normalised(name), version
        else:
            yield normalised(stem), _version_inside(Path(folder, entry))


def _version_inside(info: Path) -> str:
    """The version that a metadata folder without one in its name holds; `unknown` if none."""
    for name in ("PKG-INFO", "METADATA"):
        try:
            text = (info / name).read_text("utf-8", "replace")
        except OSError:
            continue
        if match := re.search(r"^Version: *(\S+)", text, re.MULTILINE):
            return match[1]
    return "unknown"


def python_version() -> str:
    """`3.11.7`."""
    return ".".join(map(str, sys.version_info[:3]))


def distribution_of(module: str) -> str | None:
    """The installed distribution that a module comes from; None for the user's own modules.

    Costs microseconds but for the first module whose distribution has another name and is not
    well known: then the files of all distributions are read once (some 200 ms).
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in MAINS:
        return None
    installed = packages()
    for name in (KNOWN.get(top), normalised(top)):
        if name in installed:
            return name
    if not _in_site_packages(top):
        return None
    return also_known_as(top)


def also_known_as(module: str) -> str | None:
    """The installed distribution that brings an importable module under another name.

    `xgboost-cpu` brings `xgboost`. Nothing is imported; reads the files of all distributions.
    """
    owners = _owners().get(module, [])
    return normalised(owners[0]) if owners else None


@functools.cache
def _owners() -> Mapping[str, list[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()


def requirements(distributions: Iterable[str]) -> list[str]:
    """`name==version` for each installed one, sorted; local labels (`+cpu`) are on no index."""
    installed = packages()
    names = sorted({normalised(name) for name in distributions} & installed.keys())
    return [f"{name}=={installed[name].partition('+')[0]}" for name in names]


@functools.cache
def _site_folders() -> tuple[str, ...]:
    folders = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    folders.update(site.getsitepackages())
    if isinstance(user := site.getusersitepackages(), str):
        folders.add(user)
    return tuple(folder + os.sep for folder in folders if folder)


def _in_site_packages(top: str) -> bool:
    module = sys.modules.get(top)
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(isinstance(place, str) and _is_installed(place) for place in places)


def _is_installed(file: str) -> bool:
    markers = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
    return file.startswith(_site_folders()) or any(marker in file for marker in markers)


@functools.cache
def importable_elsewhere(module: str) -> bool:
    """Whether a machine with the same distributions installed can import `module`."""
    top = module.partition(".")[0]
    if top in MAINS:
        return False
    if top in sys.stdlib_module_names:
        return True
    return _in_site_packages(top) or distribution_of(top) is not None


def non_importable(model: Any) -> list[str]:
    """Classes and functions in `model` that another machine cannot import, sorted by name.

    They stand in `__main__`, in a function's body, or in a module beside the program. Looks at a
    bounded number of the model's parts, without calling any code of theirs.
    """
    from .models.probing import parts

    return sorted({name for name, module in map(origin, parts(model)) if _stays(name, module)})


def origin(part: Any) -> tuple[str, str]:
    """Where a part's class is defined, or the part itself where it is a class or function."""
    kind = type(part)
    named = part if issubclass(kind, type) or kind is FunctionType else kind
    module = named.__module__
    return f"{module}.{named.__qualname__}", module if isinstance(module, str) else "builtins"


def _stays(name: str, module: str) -> bool:
    return "<locals>" in name or not importable_elsewhere(module)
