"""One model after another: going on from an estimator, fitting leaves anew, threads, a failure."""
# AUTOLOG
import threading

import lightgbm as lgb
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

rng = np.random.RandomState(29)
X = rng.rand(500, 5)
y = (X[:, 2] + rng.rand(500) * 0.5 > 0.75).astype(int)
X_old, X_new, X_test = X[:200], X[200:400], X[400:]
y_old, y_new, y_test = y[:200], y[200:400], y[400:]

first = lgb.LGBMClassifier(n_estimators=6, verbose=-1, n_jobs=1).fit(X_old, y_old)
second = lgb.LGBMClassifier(n_estimators=4, verbose=-1, n_jobs=1)
second.fit(X_new, y_new, init_model=first, eval_set=[(X_test, y_test)])
auc = roc_auc_score(y_test, second.predict_proba(X_test)[:, 1])
print(auc, second.n_iter_, second.booster_.current_iteration())
evals = second.evals_result_["valid_0"]["binary_logloss"]

renewed = second.booster_.refit(X_new, y_new, decay_rate=0.5)
auc_renewed = roc_auc_score(y_test, renewed.predict(X_test))
print(auc_renewed)

scores = cross_val_score(lgb.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1), X, y, cv=3)
print(scores)

found = {}


def work(leaves):
    model = lgb.LGBMClassifier(num_leaves=leaves, n_estimators=3, verbose=-1, n_jobs=1)
    found[leaves] = model.fit(X_old, y_old).score(X_test, y_test)


threads = [threading.Thread(target=work, args=(leaves,)) for leaves in (3, 9)]
for thread in threads:
    thread.start()
    thread.join()
print(found)

try:
    lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X_old, y_old + 5), 3)
except lgb.basic.LightGBMError as error:
    print("refused:", error)
