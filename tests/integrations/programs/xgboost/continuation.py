"""Training goes on from a model: from a file, from an object, through the scikit-learn classes."""
# AUTOLOG
import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score

X, y = load_breast_cancer(return_X_y=True)

clf = xgb.XGBClassifier(n_estimators=8, eval_metric="logloss")
clf.fit(X, y, eval_set=[(X, y)], verbose=0)
results = clf.evals_result()["validation_0"]["logloss"]

clf_2 = xgb.XGBClassifier(n_estimators=3, eval_metric="logloss")
clf_2.fit(X, y, eval_set=[(X, y)], verbose=0)
clf_2.get_booster().save_model("three.ubj")

clf_3 = xgb.XGBClassifier(n_estimators=5, eval_metric="logloss")
clf_3.fit(X, y, eval_set=[(X, y)], verbose=0, xgb_model="three.ubj")
more = clf_3.evals_result()["validation_0"]["logloss"]
print(results[-1], more[-1], clf_3.get_booster().num_boosted_rounds())

dtrain = xgb.DMatrix(X, label=y)
params = {"objective": "binary:logistic", "max_depth": 3}
first, second = {}, {}
bst = xgb.train(params, dtrain, 4, evals=[(dtrain, "train")], evals_result=first, verbose_eval=False)
bst = xgb.train(
    params, dtrain, 4, evals=[(dtrain, "train")], evals_result=second, verbose_eval=2,
    xgb_model=bst, early_stopping_rounds=10,
)
accuracy = accuracy_score(y, bst.predict(dtrain) > 0.5)
print(bst.num_boosted_rounds(), bst.best_iteration, accuracy)
