"""What a program can see of itself: its results, its process, its errors, its functions."""

from __future__ import annotations

import collections
import contextlib
import copy
import decimal
import gc
import hashlib
import inspect
import logging
import os
import pickle
import random
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from types import FrameType, FunctionType
from typing import Any

from ..enabling import SESSION
from ..inplace import is_trampoline

Targets = list[tuple[Any, str]]

_FRAMEWORKS = """
    catboost jax keras lightgbm lightning matplotlib mlflow numpy pandas plotly polars pyarrow
    pytorch_lightning scipy seaborn sklearn statsmodels tensorflow torch transformers xgboost
"""
FRAMEWORKS = frozenset(_FRAMEWORKS.split())
"""Packages that are imported by the program or not at all."""

_PREDICTIONS = """
    apply call decision_function forward inverse_transform predict predict_log_proba
    predict_proba predict_step score score_samples transform
"""
PREDICTIONS = frozenset(_PREDICTIONS.split())
"""Names of what a model does once it is trained; our hooks call none of them."""


def fingerprint(value: Any) -> str:
    """A digest of `value`, equal for values that are equal bit for bit.

    Arrays count by dtype, shape and bytes, containers by their items in order, all else by its
    pickle.
    """
    digest = hashlib.sha256()
    _feed(value, digest.update)
    return digest.hexdigest()


def _feed(value: Any, update: Callable[[bytes], None]) -> None:
    update(f"<{type(value).__qualname__}>".encode())
    if isinstance(value, dict):
        for key, item in value.items():
            _feed(key, update)
            _feed(item, update)
    elif isinstance(value, list | tuple):
        for item in value:
            _feed(item, update)
    elif hasattr(value, "tobytes") and getattr(getattr(value, "dtype", None), "kind", "O") != "O":
        update(f"{value.dtype} {value.shape}".encode())
        update(value.tobytes())
    else:
        update(pickle.dumps(value, 4))


def tried(question: Callable[[], Any]) -> Any:
    """The answer to `question`, or which kind of error it raised."""
    try:
        return question()
    except Exception as error:
        return f"raised {type(error).__qualname__}"


# -- the process -----------------------------------------------------------------------------


def seed() -> None:
    """Begin with known random states, so that those of two processes can be compared."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def process_state() -> dict[str, Any]:
    """All of the process that a training must leave as it would be without us."""
    return {
        "random": fingerprint(random.getstate()),
        "numpy.random": _numpy_state(),
        "warnings.filters": [repr(entry) for entry in warnings.filters],
        "logging": _logging_state(),
        "signal handlers": {s.name: _named(tried(partial(signal.getsignal, s)))
                            for s in signal.valid_signals() if isinstance(s, signal.Signals)},
        "os.environ": {k: v for k, v in sorted(os.environ.items()) if k != SESSION},
        "hooks of sys": [_named(hook) for hook in _process_hooks()],
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), gc.get_threshold()],
        "sys.path": list(sys.path),
        "working directory": os.getcwd(),  # noqa: PTH109 - as text
        "decimal": repr(decimal.getcontext()),
    }  # fmt: skip


def _numpy_state() -> str | None:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else fingerprint(numpy.random.get_state())


def _process_hooks() -> tuple[Any, ...]:
    return (
        sys.excepthook, sys.unraisablehook, sys.displayhook, sys.gettrace(), sys.getprofile(),
        threading.excepthook, warnings.showwarning, warnings.formatwarning,
    )  # fmt: skip


def _named(value: Any) -> str:
    return str(getattr(value, "__qualname__", repr(value)))


def _logging_state() -> dict[str, Any]:
    root = logging.getLogger()
    levels = {
        name: logger.level
        for name, logger in sorted(logging.root.manager.loggerDict.items())
        if isinstance(logger, logging.Logger) and logger.level
    }
    handlers = [_named(type(handler)) for handler in root.handlers]
    return {"level": root.level, "handlers": handlers, "disabled": root.manager.disable, **levels}


def frameworks() -> list[str]:
    """Which frameworks the process has imported."""
    return sorted(FRAMEWORKS & {name.partition(".")[0] for name in sys.modules})


# -- what a call does ------------------------------------------------------------------------


def error_of(action: Callable[[], Any]) -> dict[str, Any]:
    """All that a program can see of the error that `action` raises; empty if it raises none."""
    try:
        action()
    except BaseException as error:
        chain = {"cause": error.__cause__, "context": error.__context__}
        return {
            "type": type(error).__qualname__,
            "args": repr(error.args),
            "message": str(error),
            "notes": getattr(error, "__notes__", None),
            **{name: None if link is None else repr(link) for name, link in chain.items()},
            "traceback": _places(error),
        }
    return {}


def _places(error: BaseException) -> list[str]:
    """The traceback as a person reads it, without frames that Python's own tools pass over."""
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{frame.name} {frame.lineno} {frame.filename}"
        for frame in frames
        if not ("importlib" in frame.filename and "_bootstrap" in frame.filename)
    ]


def warnings_of(action: Callable[[], Any]) -> list[tuple[str, str, str, int]]:
    """Category, text, file and line of each warning that `action` gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return [(w.category.__qualname__, str(w.message), w.filename, w.lineno) for w in caught]


@contextlib.contextmanager
def counted_predictions() -> Iterator[dict[str, int]]:
    """How often a function that is named like a prediction was called in this thread.

    Generators do not count: hooks are such, and may be named after what they hook; nor functions
    within functions, which are helpers of a library's.
    """
    counts: collections.Counter[str] = collections.Counter()

    def on_event(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_name not in PREDICTIONS:
            return
        ours = str(frame.f_globals.get("__name__")).startswith("autolog.")
        local = code.co_qualname.endswith(f"<locals>.{code.co_name}")
        if not (ours or local or code.co_flags & inspect.CO_GENERATOR or is_trampoline(code)):
            counts[code.co_name] += 1

    sys.setprofile(on_event)
    try:
        yield counts
    finally:
        sys.setprofile(None)


# -- the functions that are hooked -----------------------------------------------------------


def title(owner: Any, name: str) -> str:
    """How messages name an attribute."""
    return f"{getattr(owner, '__qualname__', owner.__name__)}.{name}"


def looks(targets: Targets) -> dict[str, Any]:
    """What tools see when they look at the hooked functions."""
    return {title(owner, name): _look(getattr(owner, name)) for owner, name in targets}


def _look(function: Any) -> dict[str, Any]:
    return {
        "signature": tried(lambda: str(inspect.signature(function))),
        "source": tried(lambda: inspect.getsource(function)),
        "file": tried(lambda: os.path.realpath(inspect.getsourcefile(function) or "")),
        "help": tried(lambda: inspect.getdoc(function)),
        "kinds": [
            inspect.isfunction(function), inspect.ismethod(function), inspect.isroutine(function),
            inspect.iscoroutinefunction(function), inspect.isgeneratorfunction(function),
            isinstance(function, FunctionType), callable(function),
        ],
        "unwrapped": tried(lambda: inspect.unwrap(function).__qualname__),
        **{
            name: repr(tried(partial(getattr, function, name)))
            for name in ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__",
                         "__kwdefaults__", "__annotations__", "__isabstractmethod__")
        },
    }  # fmt: skip


def travels(targets: Targets, model: Any) -> dict[str, Any]:
    """How the hooked functions, unbound and bound to `model`, are copied and pickled."""
    facts = {}
    for owner, name in targets:
        facts[title(owner, name)] = _copies(getattr(owner, name))
        if isinstance(owner, type) and isinstance(model, owner) and hasattr(model, name):
            facts[f"{title(owner, name)} of an instance"] = _bound_copies(model, name)
    return facts


def _copies(function: Any) -> dict[str, Any]:
    return {
        "copy": tried(lambda: copy.copy(function) is function),
        "deepcopy": tried(lambda: copy.deepcopy(function) is function),
        "pickle": tried(lambda: pickle.dumps(function, 4)),
        "unpickled": tried(lambda: pickle.loads(pickle.dumps(function)) is function),
        "cloudpickle": tried(lambda: _cloud(function) is function),
    }


def _bound_copies(model: Any, name: str) -> dict[str, Any]:
    bound = getattr(model, name)
    return {
        "type": type(bound).__qualname__,
        "equal": bound == getattr(model, name) and hash(bound) == hash(getattr(model, name)),
        "signature": tried(lambda: str(inspect.signature(bound))),
        "copy": tried(lambda: _method(copy.copy(bound), model)),
        "deepcopy": tried(lambda: _method(copy.deepcopy(bound), model)),
        "unpickled": tried(lambda: _method(pickle.loads(pickle.dumps(bound)), model)),
        "cloudpickle": tried(lambda: _method(_cloud(bound), model)),
        "joblib": tried(lambda: _through_joblib(bound)),
    }


def _method(bound: Any, model: Any) -> tuple[str, str, bool]:
    return type(bound.__self__).__qualname__, bound.__func__.__qualname__, bound.__self__ is model


def _cloud(value: Any) -> Any:
    return pickle.loads(import_module("cloudpickle").dumps(value))


def _through_joblib(bound: Any) -> list[str]:
    joblib = import_module("joblib")
    task = joblib.delayed(name_of)
    names: list[str] = joblib.Parallel(n_jobs=2)(task(bound) for _ in range(2))
    return names


def name_of(function: Any) -> str:
    """The function's qualified name, as a worker process sees it."""
    return f"{type(function).__qualname__} {function.__qualname__}"
