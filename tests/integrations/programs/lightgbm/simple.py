"""The first example of the guide: data of one's own, early stopping, the model in a file."""
# AUTOLOG
import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import mean_squared_error, r2_score

print("Loading data...")
rng = np.random.RandomState(7)
columns = [f"f{i}" for i in range(8)]
frame = pd.DataFrame(rng.normal(size=(700, 8)), columns=columns)
frame["target"] = 2 * frame["f0"] - frame["f3"] ** 2 + rng.normal(size=700) * 0.2
df_train, df_test = frame[:500], frame[500:]

y_train = df_train["target"]
y_test = df_test["target"]
X_train = df_train.drop("target", axis=1)
X_test = df_test.drop("target", axis=1)

lgb_train = lgb.Dataset(X_train, y_train)
lgb_eval = lgb.Dataset(X_test, y_test, reference=lgb_train)

params = {
    "boosting_type": "gbdt",
    "objective": "regression",
    "metric": {"l2", "l1"},
    "num_leaves": 31,
    "learning_rate": 0.05,
    "feature_fraction": 0.9,
    "bagging_fraction": 0.8,
    "bagging_freq": 5,
    "verbose": 0,
}

print("Starting training...")
evals = {}
gbm = lgb.train(
    params,
    lgb_train,
    num_boost_round=20,
    valid_sets=lgb_eval,
    callbacks=[lgb.early_stopping(stopping_rounds=5), lgb.record_evaluation(evals)],
)

print("Saving model...")
gbm.save_model("model.txt")

print("Starting predicting...")
y_pred = gbm.predict(X_test, num_iteration=gbm.best_iteration)
rmse_test = mean_squared_error(y_test, y_pred) ** 0.5
print(f"The RMSE of prediction is: {rmse_test}")
r2 = r2_score(y_test, y_pred)
mse = mean_squared_error(y_test, y_pred)
print(r2, list(params))
