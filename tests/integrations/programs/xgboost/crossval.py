"""Cross-validation: several metrics, a preparation of each fold, an objective of one's own."""
# AUTOLOG
import numpy as np
import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

X, y = load_breast_cancer(return_X_y=True)
dtrain = xgb.DMatrix(X, label=y)
param = {"max_depth": 2, "eta": 1, "objective": "binary:logistic"}

plain = xgb.cv(param, dtrain, 6, nfold=5, metrics={"error"}, seed=0,
               callbacks=[xgb.callback.EvaluationMonitor(show_stdv=True)])

stopped = xgb.cv(
    param, dtrain, num_boost_round=40, nfold=4, metrics=["auc", "logloss"], seed=1, stratified=True,
    early_stopping_rounds=3, verbose_eval=20,
)
print(stopped.tail(1).to_string())


def fpreproc(dtrain, dtest, param):
    label = dtrain.get_label()
    param["scale_pos_weight"] = float(np.sum(label == 0)) / np.sum(label == 1)
    return dtrain, dtest, param


weighted = xgb.cv(param, dtrain, 4, nfold=5, metrics={"auc"}, seed=0, fpreproc=fpreproc)


def logregobj(preds, dtrain):
    labels = dtrain.get_label()
    preds = 1.0 / (1.0 + np.exp(-preds))
    return preds - labels, preds * (1.0 - preds)


def evalerror(preds, dtrain):
    labels = dtrain.get_label()
    preds = 1.0 / (1.0 + np.exp(-preds))
    return "error", float(sum(labels != (preds > 0.5))) / len(labels)


splitter = StratifiedKFold(3, shuffle=True, random_state=5)
own = xgb.cv({"max_depth": 2, "eta": 1, "disable_default_eval_metric": 1}, dtrain, 4, seed=0, obj=logregobj,
             custom_metric=evalerror, folds=splitter, as_pandas=False)
print(own["test-error-mean"], np.random.rand())
best = int(np.argmin(stopped["test-logloss-mean"]))
