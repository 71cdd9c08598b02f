"""What each hook records, in words, for `autolog doctor --explain`."""

from __future__ import annotations

from autolog.integration import Captured

_CONFIG = Captured("param", "the effective configuration (save_config), the chosen marked")
_STOPPING = Captured("param", "early stopping by argument or EarlyStopping, callbacks")
_SERIES = Captured("metric", "<eval set>-<metric> by boosting round, live", "series")
_TIME = Captured("metric", "round_time in seconds, by boosting round", "round_time")
_DATA = Captured("dataset", "what went into the matrices: shape, digest, target", "datasets")
_FIGURES = Captured("dataset", "statistics of their columns, counts of classes", "statistics")
_BEST = Captured("metric", "best_iteration, best_score, stopped_iteration")
_IMPORTANCE = Captured("table", "feature_importance: weight, gain, cover, totals", "importance")
_PICTURE = Captured("artifact", "a picture of feature_importance", "plots")
_MODEL = Captured("model", "the booster as ubj, safe to load", "models")
_LINEAGE = Captured("tag", "continued_from, continued_from_model: run and digest of the model")

CAPTURES = {
    "train": (
        Captured("param", "params, num_boost_round and the other arguments"),
        _CONFIG,
        _STOPPING,
        _SERIES,
        Captured("metric", "learning_rate by round, where a callback sets it"),
        _TIME,
        _BEST,
        _DATA,
        _FIGURES,
        _IMPORTANCE,
        _PICTURE,
        _MODEL,
        _LINEAGE,
    ),
    "cv": (
        Captured("param", "params, nfold and the other arguments"),
        _CONFIG,
        _STOPPING,
        Captured("metric", "<data>-<metric>-mean and -std by boosting round, live", "series"),
        _TIME,
        _BEST,
        _DATA,
        _FIGURES,
        Captured("table", "cv_results: what the call gave"),
    ),
    "fold": (Captured("table", "folds: what each fold gave in each round"),),
    "booster": (Captured("param", "params, kept for the loop that trains the booster"),),
    "update": (
        Captured("param", "the booster's params, the objective's name"),
        _CONFIG,
        _TIME,
        _DATA,
        _FIGURES,
        _LINEAGE,
    ),
    "change": (Captured("metric", "the learning rate that a callback sets for the next round"),),
    "evaluate": (
        Captured("metric", "in a loop as a series, after a training as logloss_X_test", "series"),
        Captured("dataset", "what was evaluated, with its role and eval name", "datasets"),
    ),
    "given_up": (_IMPORTANCE, _PICTURE, _MODEL),
    "matrix": (
        Captured("dataset", "what went in, kept for the training that uses it", "datasets"),
    ),
    "predict": (
        Captured("dataset", "what was predicted from, with the first metric of it", "datasets"),
    ),
    "fit": (
        Captured("param", "what None among the params stands for"),
        Captured("dataset", "the eval sets, with their role and eval name", "datasets"),
        _SERIES,
        _BEST,
        _IMPORTANCE,
    ),
    "train_elsewhere": (
        Captured("param", "params, num_boost_round and the other arguments"),
        _CONFIG,
        Captured("metric", "<eval set>-<metric> by boosting round, when all are over"),
        _BEST,
        Captured("dataset", "the name of the data", "datasets"),
        _IMPORTANCE,
        _MODEL,
    ),
    "fit_elsewhere": (
        Captured("param", "what None among the params stands for"),
        Captured("metric", "<eval set>-<metric> by boosting round, when all are over"),
        _BEST,
        _IMPORTANCE,
    ),
    "fit_on_spark": (
        Captured("param", "params as they are written, the set marked; stages, grids of a search"),
        Captured("param", "what None among the params stands for"),
        Captured("metric", "training-<metric>, validation-<metric> by round, when all are over"),
        _BEST,
        Captured("table", "cv_results: candidates of a search, their means and deviations"),
        Captured("dataset", "name, columns and target, off the schema", "datasets"),
        _IMPORTANCE,
        Captured("model", "the model of one machine as ubj, safe to load", "models"),
        _LINEAGE,
    ),
}
