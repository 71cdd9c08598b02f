"""Learning to rank: queries, ndcg at several places, with `train` and with the class."""
# AUTOLOG
import lightgbm as lgb
import numpy as np

rng = np.random.RandomState(5)
sizes = rng.randint(5, 15, 60)
rows = int(sizes.sum())
X = rng.rand(rows, 5)
relevance = np.clip((X[:, 0] * 3 + rng.rand(rows)).astype(int), 0, 3)
cut = int(sizes[:40].sum())
X_train, X_valid = X[:cut], X[cut:]
y_train, y_valid = relevance[:cut], relevance[cut:]
q_train, q_valid = sizes[:40], sizes[40:]

train_set = lgb.Dataset(X_train, label=y_train, group=q_train)
valid_set = lgb.Dataset(X_valid, label=y_valid, group=q_valid, reference=train_set)
seen = {}
params = {
    "objective": "lambdarank",
    "metric": "ndcg",
    "eval_at": [1, 3, 5],
    "label_gain": [0, 1, 3, 7],
    "min_data_in_leaf": 3,
    "verbose": -1,
}
model = lgb.train(
    params,
    train_set,
    15,
    valid_sets=[train_set, valid_set],
    valid_names=["train", "valid"],
    callbacks=[lgb.record_evaluation(seen), lgb.early_stopping(6, verbose=False)],
)
print(model.best_iteration, model.best_score)

ranker = lgb.LGBMRanker(n_estimators=8, min_child_samples=3, verbose=-1, n_jobs=1)
ranker.fit(
    X_train,
    y_train,
    group=q_train,
    eval_set=[(X_valid, y_valid)],
    eval_group=[q_valid],
    eval_at=[2, 4],
)
print(ranker.evals_result_, ranker.predict(X_valid)[:5])
