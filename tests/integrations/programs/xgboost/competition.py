"""Out-of-fold predictions as in a competition: a matrix for each fold, the mean score of all."""
# AUTOLOG
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

X, y = make_classification(600, 12, n_informative=5, random_state=1)
train = pd.DataFrame(X, columns=[f"f{i}" for i in range(12)])
train["target"] = y
features = [c for c in train.columns if c != "target"]

params = {"objective": "binary:logistic", "eval_metric": "auc", "learning_rate": 0.1, "max_depth": 4,
          "subsample": 0.8, "colsample_bytree": 0.7, "seed": 2024}
oof, scores, best = np.zeros(len(train)), [], []
for fold, (tr, va) in enumerate(StratifiedKFold(3, shuffle=True, random_state=0).split(train, train["target"])):
    X_tr, y_tr = train.loc[tr, features], train.loc[tr, "target"]
    X_va, y_va = train.loc[va, features], train.loc[va, "target"]
    d_tr = xgb.DMatrix(X_tr, label=y_tr)
    d_va = xgb.DMatrix(X_va, label=y_va)
    model = xgb.train(params, d_tr, 60, evals=[(d_tr, "train"), (d_va, "valid")], early_stopping_rounds=8,
                      verbose_eval=30)
    oof[va] = model.predict(d_va, iteration_range=(0, model.best_iteration + 1))
    scores.append(roc_auc_score(y_va, oof[va]))
    best.append((model.best_iteration, model.best_score))
    print(f"fold {fold}: {scores[-1]:.6f}")
total = roc_auc_score(train["target"], oof)
print(f"all: {total:.6f}, mean {np.mean(scores):.6f}")
