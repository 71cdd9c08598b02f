"""Model selection by the book: nested cross-validation, curves, searches, ensembles."""
# AUTOLOG
import numpy as np
from scipy.stats import loguniform
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_selection import RFECV, SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from facts import end, fact

X, y = load_iris(return_X_y=True)
outer = KFold(3, shuffle=True, random_state=0)
inner = GridSearchCV(SVC(), {"C": [1, 10]}, cv=2)
nested = cross_val_score(inner, X=X, y=y, cv=outer)
sizes, _, tested = learning_curve(
    GaussianNB(), X, y, cv=ShuffleSplit(3, test_size=0.2, random_state=0), train_sizes=[0.3, 1.0]
)
train, test = validation_curve(SVC(), X, y, param_name="gamma", param_range=[0.001, 0.01, 0.1], cv=3)
kernels, _ = validation_curve(SVC(), X, y, param_name="kernel", param_range=["rbf", "linear"], cv=2)
score, _, pvalue = permutation_test_score(GaussianNB(), X, y, n_permutations=3, random_state=0)
folds = cross_validate(
    GaussianNB(), X, y, cv=iter(list(KFold(3, shuffle=True, random_state=1).split(X))),
    scoring=["accuracy", "f1_macro"], return_train_score=True, return_estimator=True,
)  # fmt: skip
chosen = SelectKBest(k=2).fit_transform(X, y)
macro = make_scorer(f1_score, average="macro")
search = RandomizedSearchCV(
    LogisticRegression(max_iter=500), {"C": loguniform(0.01, 10)}, n_iter=3, cv=2, random_state=0,
    scoring={"acc": "accuracy", "f1": macro}, refit="f1", return_train_score=True,
)  # fmt: skip
search.fit(chosen, y)
rfecv = RFECV(LogisticRegression(max_iter=500), cv=2, min_features_to_select=2).fit(X, y)
calibrated = CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2).fit(X, y)
vote = VotingClassifier([("nb", GaussianNB()), ("lr", LogisticRegression(max_iter=500))], voting="soft", weights=[2, 1])
vote.fit(X, y)
boosting = HistGradientBoostingClassifier(max_iter=3, early_stopping=True, random_state=0).fit(X, y)
kernel = RBF(2.0) + WhiteKernel(0.1)
process = GaussianProcessRegressor(kernel, random_state=0).fit(X[:20], X[:20, 0])
print(nested, tested.mean(), test.mean(), kernels.mean(), score, folds["test_accuracy"], search.best_params_)

fact("names", [
    "cross_val_score", "learning_curve", "validation_curve", "validation_curve", "permutation_test_score", "cross_validate",
    "RandomizedSearchCV›LogisticRegression", "RFECV›LogisticRegression", "CalibratedClassifierCV›GaussianNB",
    "VotingClassifier", "HistGradientBoostingClassifier", "GaussianProcessRegressor",
])  # fmt: skip
fact(0, "history", "test_score", nested)
fact(0, "params", "cv", 2)
fact(0, "params", "cross_val_score__cv", "KFold(n_splits=3, shuffle=True, random_state=0)")
fact(1, "history", "test_score", tested.mean(axis=1))
fact(1, "steps", "test_score", sizes)
fact(1, "params", "train_sizes", [0.3, 1.0])
fact(2, "params", "param_name", "gamma")
fact(2, "steps", "test_score", [0.001, 0.01, 0.1])
fact(2, "history", "train_score", train.mean(axis=1))
fact(3, "tables", "curve", "columns", "kernel", ["rbf", "linear"])
fact(3, "steps", "train_score", [0, 1])
fact(4, "metrics", "pvalue", pvalue)
fact(5, "history", "test_f1_macro", folds["test_f1_macro"])
fact(5, "metrics", "mean_train_accuracy", folds["train_accuracy"].mean())
fact(6, "metrics", "best_score", search.best_score_)
fact(6, "params", "best_C", search.best_params_["C"])
fact(6, "history", "mean_train_acc", search.cv_results_["mean_train_acc"])
fact(6, "datasets", "chosen", "lineage", 0, "params", {"k": 2})
fact(7, "metrics", "n_features", int(rfecv.n_features_))
fact(8, "params", "method", "isotonic")
fact(9, "params", "weights", [2, 1])
fact(10, "metrics", "n_iter", boosting.n_iter_)
fact(10, "history", "validation_score", boosting.validation_score_)
fact(11, "params", "kernel", "RBF(length_scale=2) + WhiteKernel(noise_level=0.1)")
fact(11, "tags", "kernel", str(process.kernel_))
fact(11, "metrics", "log_marginal_likelihood_value", process.log_marginal_likelihood_value_)
end(calibrated, vote, process)
