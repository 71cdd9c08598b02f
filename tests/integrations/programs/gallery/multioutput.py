"""Several targets at once: chains of classifiers and of regressors."""
# AUTOLOG
import numpy as np
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import hamming_loss, jaccard_score, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor, RegressorChain
from sklearn.tree import DecisionTreeRegressor

X, Y = make_multilabel_classification(n_samples=300, n_classes=4, random_state=0)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.3, random_state=0)

base_lr = LogisticRegression(max_iter=300)
ovr = OneVsRestClassifier(base_lr)
ovr.fit(X_train, Y_train)
Y_pred_ovr = ovr.predict(X_test)
ovr_score = jaccard_score(Y_test, Y_pred_ovr, average="samples")

chains = [ClassifierChain(base_lr, order="random", random_state=i) for i in range(3)]
for chain in chains:
    chain.fit(X_train, Y_train)
Y_pred_chains = np.array([chain.predict_proba(X_test) for chain in chains])
chain_scores = [
    jaccard_score(Y_test, Y_pred_chain >= 0.5, average="samples") for Y_pred_chain in Y_pred_chains
]
Y_pred_ensemble = Y_pred_chains.mean(axis=0)
ensemble_score = jaccard_score(Y_test, Y_pred_ensemble >= 0.5, average="samples")
print("independent:", round(ovr_score, 4), "hamming:", round(hamming_loss(Y_test, Y_pred_ovr), 4))
print("chains:", np.round(chain_scores, 4), "ensemble:", round(ensemble_score, 4))

X, y = make_regression(n_samples=200, n_features=6, n_targets=3, noise=5.0, random_state=1)
X_tr, X_te, y_tr, y_te = X[:150], X[150:], y[:150], y[150:]
scores = {}
for name, model in [
    ("tree", DecisionTreeRegressor(max_depth=5, random_state=0)),
    ("multi", MultiOutputRegressor(Ridge(alpha=1.0))),
    ("chain", RegressorChain(Ridge(alpha=1.0), order=[2, 0, 1])),
]:
    y_hat = model.fit(X_tr, y_tr).predict(X_te)
    scores[name] = {
        "r2": r2_score(y_te, y_hat),
        "mae of the first": mean_absolute_error(y_te[:, 0], y_hat[:, 0]),
    }
    each = r2_score(y_te, y_hat, multioutput="raw_values")
    print(f"{name:>6}: {scores[name]['r2']:.4f} {scores[name]['mae of the first']:.4f} {each.round(3)}")
