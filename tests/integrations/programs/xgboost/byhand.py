"""Loops by hand: `Booster.update`, `Booster.boost` with gradients of one's own, prediction ranges."""
# AUTOLOG
import numpy as np
import xgboost as xgb
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=3)
dtrain, dtest = xgb.DMatrix(X_train, label=y_train), xgb.DMatrix(X_test, label=y_test)

booster = xgb.Booster({"max_depth": 3, "eta": 0.2, "eval_metric": "rmse"}, [dtrain, dtest])
curve = []
for i in range(15):
    booster.update(dtrain, i)
    line = booster.eval_set([(dtrain, "train"), (dtest, "test")], i)
    print(line)
    curve.append([float(part.split(":")[1]) for part in line.split("\t")[1:]])
mae = mean_absolute_error(y_test, booster.predict(dtest))
first = mean_absolute_error(y_test, booster.predict(dtest, iteration_range=(0, 5)))
print(mae, first)

other = xgb.Booster({"max_depth": 2, "eta": 0.1, "base_score": float(y_train.mean())}, [dtrain])
for i in range(6):
    margin = other.predict(dtrain, output_margin=True)
    other.boost(dtrain, i, grad=margin - y_train, hess=np.ones(len(y_train)))
mae_other = mean_absolute_error(y_test, other.predict(dtest))
print(mae_other)
