"""The guide's example of the classes with `fit`: evaluation, a metric of one's own, a search."""
# AUTOLOG
import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV

rng = np.random.RandomState(3)
table = pd.DataFrame(rng.normal(size=(500, 6)), columns=list("abcdef"))
target = table["a"] * 3 + np.sin(table["b"]) + rng.normal(size=500) * 0.1
X_train, X_test, y_train, y_test = table[:400], table[400:], target[:400], target[400:]

print("Starting training...")
gbm = lgb.LGBMRegressor(num_leaves=31, learning_rate=0.05, n_estimators=20, verbose=-1, n_jobs=1)
gbm.fit(
    X_train,
    y_train,
    eval_set=[(X_test, y_test)],
    eval_metric="l1",
    callbacks=[lgb.early_stopping(5)],
)
y_pred = gbm.predict(X_test, num_iteration=gbm.best_iteration_)
first = mean_squared_error(y_test, y_pred)
print(f"The RMSE of prediction is: {first**0.5}")
print(f"Feature importances: {list(gbm.feature_importances_)}")
evals = gbm.evals_result_


def rmsle(y_true, y_pred):
    return "RMSLE", np.sqrt(np.mean((np.abs(y_pred) - np.abs(y_true)) ** 2)), False


def rae(y_true, y_pred):
    return "RAE", np.abs(y_pred - y_true).sum() / np.abs(y_true.mean() - y_true).sum(), False


gbm2 = lgb.LGBMRegressor(n_estimators=15, reg_alpha=0.1, random_state=4, verbose=-1, n_jobs=1)
gbm2.fit(
    X_train,
    y_train,
    eval_set=[(X_train, y_train), (X_test, y_test)],
    eval_names=["learned", "held_out"],
    eval_metric=[rmsle, rae],
)
evals2 = gbm2.evals_result_
y_pred = gbm2.predict(X_test)
print(mean_squared_error(y_test, y_pred), rmsle(y_test, y_pred)[1], rae(y_test, y_pred)[1])

estimator = lgb.LGBMRegressor(num_leaves=15, verbose=-1, n_jobs=1)
param_grid = {"learning_rate": [0.01, 0.1], "n_estimators": [5, 10]}
search = GridSearchCV(estimator, param_grid, cv=3)
search.fit(X_train, y_train)
print(f"Best parameters found by grid search are: {search.best_params_}")
r2 = search.score(X_test, y_test)
print(r2)
