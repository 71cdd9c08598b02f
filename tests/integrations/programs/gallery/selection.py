"""Finding good settings cheaply: halving, features left out, and curves."""
# AUTOLOG
import numpy as np
from sklearn.datasets import make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    HalvingGridSearchCV,
    StratifiedKFold,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.svm import SVC

X, y = make_classification(
    n_samples=360, n_features=10, n_informative=3, n_redundant=2, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

sh = HalvingGridSearchCV(
    SVC(random_state=0), {"gamma": [0.01, 0.1, 1.0], "C": [1, 10]}, factor=3, cv=3, random_state=0
).fit(X_train, y_train)
print("resources per round:", sh.n_resources_, "candidates:", sh.n_candidates_)
print("best:", sh.best_params_, f"{sh.best_score_:.4f}", f"test {sh.score(X_test, y_test):.4f}")

rfecv = RFECV(
    estimator=LogisticRegression(), step=1, cv=StratifiedKFold(3), scoring="accuracy", min_features_to_select=1
)
rfecv.fit(X, y)
print(f"Optimal number of features: {rfecv.n_features_}")
print("chosen:", np.flatnonzero(rfecv.support_))

gammas = np.logspace(-3, 0, 4)
train_scores, test_scores = validation_curve(
    SVC(), X, y, param_name="gamma", param_range=gammas, scoring="accuracy", cv=3
)
for gamma, mean in zip(gammas, test_scores.mean(axis=1)):
    print(f"gamma {gamma:<6g} {mean:.4f}")
train_sizes, lc_train, lc_test = learning_curve(
    LogisticRegression(), X, y, cv=3, train_sizes=[0.3, 0.6, 1.0]
)
for size, mean, std in zip(train_sizes, lc_test.mean(axis=1), lc_test.std(axis=1)):
    print(f"{size:4d} rows: {mean:.4f} +/- {std:.4f}")
