"""Callbacks: one of one's own, early stopping that keeps the best model, checkpoints, schedules."""
# AUTOLOG
import os

import numpy as np
import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split


class Plotting(xgb.callback.TrainingCallback):
    """Keeps what a plot would show."""

    def __init__(self, rounds):
        self.rounds = rounds
        self.lines = []

    def after_iteration(self, model, epoch, evals_log):
        for data, metrics in evals_log.items():
            for name, values in metrics.items():
                assert len(values) == epoch + 1
                self.lines.append((data, name, values[-1]))
        return False


X, y = load_breast_cancer(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, random_state=0)
D_train = xgb.DMatrix(X_train, y_train)
D_valid = xgb.DMatrix(X_valid, y_valid)

num_boost_round = 60
plotting = Plotting(num_boost_round)
stopping = xgb.callback.EarlyStopping(
    rounds=4, metric_name="logloss", data_name="Valid", save_best=True, min_delta=1e-4
)
evals_result = {}
bst = xgb.train(
    {"objective": "binary:logistic", "eval_metric": ["error", "logloss"], "tree_method": "hist", "eta": 0.5},
    D_train,
    evals=[(D_train, "Train"), (D_valid, "Valid")],
    num_boost_round=num_boost_round,
    evals_result=evals_result,
    callbacks=[plotting, stopping],
    verbose_eval=10,
)
rounds = len(evals_result["Valid"]["logloss"])
print(bst.best_iteration, bst.best_score, bst.num_boosted_rounds(), rounds)
probability = bst.predict(D_valid)
auc = roc_auc_score(y_valid, probability)
loss = log_loss(y_valid, probability)
print(f"auc {auc:.6f} loss {loss:.6f}")

os.mkdir("checkpoints")
if True:
    tmpdir = "checkpoints"
    check_point = xgb.callback.TrainingCheckPoint(directory=tmpdir, interval=3, name="model")
    xgb.train(
        {"objective": "binary:logistic", "max_depth": 3},
        D_train,
        num_boost_round=10,
        verbose_eval=False,
        callbacks=[check_point],
    )
    print(sorted(os.listdir(tmpdir)))

rates = np.linspace(0.9, 0.1, 8).tolist()
scheduled = {}
xgb.train(
    {"objective": "binary:logistic", "eta": 0.3},
    D_train,
    num_boost_round=8,
    evals=[(D_valid, "Valid")],
    evals_result=scheduled,
    callbacks=[xgb.callback.LearningRateScheduler(rates)],
)
