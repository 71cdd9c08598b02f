"""What a flavor is, and where the installed ones are found.

A flavor is how the models of one library are written into a directory and read back. It is named
by MLflow's own key for that library, so that either tool loads what the other saved.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from ..backend import Create as Create
from ..errors import UsageError

BUILT_IN = {
    "xgboost": "autolog.integrations.xgboost.models:XgboostFlavor",
    "lightgbm": "autolog.integrations.lightgbm.models:LightgbmFlavor",
    "keras": "autolog.integrations.keras.models:KerasFlavor",
    "sklearn": "autolog.integrations.sklearn.models:SklearnFlavor",
    "torch": "autolog.integrations.torch.models:TorchFlavor",
}
"""A copy of the project's own entry points, since reading them all costs milliseconds (tested)."""

GROUP = "autolog.flavors"


@dataclass(frozen=True)
class Written:
    """What a flavor says of the model that it has just written.

    Attributes:
        config: The flavor's own map in `MLmodel`.
        pyfunc: The `python_function` map (`loader_module`, …); empty where MLflow's generic
            loader could not predict with it.
        format: How the model was serialised, in one word.
        distributions: Names of the distributions that loading needs.
        by_name: Whether loading finds the model's classes by their names, as a pickle does.
        partial: Why only a part of the model was written (its weights alone); empty where it is
            whole. Loading then makes no model.
    """

    config: Mapping[str, Any]
    pyfunc: Mapping[str, Any] = field(default_factory=dict)
    format: str = ""
    distributions: Iterable[str] = ()
    by_name: bool = True
    partial: str = ""


class Files(Protocol):
    """The files of a directory that is being loaded."""

    def read(self, name: str) -> bytes:
        """All bytes of a file, which are what was signed, if it was: for formats without code."""

    def read_code(self, name: str, why: str) -> bytes:
        """The same of a file whose loading runs code; raises UntrustedModel, saying `why`."""


class Flavor(Protocol):
    """How one library's models are written and read."""

    name: str

    def handles(self, model: Any) -> bool:
        """Whether `model` is one of this library's; imports nothing, calls nothing of it."""

    def write(self, model: Any, create: Create) -> Written:
        """Write the model's own files, in pieces.

        Raises ModelNotSerialisable; what `create` and its streams raise passes through.
        """

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The model that `config` describes; raises UntrustedModel through `files.read_code`."""


def flavor_named(name: str, **options: Any) -> Flavor | None:
    """The installed flavor of that name, made with its own `options` (`format="skops"`)."""
    if name in BUILT_IN:
        return _load(BUILT_IN[name], **options)
    return next(_third_party(name, **options), None)


def flavor_for(model: Any) -> Flavor | None:
    """The installed flavor that handles `model`: those of third parties come first."""
    for flavor in _third_party():
        if flavor.handles(model):
            return flavor
    built_in = map(_load, BUILT_IN.values())
    return next((flavor for flavor in built_in if flavor.handles(model)), None)


def library_flavor(model: Any, default: str) -> str:
    """Which of the built-in flavors handles `model` before `default`, of libraries in use alone."""
    for name, path in BUILT_IN.items():
        if name == default:
            break
        if name in sys.modules and _load(path).handles(model):
            return name
    return default


def choose(configs: Mapping[str, Any]) -> tuple[Flavor, Mapping[str, Any]]:
    """The flavor to load with, and its map, of the `flavors` in an MLmodel file.

    Never one by MLflow's `loader_module`: importing what a file names is running its code.
    Raises UsageError where none of them is known here.
    """
    for name, config in configs.items():
        if name != "python_function" and isinstance(config, Mapping):
            flavor = flavor_named(name)
            if flavor is not None:
                return flavor, config
    raise UsageError(
        f"no integration here loads a model of {', '.join(configs) or 'no flavor'}; "
        "mlflow.pyfunc.load_model may, if you trust its code"
    )


def _third_party(name: str | None = None, **options: Any) -> Iterator[Flavor]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        if entry.name not in BUILT_IN and name in (None, entry.name):
            yield entry.load()(**options)


def _load(path: str, **options: Any) -> Flavor:
    module, _, name = path.partition(":")
    flavor: Flavor = getattr(import_module(module), name)(**options)
    return flavor
