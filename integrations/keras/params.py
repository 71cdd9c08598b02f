"""What a Keras model was told: how it is compiled, and how it is fitted."""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from autolog.integration import Call
from autolog.quiet import quietly
from autolog.values import plain, text_of

FIT = (
    "batch_size",
    "epochs",
    "validation_split",
    "shuffle",
    "class_weight",
    "initial_epoch",
    "steps_per_epoch",
    "validation_steps",
    "validation_batch_size",
    "validation_freq",
)
"""Arguments of `fit` that are params, by the names that MLflow gives them too."""

FOUND = ("batch_size", "steps_per_epoch")
"""Those that Keras finds in the data where the program does not give them."""

UNSAID = inspect.Parameter.empty

Facts = dict[str, Any]


def fit_params(call: Call) -> tuple[Facts, set[str]]:
    """The arguments of `fit` that say how, defaults too, and the names of those that were given."""
    defaults = _defaults(call.function)
    found = {name: call.arg(name, defaults.get(name)) for name in FIT if name in defaults}
    chosen = {name for name in found if call.arg(name, UNSAID) is not UNSAID}
    return found, {name for name in chosen if not _same(found[name], defaults.get(name))}


def _defaults(function: Any) -> Mapping[str, Any]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and isinstance(value, _PLAIN) and value == default


_PLAIN = (bool, int, float, str, type(None))


# -- the compiled model ------------------------------------------------------------------------


def compile_params(model: Any) -> tuple[Facts, set[str]]:
    """Optimizer with its whole config, loss, metrics, and how it is run."""
    held = vars(model)
    optimizer = held.get("optimizer")
    found, chosen = optimizer_params(optimizer)
    told: Facts = {
        "loss": held.get("loss"),
        "loss_weights": getattr(held.get("_compile_loss"), "_user_loss_weights", None),
        "metrics": getattr(held.get("_compile_metrics"), "_user_metrics", None),
        "weighted_metrics": getattr(held.get("_compile_metrics"), "_user_weighted_metrics", None),
    }
    for name, value in told.items():
        if value is not None and value != []:
            found[name] = described(value)
            chosen.add(name)
    found["jit_compile"] = bool(held.get("_jit_compile"))
    found["run_eagerly"] = bool(held.get("_run_eagerly"))
    steps = held.get("steps_per_execution")
    if steps not in (None, 1):
        found["steps_per_execution"] = steps
        chosen.add("steps_per_execution")
    policy = getattr(held.get("_dtype_policy"), "name", None)
    if policy is not None:
        found["dtype_policy"] = policy
        if policy != "float32":
            chosen.add("dtype_policy")
    return found, chosen


def optimizer_params(optimizer: Any) -> tuple[Facts, set[str]]:
    """`optimizer_name` and `optimizer_<key>` for each key of its config, schedules expanded.

    Of one that Keras has wrapped to scale losses (`mixed_float16`), the one inside.
    """
    if optimizer is None or isinstance(optimizer, str):
        return {}, set()
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        found, chosen = optimizer_params(inner)
        scale = {k: getattr(optimizer, k, None) for k in ("initial_scale", "dynamic_growth_steps")}
        return {**found, "optimizer_loss_scale": call_text(type(optimizer).__name__, scale)}, chosen
    config = _config(optimizer)
    config.setdefault("name", getattr(optimizer, "name", type(optimizer).__name__))
    defaults = _defaults(type(optimizer).__init__)
    found, chosen = dict[str, Any](), {"optimizer_name"}
    for key, value in config.items():
        name, value = f"optimizer_{key}", written(value)
        found[name] = _kind(optimizer, value) if key == "name" else described(value)
        if key != "name" and not _near(value, defaults.get(key)):
            chosen.add(name)
        for inner, item in _settings(value):
            found[f"{name}_{inner}"] = described(item)
            chosen.add(f"{name}_{inner}")
    return found, chosen


def _config(optimizer: Any) -> Facts:
    """What it says of itself; where it cannot, what its constructor was told.

    It cannot where it, or its schedule, is of a class of the program's own without `get_config`.
    """
    with contextlib.suppress(Exception), quietly():
        return dict(optimizer.get_config())
    rate = getattr(optimizer, "_learning_rate", None)
    told = settings_of(optimizer)
    if callable(rate) and not hasattr(rate, "assign"):
        name = getattr(rate, "__name__", type(rate).__name__)
        told["learning_rate"] = {"class_name": name, "config": settings_of(rate)}
    return told


def written(value: Any) -> Any:
    """A config with its numbers as the program wrote them, where Keras kept them in 32 bits.

    `0.01`, and not `0.009999999776482582`: the shortest number that is the same in 32 bits. A
    number of 64 bits is nearly never one of 32 too, and then the two are one.
    """
    if isinstance(value, float):
        return _shortest(value)
    if isinstance(value, Mapping):
        return {key: written(item) for key, item in value.items()}
    return [written(item) for item in value] if isinstance(value, list) else value


def _shortest(number: float) -> float:
    numpy = sys.modules["numpy"]
    with numpy.errstate(over="ignore"):
        single = numpy.float32(number)
    exact = math.isfinite(number) and single.item() == number
    return float(numpy.format_float_scientific(single)) if exact else number


def _kind(optimizer: Any, name: Any) -> str:
    """`adam`, as it is called in `compile`; its own name, where the program gave it one."""
    cls = type(optimizer).__name__
    own = isinstance(name, str) and not re.fullmatch(_stem(cls) + r"(_\d+)?", name.lower())
    return str(name) if own and name.lower() != cls.lower() else cls.lower()


def _near(value: Any, default: Any) -> bool:
    """Whether it is the default, as a number of single precision may tell it."""
    if isinstance(value, float) and isinstance(default, int | float):
        return math.isclose(value, default, rel_tol=1e-6, abs_tol=0.0)
    return _same(value, default)


def _settings(value: Any) -> Iterator[tuple[str, Any]]:
    """The settings of a serialised object (a schedule, an inner optimizer)."""
    if _serialised(value):
        yield from value["config"].items()


def _serialised(value: Any) -> bool:
    return (
        isinstance(value, dict) and "class_name" in value and isinstance(value.get("config"), dict)
    )


def described(value: Any) -> Any:
    """A loss, metric, schedule or the like as a person writes it; plain values as they are."""
    if isinstance(value, _PLAIN):
        return value
    if _serialised(value):
        return call_text(value["class_name"], value["config"])
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if isinstance(value, type) or inspect.isroutine(value):
        return getattr(value, "__name__", repr(type(value)))
    if _own_code(type(value)):
        return type(value).__qualname__
    return _told(value) if hasattr(value, "get_config") else plain(value)


def _told(value: Any) -> str:
    """`SparseCategoricalCrossentropy(from_logits=True)`: what differs from the defaults."""
    name = type(value).__qualname__
    if name == "LossFunctionWrapper" or name == "MeanMetricWrapper":
        inner = getattr(value, "fn", None) or getattr(value, "_fn", None)
        return str(getattr(inner, "__name__", name))
    with contextlib.suppress(Exception):
        config, defaults = value.get_config(), _defaults(type(value).__init__)
        told = {k: v for k, v in config.items() if k in defaults and not _near(v, defaults[k])}
        return call_text(name, {k: v for k, v in told.items() if k not in ("dtype", "fn")})
    return name


def _own_code(cls: type) -> bool:
    return not cls.__module__.startswith(("keras.", "keras_", "numpy"))


def call_text(name: str, settings: Mapping[str, Any]) -> str:
    """`ExponentialDecay(initial_learning_rate=0.01, …)`."""
    shown = (f"{key}={text_of(plain(described(v)), quoted=True)}" for key, v in settings.items())
    return f"{name}({', '.join(shown)})"


# -- callbacks ---------------------------------------------------------------------------------


def callback_params(callbacks: Any) -> Facts:
    """Each callback with its settings: `callbacks`, and `early_stopping_patience` and the like."""
    found: Facts = {}
    told = []
    for one in listed(callbacks):
        settings = settings_of(one)
        told.append(call_text(type(one).__qualname__, settings))
        prefix = snake(type(one).__qualname__)
        found.update({f"{prefix}_{k}": described(v) for k, v in settings.items()})
    return {"callbacks": told, **found} if told else {}


def listed(callbacks: Any) -> list[Any]:
    """The callbacks in whatever a program hands over."""
    if callbacks is None:
        return []
    inner = vars(callbacks).get("callbacks") if hasattr(callbacks, "__dict__") else None
    if isinstance(inner, list):
        callbacks = [one for one in inner if type(one).__name__ not in ("History", "ProgbarLogger")]
    if isinstance(callbacks, list | tuple):
        return [inner for one in callbacks for inner in listed(one)]
    return [callbacks]


def settings_of(thing: Any) -> Facts:
    """What its constructor was told, as far as it keeps that under the same name."""
    held = vars(thing) if hasattr(thing, "__dict__") else {}
    try:
        names = list(inspect.signature(type(thing).__init__).parameters)[1:]
    except (TypeError, ValueError):
        return {}
    found = {name: held[name] for name in names if name in held and name != "verbose"}
    if isinstance(found.get("min_delta"), float | int):  # Keras turns its sign when it has begun
        found["min_delta"] = abs(found["min_delta"])
    return {name: value for name, value in found.items() if _tellable(value)}


def _tellable(value: Any) -> bool:
    return isinstance(value, (*_PLAIN, list, tuple)) or callable(value)


# -- names -------------------------------------------------------------------------------------


def snake(name: str) -> str:
    """`ReduceLROnPlateau` → `reduce_lr_on_plateau`."""
    name = re.sub(r"\W+", "", name.rpartition(".")[2])
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def title(model: Any) -> str:
    """`Sequential`, `Functional`, the name of an own class; with the model's own name, if given."""
    cls, name = type(model).__qualname__, getattr(model, "name", None)
    if not isinstance(name, str) or re.fullmatch(_stem(type(model).__name__) + r"(_\d+)?", name):
        return cls
    return f"{cls} {name}"


def _stem(name: str) -> str:
    """How Keras names the first model of a class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.escape(re.sub("([a-z])([A-Z])", r"\1_\2", name).lower())


def model_tags(model: Any) -> dict[str, str]:
    """Class, name, and the versions of Keras and of what it computes with."""
    cls = type(model)
    keras = sys.modules["keras"]
    backend = keras.backend.backend()
    found = {
        "model_class": f"{cls.__module__}.{cls.__qualname__}",
        "model_name": str(getattr(model, "name", "")),
        "keras_version": keras.__version__,
        "keras_backend": backend,
    }
    version = getattr(sys.modules.get(backend), "__version__", None)
    if version is not None:
        found[f"{backend}_version"] = str(version)
    return found
