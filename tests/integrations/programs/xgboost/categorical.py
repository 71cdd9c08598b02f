"""Categorical features: data frames, optimal splits, a comparison with one-hot columns."""
# AUTOLOG
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.metrics import mean_squared_error, roc_auc_score

rng = np.random.default_rng(1994)
n = 600
df = pd.DataFrame(
    {
        "shop": pd.Categorical(rng.choice(["north", "south", "east", "west"], n)),
        "size": rng.normal(size=n),
        "day": pd.Categorical(rng.integers(0, 7, n)),
        "price": rng.uniform(1, 9, n),
    }
)
effect = df["shop"].cat.codes * 0.7 + df["size"] - 0.2 * df["day"].cat.codes.astype(float)
label = (effect + rng.normal(scale=0.5, size=n) > 0.8).astype(int)
train, test = df.iloc[:450], df.iloc[450:]
y_train, y_test = label.iloc[:450], label.iloc[450:]

clf = xgb.XGBClassifier(
    tree_method="hist", enable_categorical=True, max_cat_to_onehot=1, n_estimators=12, max_depth=4,
    eval_metric="auc",
)
clf.fit(train, y_train, eval_set=[(train, y_train), (test, y_test)], verbose=False)
probability = clf.predict_proba(test)[:, 1]
auc = roc_auc_score(y_test, probability)
print(f"AUC of optimal splits: {auc:.6f}")

hot, hot_test = pd.get_dummies(train), pd.get_dummies(test)
plain = xgb.XGBClassifier(tree_method="hist", n_estimators=12, max_depth=4)
plain.fit(hot, y_train)
auc_hot = roc_auc_score(y_test, plain.predict_proba(hot_test)[:, 1])
print(f"AUC of one-hot columns: {auc_hot:.6f}")

Xy = xgb.DMatrix(train, y_train, enable_categorical=True)
Xt = xgb.DMatrix(test, y_test, enable_categorical=True)
log = {}
booster = xgb.train({"max_cat_to_onehot": 5, "tree_method": "approx"}, Xy, num_boost_round=5, evals=[(Xt, "test")],
                    evals_result=log)
rmse = mean_squared_error(y_test, booster.predict(Xt)) ** 0.5
print(clf.get_booster().feature_names, clf.get_booster().feature_types, rmse)
gain = clf.get_booster().get_score(importance_type="gain")
