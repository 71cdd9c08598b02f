"""Cross-validation: by stratified folds, by folds of one's own, with a metric of one's own."""
# AUTOLOG
import numpy as np
from lightgbm import Dataset, cv, early_stopping, log_evaluation
from sklearn.model_selection import KFold

rng = np.random.RandomState(21)
X = rng.rand(450, 6)
y = (X[:, 0] * X[:, 1] + rng.rand(450) * 0.2 > 0.3).astype(int)
params = {
    "objective": "binary",
    "metric": ["auc", "binary_logloss"],
    "min_child_samples": 5,
    "verbosity": -1,
}
data = Dataset(X, label=y, free_raw_data=False)
result = cv(
    params,
    data,
    num_boost_round=30,
    nfold=4,
    stratified=True,
    seed=7,
    callbacks=[early_stopping(4, first_metric_only=True), log_evaluation(10)],
    eval_train_metric=True,
    return_cvbooster=True,
)
booster = result.pop("cvbooster")
best = booster.best_iteration
print("best round:", best, result["valid auc-mean"][-1], result["valid auc-stdv"][-1])


def accuracy(preds, data):
    return "accuracy", float(np.mean((preds > 0.5) == data.get_label())), True


own = cv(
    {"objective": "binary", "metric": "None", "eta": 0.3, "num_threads": 1, "verbose": -1},
    data,
    12,
    folds=KFold(3, shuffle=True, random_state=1),
    feval=accuracy,
)
print(own)
