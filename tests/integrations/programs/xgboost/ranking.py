"""Learning to rank: groups of queries, ndcg@3 and map, natively and by the scikit-learn class."""
# AUTOLOG
import numpy as np
import xgboost as xgb

rng = np.random.default_rng(8)
queries, docs = 30, 12
X = rng.normal(size=(queries * docs, 6))
relevance = np.clip(np.round(X[:, 0] + 0.5 * X[:, 1] + rng.normal(scale=0.4, size=len(X))), 0, 4).astype(int)
qid = np.repeat(np.arange(queries), docs)
cut = 24 * docs
x_train, x_valid, y_train, y_valid = X[:cut], X[cut:], relevance[:cut], relevance[cut:]
group_train, group_valid = [docs] * 24, [docs] * 6

train_dmatrix = xgb.DMatrix(x_train, y_train)
valid_dmatrix = xgb.DMatrix(x_valid, y_valid)
train_dmatrix.set_group(group_train)
valid_dmatrix.set_group(group_valid)

params = {"objective": "rank:ndcg", "eta": 0.1, "gamma": 1.0, "min_child_weight": 0.1, "max_depth": 6,
          "eval_metric": ["ndcg@3", "ndcg", "ndcg@5-"]}
results = {}
xgb_model = xgb.train(params, train_dmatrix, num_boost_round=5, evals=[(train_dmatrix, "train"), (valid_dmatrix, "validation")],
                      evals_result=results)
pred = xgb_model.predict(valid_dmatrix)
print(pred[:5])

ranker = xgb.XGBRanker(
    tree_method="hist", lambdarank_num_pair_per_sample=8, objective="rank:ndcg", lambdarank_pair_method="topk",
    n_estimators=8, eval_metric=["ndcg@5"],
)
ranker.fit(x_train, y_train, qid=qid[:cut], eval_set=[(x_valid, y_valid)], eval_qid=[qid[cut:]], verbose=True)
scores = ranker.predict(x_valid)
ndcg = ranker.evals_result()["validation_0"]["ndcg@5"]
print(scores[:5], ndcg[-1])
