"""The fitted model asked about its training data, on request: the only place where we call it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from autolog.following import datasets
from autolog.following.inputs import data_of, target_of
from autolog.integration import Call
from autolog.live import Run
from autolog.reporting import guarded
from autolog.reporting import report as tell

from . import plots, tables
from .calling import unfelt
from .params import kind_of

if TYPE_CHECKING:
    from . import SklearnOptions

Score = Callable[[], Any]
T = TypeVar("T")

MOST_OUTPUTS = 5
"""Outputs of which pictures are drawn, each its own."""


def report(run: Run, call: Call, options: SklearnOptions) -> None:
    """Metrics and pictures of what the model says to the data that it was just fitted on.

    Calls its `predict`, `predict_proba` (else `decision_function`, for curves) and `score` on all
    of them, once each, with random generators put back and warnings and prints kept to ourselves.
    What a model cannot do is left out; an error of its own is told.
    """
    asked = Asked(call)
    drawn = options.plots and not run.light and asked.kind in ("classifier", "regressor")
    if asked.target is None or not (options.training_metrics or drawn):
        return
    found: dict[str, float] = {}
    pictures: list[Pictured] = []
    with guarded("asking the model about its training data"), unfelt(asked.estimator):
        if options.training_metrics:
            found = dict(_metrics(asked, options.pos_label))
        if drawn:
            pictures = list(_pictures(asked, options.plots))
    for error in asked.errors:
        tell("asking the model about its training data", error)
    run.log_metrics({f"training_{name}": value for name, value in found.items()})
    for name, columns in {picture.table: picture.columns for picture in pictures}.items():
        run.log_table(name, columns)
    train = datasets.of(run).train
    data = "training data" if train is None else f"{train.name} (training)"
    for picture in pictures:
        name = f"training_{picture.kind}{picture.suffix}"
        output = f" · output {picture.suffix[1:]}" if picture.suffix else ""
        plots.draw(run, options.plots, picture.kind, name, picture.columns, data + output)


class Asked:
    """A fitted model with its training data; each answer is asked for once, at the first need."""

    def __init__(self, call: Call) -> None:
        self.estimator = call.instance
        self.data = call.arg(data_of(call))
        self.target = call.arg(target_of(call))
        self.weight = call.arg("sample_weight")
        self.kind = kind_of(call.instance)
        self.errors: list[Exception] = []

    @cached_property
    def predicted(self) -> Any:
        """What `predict` says, None where it fails."""
        return self._ask("predict")

    @cached_property
    def chances(self) -> Any:
        """What `predict_proba` says, None where there is none."""
        return self._ask("predict_proba")

    @cached_property
    def scores(self) -> Any:
        """Probabilities, else what `decision_function` says, else None."""
        return self._ask("decision_function") if self.chances is None else self.chances

    def _ask(self, method: str) -> Any:
        try:
            if hasattr(self.estimator, method):
                return getattr(self.estimator, method)(self.data)
        except Exception as error:
            self.errors.append(error)
        return None


def _sklearn(module: str) -> Any:
    return sys.modules.get(f"sklearn.{module}") or import_module(f"sklearn.{module}")


# -- metrics -----------------------------------------------------------------------------------


def _metrics(asked: Asked, pos_label: str | None) -> Iterator[tuple[str, float]]:
    """MLflow's set under MLflow's names; what this target or model does not have is left out."""
    known: dict[str, Score] = {}
    if asked.kind == "classifier" and asked.predicted is not None:
        known = {**_classifier(asked, pos_label), **_probable(asked)}
    elif asked.kind == "regressor" and asked.predicted is not None:
        known = _regressor(asked)
    if hasattr(asked.estimator, "score"):
        known["score"] = partial(_score, asked)
    for name, score in known.items():
        try:
            value = float(score())
        except (ValueError, TypeError, AttributeError):
            continue  # scikit-learn refuses by these: several outputs, one class alone
        except Exception as error:
            asked.errors.append(error)
        else:
            yield name, value


def _classifier(asked: Asked, pos_label: str | None) -> dict[str, Score]:
    """Averages are weighted by the classes' sizes, or those of `pos_label` alone are told."""
    metrics, given = _sklearn("metrics"), {"sample_weight": asked.weight}
    way: dict[str, Any] = {"average": "weighted", "zero_division": 0}
    if pos_label is not None:
        way = {"average": "binary", "pos_label": _label(asked.target, pos_label), **given}
    both = (asked.target, asked.predicted)
    names = ("precision_score", "recall_score", "f1_score")
    found = {name: partial(getattr(metrics, name), *both, **{**given, **way}) for name in names}
    return {**found, "accuracy_score": partial(metrics.accuracy_score, *both, **given)}


def _label(target: Any, text: str) -> Any:
    """The class that the option names: settings are text, labels need not be."""
    labels = _or_none(partial(_sklearn("utils.multiclass").unique_labels, target))
    known = [] if labels is None else labels.tolist()
    return next((label for label in known if str(label) == text), text)


def _regressor(asked: Asked) -> dict[str, Score]:
    metrics = _sklearn("metrics")
    names = ("mean_squared_error", "mean_absolute_error", "r2_score")
    both, weight = (asked.target, asked.predicted), asked.weight
    found: dict[str, Score] = {
        name: partial(getattr(metrics, name), *both, sample_weight=weight) for name in names
    }
    squared = found["mean_squared_error"]
    return {**found, "root_mean_squared_error": lambda: squared() ** 0.5}


def _probable(asked: Asked) -> dict[str, Score]:
    chances, metrics = asked.chances, _sklearn("metrics")
    if chances is None:
        return {}
    binary = getattr(chances, "ndim", 0) == 2 and chances.shape[1] == 2
    given = {"sample_weight": asked.weight}
    auc = partial(metrics.roc_auc_score, asked.target, chances[:, 1] if binary else chances)
    return {
        "log_loss": partial(metrics.log_loss, asked.target, chances, **given),
        "roc_auc": partial(auc, average="weighted", multi_class="ovo", **given),
    }


def _score(asked: Asked) -> Any:
    score = asked.estimator.score
    takes = "sample_weight" in inspect.signature(score).parameters
    given = {"sample_weight": asked.weight} if takes and asked.weight is not None else {}
    return score(asked.data, asked.target, **given)


# -- what is drawn -------------------------------------------------------------------------------


class Pictured(NamedTuple):
    """What is drawn of one output: the kind, the output's place in names, the data."""

    kind: str
    suffix: str
    columns: dict[str, Any]

    @property
    def table(self) -> str:
        """The name of the table with the data; residuals are drawn of another picture's."""
        kind = "predicted_vs_actual" if self.kind == "residuals" else self.kind
        return f"training_{kind}{self.suffix}"


class Output(NamedTuple):
    """One output of a model: its place in names, the truth, what was predicted, with weights."""

    suffix: str
    true: Any
    predicted: Any
    scores: Any
    weight: Any


def _pictures(asked: Asked, wanted: plots.Plots) -> Iterator[Pictured]:
    if asked.predicted is None:
        return
    curves = any(plots.wanted(wanted, kind) for kind in CURVES)
    found = _of_classifier if asked.kind == "classifier" else _of_regressor
    for output in _outputs(asked, curves and asked.kind == "classifier"):
        for kind, make in (_or_none(partial(found, asked, output)) or {}).items():
            columns = _or_none(make) if plots.wanted(wanted, kind) else None
            if columns is not None:
                yield Pictured(kind, output.suffix, columns)


def _or_none(make: Callable[[], T]) -> T | None:
    """None where scikit-learn refuses: one class alone, labels that have no order."""
    try:
        return make()
    except (ValueError, TypeError):
        return None


CURVES = ("roc_curve", "precision_recall_curve", "calibration_curve")


def _outputs(asked: Asked, scored: bool) -> Iterator[Output]:
    true, predicted = _array(asked.target), _array(asked.predicted)
    weight = None if asked.weight is None else _array(asked.weight)
    scores = asked.scores if scored else None
    if true.size != predicted.size or not true.size:
        return
    if true.ndim == 1 or true.shape[1:] == (1,):
        yield Output("", true.ravel(), predicted.ravel(), scores, weight)
        return
    for i in range(min(true.shape[1], MOST_OUTPUTS)):
        own = None if scores is None else scores[i] if isinstance(scores, list) else scores[:, i]
        yield Output(f"_{i}", true[:, i], predicted[:, i], own, weight)


def _array(values: Any) -> Any:
    """As NumPy's, objects by what they are."""
    import numpy

    array = numpy.asarray(values)
    return numpy.asarray(array.tolist()) if array.dtype.kind == "O" else array


def _of_classifier(asked: Asked, output: Output) -> Mapping[str, Callable[[], dict[str, Any]]]:
    classes = _sklearn("utils.multiclass").unique_labels(output.true, output.predicted)
    found = {"confusion_matrix": partial(_confusion, output, classes)}
    parts = _one_against_the_rest(output, _order(asked, output, classes))
    if parts:
        metrics = _sklearn("metrics")
        for name in CURVES[:2]:
            found[name] = partial(_curves, name, getattr(metrics, name), parts, output.weight)
    if parts and asked.chances is not None:
        curve = _sklearn("calibration").calibration_curve
        by_ten = partial(curve, n_bins=10)
        found[CURVES[2]] = partial(_curves, CURVES[2], by_ten, parts, None)
    return found


def _confusion(output: Output, classes: Any) -> dict[str, Any]:
    matrix = _sklearn("metrics").confusion_matrix(
        output.true, output.predicted, labels=classes, sample_weight=output.weight
    )
    return tables.confusion(matrix, [str(name) for name in classes.tolist()])


def _order(asked: Asked, output: Output, classes: Any) -> Any:
    """The classes as the columns of its scores stand, which need not be in order."""
    own = None if output.suffix else getattr(asked.estimator, "classes_", None)
    return classes if getattr(own, "shape", None) != classes.shape else own


def _one_against_the_rest(output: Output, classes: Any) -> dict[str, tuple[Any, Any]]:
    """For each class whether it is the true one, and its score; of two classes the second alone."""
    scores = output.scores
    if scores is None or len(classes) < 2:
        return {}
    if scores.ndim == 1 and len(classes) == 2:
        return {"": (output.true == classes[1], scores)}
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        return {}
    if len(classes) == 2:
        return {"": (output.true == classes[1], scores[:, 1])}
    return {str(c): (output.true == c, scores[:, i]) for i, c in enumerate(classes.tolist())}


def _curves(
    name: str, function: Any, parts: Mapping[str, tuple[Any, Any]], weight: Any
) -> dict[str, Any]:
    """The points of each class's curve, below one another."""
    most = max(tables.MOST_POINTS // len(parts), 50)
    given = {} if weight is None else {"sample_weight": weight}
    columns: dict[str, list[Any]] = {}
    for label, (true, scores) in parts.items():
        found = tables.thinned(tables.of_tuple(name, function(true, scores, **given)), most)
        for key, values in found.items():
            columns.setdefault(key, []).extend(values)
        if label:
            columns.setdefault("class", []).extend([label] * len(next(iter(found.values()))))
    return columns


def _of_regressor(asked: Asked, output: Output) -> Mapping[str, Callable[[], dict[str, Any]]]:
    if not all(values.dtype.kind in "biuf" for values in (output.true, output.predicted)):
        return {}
    columns = {"actual": output.true.tolist(), "predicted": output.predicted.tolist()}
    make = partial(tables.thinned, columns)
    return {"predicted_vs_actual": make, "residuals": make}
