"""What an estimator was told: its params, and which of them the user chose."""

from __future__ import annotations

import contextlib
import inspect
import sys
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from autolog.values import plain, text_of

DEEPEST = 6
MOST_PARTS = 64
"""How far into an estimator its random generators are looked for."""

_defaults: weakref.WeakKeyDictionary[type, Mapping[str, Any]] = weakref.WeakKeyDictionary()


def chosen_params(estimator: Any) -> tuple[dict[str, Any], set[str]]:
    """`get_params(deep=True)`, and the names whose value is not the constructor's default."""
    params = _params(estimator)
    return params, {
        name for name, value in params.items() if _chosen(estimator, params, name, value)
    }


def _params(estimator: Any) -> dict[str, Any]:
    """What it was told; of one that was built wrong (a class among its parts) its own alone.

    Its `fit` is about to say what is wrong with it, in better words than `get_params` finds.
    """
    for deep in (True, False):
        with contextlib.suppress(Exception), undrawn(estimator):
            return {str(name): value for name, value in estimator.get_params(deep=deep).items()}
    return {}


@contextlib.contextmanager
def undrawn(estimator: Any) -> Iterator[None]:
    """Leave random generators that it and its parts were given as they were.

    The `get_params` of some (XGBoost's) gives a number drawn from them in their place.
    """
    states = [(one, _state_of(one)) for one in _generators(estimator, 0)]
    try:
        yield
    finally:
        for one, state in states:
            _put_back(one, state)


def _generators(value: Any, depth: int) -> Iterator[Any]:
    """The generators of NumPy's among what an estimator holds, a few levels down."""
    if type(value).__module__.startswith("numpy.random"):
        if hasattr(value, "get_state") or hasattr(value, "bit_generator"):
            yield value
    elif depth < DEEPEST and isinstance(value, list | tuple):
        for item in value[:MOST_PARTS]:
            yield from _generators(item, depth + 1)
    elif depth < DEEPEST and hasattr(type(value), "get_params") and hasattr(value, "__dict__"):
        for item in vars(value).values():
            yield from _generators(item, depth + 1)


def _state_of(generator: Any) -> Any:
    own = getattr(generator, "bit_generator", None)
    return generator.get_state() if own is None else own.state


def _put_back(generator: Any, state: Any) -> None:
    own = getattr(generator, "bit_generator", None)
    if own is None:
        generator.set_state(state)
    else:
        own.state = state


def _chosen(estimator: Any, params: Mapping[str, Any], name: str, value: Any) -> bool:
    outer, _, last = name.rpartition("__")
    owner = params.get(outer, estimator) if outer else estimator
    return not _same(value, defaults_of(type(owner)).get(last, inspect.Parameter.empty))


def told(value: Any) -> Any:
    """A splitter or scorer as the call that makes it, `KFold(n_splits=5, …)`, a kernel as its
    formula; all else as it is.
    """
    if type(value).__module__ == "builtins":
        return value
    if _is_a(value, "sklearn.metrics._scorer", "_BaseScorer"):
        held = vars(value)
        sign = {"greater_is_better": False} if held.get("_sign") == -1 else {}
        return _call("make_scorer", held.get("_score_func"), **sign, **held.get("_kwargs", {}))
    if _is_a(value, "sklearn.model_selection._split", *SPLITTERS):
        own = {name: item for name, item in vars(value).items() if not name.startswith("_")}
        return _call(type(value).__qualname__, **own)
    if _is_a(value, "sklearn.gaussian_process.kernels", "Kernel"):
        with contextlib.suppress(Exception):  # one of the program's own may not know its formula
            return repr(value)
    return value


SPLITTERS = ("BaseCrossValidator", "BaseShuffleSplit", "_RepeatedSplits")


def _is_a(value: Any, module: str, *names: str) -> bool:
    """Whether it is an instance of classes of a module, which need not be imported."""
    home = sys.modules.get(module)
    return home is not None and isinstance(value, tuple(getattr(home, name, ()) for name in names))


def _call(function: str, /, *args: Any, **kwargs: Any) -> str:
    shown = [text_of(plain(value)) for value in args]
    shown += [f"{name}={text_of(plain(value), quoted=True)}" for name, value in kwargs.items()]
    return f"{function}({', '.join(shown)})"


def defaults_of(cls: type) -> Mapping[str, Any]:
    """The defaults of a class's constructor, by parameter; and those of its base's constructors,
    as far as each hands `**kwargs` on to the next (XGBoost's).
    """
    if cls not in _defaults:
        found: dict[str, Any] = {}
        for base in cls.__mro__:
            if "__init__" not in vars(base):
                continue
            parameters = _parameters(base)
            found = {**{name: p.default for name, p in parameters.items()}, **found}
            if all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
                break
        _defaults[cls] = found
    return _defaults[cls]


def _parameters(cls: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(cls.__init__).parameters
    except (TypeError, ValueError):
        return {}


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if type(value) is not type(default):
        return False
    if isinstance(value, float):
        return value == default or (value != value and default != default)
    return isinstance(value, str | int | bytes | tuple | frozenset) and bool(value == default)


def title(estimator: Any) -> str:
    """How a person would call a model: `Ridge`, `Pipeline›SVC`, `GridSearchCV›Ridge`."""
    names = [type(estimator).__qualname__]
    inner = inner_of(estimator)
    while inner is not None and len(names) < 4:
        names.append(type(inner).__qualname__)
        inner = inner_of(inner)
    return "›".join(names)


def inner_of(estimator: Any) -> Any:
    """The estimator that a pipeline ends in, or that a search or wrapper was given."""
    given = vars(estimator) if hasattr(estimator, "__dict__") else {}
    if steps := steps_of(estimator):
        last = steps[-1]
    else:
        # Forests hold an `estimator` that nobody gave them; an ensemble may have no truth value.
        told = defaults_of(type(estimator))
        names = [name for name in ("estimator", "base_estimator") if name in told]
        last = next((given[name] for name in names if given.get(name) is not None), None)
    return last if hasattr(last, "get_params") and not isinstance(last, type) else None


def steps_of(estimator: Any) -> list[Any]:
    """The parts of a pipeline in order; none of anything else, whatever it calls its `steps`."""
    given = vars(estimator).get("steps") if hasattr(estimator, "__dict__") else None
    named = isinstance(given, list) and all(
        isinstance(step, tuple | list) and len(step) == 2 for step in given
    )
    return [step[1] for step in given] if given and named else []


MIXINS = {
    "ClassifierMixin": "classifier",
    "RegressorMixin": "regressor",
    "ClusterMixin": "clusterer",
    "OutlierMixin": "outlier detector",
    "DensityMixin": "density estimator",
}
KINDS = (*MIXINS.values(), "transformer", "estimator")


def kind_of(estimator: Any) -> str:
    """`classifier`, `regressor`, `clusterer`, `outlier detector`, `transformer`, `estimator`.

    By the mixins alone; of a pipeline or a search, what it ends in.
    """
    base = sys.modules["sklearn.base"]
    for mixin, kind in MIXINS.items():
        if isinstance(estimator, getattr(base, mixin, ())):
            return kind
    inner = inner_of(estimator)
    if inner is not None:
        return kind_of(inner)
    return "transformer" if isinstance(estimator, base.TransformerMixin) else "estimator"
