"""What each hook records, in words, for `autolog doctor --explain` and the docs."""

from __future__ import annotations

from autolog.integration import Captured

_PARAMS = Captured(
    "param", "params as they are spelled and by main name, the effective configuration, callbacks"
)
_DATA = Captured("dataset", "of train and valid sets: name, role, shape, types, digest", "datasets")
_FIGURES = Captured("dataset", "statistics of their columns, counts of classes", "statistics")
_CURVES = Captured("metric", "each metric of each valid set by round, live; round_time; schedules")
_LINEAGE = Captured("tag", "continued_from, continued_from_model: run and digest of init_model")
_BEST = Captured("metric", "best_iteration, stopped_iteration, best_score")
_TABLE = Captured("table", "feature_importance: split and gain by feature")
_PICTURE = Captured("artifact", "the importances as a picture", "plots")
_MODEL = Captured("model", "as LightGBM text", "models")

CAPTURES = {
    "dataset": (Captured("dataset", "which of the program's objects went in, for what follows"),),
    "train": (_PARAMS, _LINEAGE, _DATA, _FIGURES, _CURVES, _BEST, _TABLE, _PICTURE, _MODEL),
    "cv": (
        _PARAMS,
        _DATA,
        Captured("metric", "mean and deviation of each metric by round, live; best_iteration"),
        Captured("table", "cv_results: mean, deviation and folds by round"),
    ),
    "folds": (Captured("table", "what each fold of a cv says by round, for cv_results"),),
    "fit": (
        Captured("dataset", "eval_set by name in the source and in LightGBM", "datasets"),
        Captured("param", "get_params(), where the sklearn integration is not there"),
        Captured("model", "the estimator: LightGBM text, JSON and pickle", "models"),
    ),
    "update": (
        _PARAMS,
        _DATA,
        Captured("metric", "rounds and round_time of a loop by hand, one run for each Booster"),
        _TABLE,
        Captured("model", "the booster, when the loop is over", "models"),
    ),
    "refit": (
        Captured("param", "decay_rate and the effective configuration"),
        _LINEAGE,
        _DATA,
        Captured("model", "the refitted booster", "models"),
    ),
    "evaluate": (Captured("metric", "results of eval, eval_train, eval_valid in such a loop"),),
    "gone": (Captured("model", "the booster of a loop, before its memory is freed", "models"),),
    "predict": (Captured("dataset", "the data that was predicted from", "datasets"),),
}
