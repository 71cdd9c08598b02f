"""The guide's long example: names, weights, categories, going on, schedules, functions of one's own."""
# AUTOLOG
import json
import pickle

import lightgbm as lgb
import numpy as np
from sklearn.metrics import roc_auc_score

rng = np.random.RandomState(11)
X = rng.rand(600, 10)
X[:, 4] = rng.randint(0, 4, 600)
y = (X[:, 1] + (X[:, 4] == 2) + rng.rand(600) * 0.5 > 1.1).astype(int)
W_train = rng.uniform(0.5, 1.5, 400)
X_train, X_test, y_train, y_test = X[:400], X[400:], y[:400], y[400:]
num_train, num_feature = X_train.shape

lgb_train = lgb.Dataset(X_train, y_train, weight=W_train, free_raw_data=False)
lgb_eval = lgb.Dataset(X_test, y_test, reference=lgb_train, free_raw_data=False)
params = {
    "boosting_type": "gbdt",
    "objective": "binary",
    "metric": "binary_logloss",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "feature_fraction": 0.9,
    "seed": 5,
    "verbose": -1,
}
feature_name = [f"feature_{col}" for col in range(num_feature)]

history = {}
lgb_train.set_feature_name(feature_name).set_categorical_feature([4])
gbm = lgb.train(
    params,
    lgb_train,
    num_boost_round=10,
    valid_sets=lgb_train,
    callbacks=[lgb.record_evaluation(history)],
)
print(f"7th feature name is: {lgb_train.feature_name[6]}")
gbm.save_model("model.txt")
model_json = gbm.dump_model()
print(len(model_json["tree_info"]), gbm.feature_name(), list(gbm.feature_importance()))
with open("model.json", "w+") as f:
    json.dump(model_json["feature_names"], f)

bst = lgb.Booster(model_file="model.txt")
y_pred = bst.predict(X_test)
auc_loaded = roc_auc_score(y_test, y_pred)
print("auc of the loaded model:", auc_loaded)

with open("model.pkl", "wb") as fout:
    pickle.dump(gbm, fout)
with open("model.pkl", "rb") as fin:
    pkl_bst = pickle.load(fin)
y_pred = pkl_bst.predict(X_test, num_iteration=7)
auc_pickled = roc_auc_score(y_test, y_pred)
print("auc of the pickled model's first 7:", auc_pickled)

first = {}
gbm = lgb.train(
    params,
    lgb_train,
    num_boost_round=10,
    init_model="model.txt",
    valid_sets=lgb_eval,
    callbacks=[lgb.record_evaluation(first)],
)
print("Finished 10 - 20 rounds with model file...", gbm.current_iteration())

second = {}
gbm = lgb.train(
    params,
    lgb_train,
    num_boost_round=10,
    init_model=gbm,
    valid_sets=lgb_eval,
    callbacks=[
        lgb.reset_parameter(learning_rate=lambda iter: 0.05 * (0.99**iter)),
        lgb.record_evaluation(second),
    ],
)
print("Finished 20 - 30 rounds with decay learning rates...")

third = {}
gbm = lgb.train(
    params,
    lgb_train,
    num_boost_round=10,
    init_model=gbm,
    valid_sets=lgb_eval,
    callbacks=[
        lgb.reset_parameter(bagging_fraction=[0.7] * 5 + [0.6] * 5),
        lgb.record_evaluation(third),
    ],
)
print("Finished 30 - 40 rounds with changing bagging_fraction...")


def loglikelihood(preds, train_data):
    labels = train_data.get_label()
    preds = 1.0 / (1.0 + np.exp(-preds))
    return preds - labels, preds * (1.0 - preds)


def binary_error(preds, train_data):
    labels = train_data.get_label()
    preds = 1.0 / (1.0 + np.exp(-preds))
    return "error", np.mean(labels != (preds > 0.5)), False


fourth = {}
params_custom_obj = {**params, "objective": loglikelihood}
gbm = lgb.train(
    params_custom_obj,
    lgb_train,
    num_boost_round=10,
    init_model=gbm,
    feval=binary_error,
    valid_sets=lgb_eval,
    callbacks=[lgb.record_evaluation(fourth)],
)
print("Finished 40 - 50 rounds with self-defined objective function and eval metric...")
raw = gbm.predict(X_test)
auc_last = roc_auc_score(y_test, raw)
print("auc at the end:", auc_last, gbm.current_iteration(), gbm.num_trees())
print(history, first, second, third, fourth)
