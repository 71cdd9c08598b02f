"""An objective and a metric of one's own: the squared log error."""
# AUTOLOG
import numpy as np
import xgboost as xgb
from sklearn.datasets import make_friedman1
from sklearn.metrics import mean_squared_log_error
from sklearn.model_selection import train_test_split

features, response = make_friedman1(400, random_state=11)
X_train, X_test, y_train, y_test = train_test_split(features, response, random_state=11)
dtrain = xgb.DMatrix(X_train, y_train)
dtest = xgb.DMatrix(X_test, label=y_test)


def squared_log(predt, dtrain):
    predt[predt < -1] = -1 + 1e-6
    y = dtrain.get_label()
    grad = (np.log1p(predt) - np.log1p(y)) / (predt + 1)
    hess = (-np.log1p(predt) + np.log1p(y) + 1) / np.power(predt + 1, 2)
    return grad, np.maximum(hess, 1e-6)


def rmsle(predt, dtrain):
    y = dtrain.get_label()
    predt[predt < -1] = -1 + 1e-6
    return "PyRMSLE", float(np.sqrt(np.sum(np.power(np.log1p(y) - np.log1p(predt), 2)) / len(y)))


native = {}
xgb.train(
    {"tree_method": "hist", "seed": 1994, "objective": "reg:squaredlogerror", "disable_default_eval_metric": 0,
     "eval_metric": "rmsle"},
    dtrain=dtrain, num_boost_round=12, evals=[(dtrain, "dtrain"), (dtest, "dtest")], evals_result=native,
    verbose_eval=4,
)
results = {}
model = xgb.train(
    {"tree_method": "hist", "seed": 1994, "disable_default_eval_metric": 1, "min_child_weight": 0.001},
    dtrain=dtrain, num_boost_round=12, obj=squared_log, custom_metric=rmsle,
    evals=[(dtrain, "dtrain"), (dtest, "dtest")], evals_result=results, maximize=False, verbose_eval=4,
)
predicted = np.maximum(model.inplace_predict(X_test), 0)
msle = mean_squared_log_error(y_test, predicted)
print(f"{msle:.6f}")


def gradient(labels, predictions):
    return predictions - labels, np.ones_like(labels, dtype=float)


def mean_off(y_true, y_score):
    return float(np.mean(np.abs(y_true - y_score)))


reg = xgb.XGBRegressor(objective=gradient, eval_metric=mean_off, n_estimators=6, learning_rate=0.5)
reg.fit(X_train, y_train, eval_set=[(X_test, y_test)], verbose=False)
r2 = reg.score(X_test, y_test)
print(r2)
