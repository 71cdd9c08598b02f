"""The first steps: matrices, params, a watch list, a model that is saved and read again."""
# AUTOLOG
import os
import pickle

import numpy as np
import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=7)
dtrain = xgb.DMatrix(X_train, label=y_train)
dtest = xgb.DMatrix(X_test, label=y_test)

param = {"max_depth": 2, "eta": 1, "objective": "binary:logistic"}
watchlist = [(dtrain, "train"), (dtest, "eval")]
num_round = 6
history = {}
bst = xgb.train(param, dtrain, num_boost_round=num_round, evals=watchlist, evals_result=history)

preds = bst.predict(dtest)
labels = dtest.get_label()
error = sum(1 for i in range(len(preds)) if int(preds[i] > 0.5) != labels[i]) / float(len(preds))
print(f"error={error:f}")

bst.save_model("model-0.json")
bst.dump_model("dump.raw.txt")
dtest.save_binary("dtest.dmatrix")

bst2 = xgb.Booster(model_file="model-0.json")
dtest2 = xgb.DMatrix("dtest.dmatrix")
preds2 = bst2.predict(dtest2)
assert np.sum(np.abs(preds2 - preds)) == 0

bst3 = pickle.loads(pickle.dumps(bst))
assert np.sum(np.abs(bst3.predict(dtest2) - preds)) == 0
print(bst.eval(dtest, "held_out"), bst.num_boosted_rounds(), sorted(bst.get_fscore().items())[:3])
held_out = float(bst.eval(dtest, "held_out").split(":")[1])
for file in ("dtest.dmatrix",):
    os.remove(file)
