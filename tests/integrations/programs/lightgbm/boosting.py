"""Kinds of boosting side by side: dart, random forest, linear trees, goss; each with early stopping."""
# AUTOLOG
import lightgbm as lgb
import numpy as np
from sklearn.metrics import mean_absolute_error

rng = np.random.RandomState(17)
X = rng.uniform(-2, 2, (600, 3))
y = np.abs(X[:, 0]) + 0.5 * X[:, 1] + rng.normal(size=600) * 0.1
X_train, X_val, X_test = X[:350], X[350:450], X[450:]
y_train, y_val, y_test = y[:350], y[350:450], y[450:]

KINDS = {
    "dart": {"boosting": "dart", "drop_rate": 0.2, "drop_seed": 3},
    "rf": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
    "linear": {"linear_tree": True, "linear_lambda": 0.1},
    "goss": {"data_sample_strategy": "goss", "early_stopping_rounds": 5, "eta": 0.3},
}
errors, curves, best = {}, {}, {}
for kind, own in KINDS.items():
    train_set = lgb.Dataset(X_train, y_train, params={"linear_tree": kind == "linear"})
    val_set = lgb.Dataset(X_val, y_val, reference=train_set)
    seen = {}
    model = lgb.train(
        {"objective": "regression", "metric": "l1", "num_leaves": 7, "verbose": -1, **own},
        train_set,
        40,
        valid_sets=[val_set],
        valid_names=["val"],
        callbacks=[lgb.record_evaluation(seen)],
    )
    errors[kind] = mean_absolute_error(y_test, model.predict(X_test))
    curves[kind], best[kind] = seen["val"]["l1"], model.best_iteration
    print(kind, errors[kind], len(curves[kind]), best[kind])
