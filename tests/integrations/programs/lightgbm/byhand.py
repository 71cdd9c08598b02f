"""A loop of one's own over `Booster.update`, with evaluation, a rollback and the best round kept."""
# AUTOLOG
import lightgbm as lgb
import numpy as np
from sklearn.metrics import accuracy_score

rng = np.random.RandomState(9)
X = rng.rand(500, 4)
y = (np.sin(X[:, 0] * 6) + X[:, 1] + rng.rand(500) * 0.4 > 1).astype(int)
X_fit, X_dev, y_fit, y_dev = X[:350], X[350:], y[:350], y[350:]
fit_set = lgb.Dataset(X_fit, label=y_fit)
dev_set = fit_set.create_valid(X_dev, label=y_dev)


def boost(rate):
    booster = lgb.Booster(
        {"objective": "binary", "metric": "auc", "shrinkage_rate": rate, "verbose": -1}, fit_set
    )
    booster.add_valid(dev_set, "dev")
    scores = []
    for _ in range(12):
        booster.update()
        scores += [result[2] for result in booster.eval_valid()]
    train_score = booster.eval_train()[0][2]
    return booster, scores, train_score


booster, scores, train_score = boost(0.2)
print(scores, train_score)
booster.rollback_one_iter()
print(booster.current_iteration())
accuracy = accuracy_score(y_dev, booster.predict(X_dev) > 0.5)
print("accuracy", accuracy)

slow_booster, slow_scores, slow_train = boost(0.05)
print(max(slow_scores), slow_train)


def squares(preds, data):
    return preds - data.get_label(), np.ones_like(preds)


own = lgb.Booster({"objective": "none", "metric": "l2", "verbose": -1}, lgb.Dataset(X_fit, y_fit))
losses = []
for i in range(6):
    own.update(fobj=squares)
    losses.append(own.eval_train()[0][2])
print(losses)
