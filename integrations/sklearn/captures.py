"""What each hook records, in words, for `autolog doctor --explain`."""

from __future__ import annotations

from autolog.integration import Captured

_DESCRIBED = (
    Captured("param", "get_params() of the estimator and its parts, the chosen ones marked"),
    Captured("tag", "estimator_name, estimator_class, estimator_kind, sklearn_version"),
)
_DATA = Captured("dataset", "X, y, sample_weight: shape, types, digest", "datasets")
_FIGURES = Captured("dataset", "statistics of their columns, counts of classes", "statistics")
_EXAMPLE = Captured("model", "with it the first rows of the data", "input_example")
_PICTURES = Captured("artifact", "pictures of what is in its tables and series", "plots")
_EVALUATED = Captured("dataset", "the data that was predicted from, with its role", "datasets")
_LIVE = (Captured("metric", "scores by candidate and fold, as the fits come back"),)

CAPTURES = {
    "fit": (
        *_DESCRIBED,
        _DATA,
        _FIGURES,
        Captured("metric", "numbers and curves that it holds: best_score, n_iter, loss_curve, …"),
        Captured("metric", "training_accuracy_score, …: calls the model", "training_metrics"),
        Captured("table", "coefficients, importances, cv_results, by name of feature"),
        Captured("model", "the fitted estimator, signed", "models"),
        _EXAMPLE,
        _PICTURES,
    ),
    "partial_fit": (
        *_DESCRIBED,
        _DATA,
        Captured("metric", "samples_seen and what the estimator says of itself, by call"),
        Captured("model", "the estimator, when the loop is over", "models"),
    ),
    "transform": (Captured("dataset", "who made it, with the training that it goes into"),),
    "validation": (
        *_DESCRIBED,
        Captured("param", "cv, scoring and the like"),
        _DATA,
        _FIGURES,
        Captured("metric", "scores by fold, by training size or by the param's values"),
        Captured("table", "folds: scores and times"),
        _PICTURES,
    ),
    "parallel": (
        Captured("metric", "progress: how many fits of a search or validation are done, live"),
        Captured("table", "splits: sizes and digests of the rows of each fold"),
    ),
    "fold": _LIVE,
    "given_out": (),
    "came_back": _LIVE,
    "predict": (_EVALUATED,),
    "score": (Captured("metric", "score_X_test"), _EVALUATED),
    "metric": (
        Captured("metric", "accuracy_score_X_test: the number, the call, its place, the link"),
        Captured("table", "confusion matrix, classification report, curves"),
        _EVALUATED,
        _PICTURES,
    ),
    "scorer": (Captured("metric", "what the scorer gave, under its name"), _EVALUATED),
    "importance": (
        Captured("table", "permutation importances by feature"),
        _EVALUATED,
        _PICTURES,
    ),
    "dependence": (Captured("table", "partial dependence by feature"), _EVALUATED, _PICTURES),
}
