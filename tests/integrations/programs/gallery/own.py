"""One's own classifier, one's own cost, one's own choice of the best."""
# AUTOLOG
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, euclidean_distances, fbeta_score, get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted


class TemplateClassifier(ClassifierMixin, BaseEstimator):
    """Every class is its centre of gravity, drawn a little towards the middle of all."""

    def __init__(self, shrink=0.0):
        self.shrink = shrink

    def fit(self, X, y):
        self.classes_ = unique_labels(y)
        middle = X.mean(axis=0)
        centers = [X[y == label].mean(axis=0) for label in self.classes_]
        self.centers_ = np.array([c + self.shrink * (middle - c) for c in centers])
        return self

    def predict(self, X):
        check_is_fitted(self)
        return self.classes_[np.argmin(euclidean_distances(X, self.centers_), axis=1)]


def cost_of_errors(y_true, y_pred, miss=5.0):
    (tn, fp), (fn, tp) = confusion_matrix(y_true, y_pred)
    return (fp + miss * fn) / len(y_true)


def best_low_shrink(cv_results):
    """The last candidate within a hundredth of the best."""
    scores = cv_results["mean_test_cost"]
    return int(np.flatnonzero(scores >= scores.max() - 0.01)[-1])


cost = make_scorer(cost_of_errors, greater_is_better=False)
ftwo = make_scorer(fbeta_score, beta=2, pos_label=0)

data = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=0)
template = TemplateClassifier(shrink=0.1).fit(X_train, y_train)
accuracy = template.score(X_test, y_test)
print("template:", round(accuracy, 4), "F2:", round(ftwo(template, X_test, y_test), 4))
print("f1 by its name:", round(get_scorer("f1")(template, X_test, y_test), 4))

cv = cross_validate(TemplateClassifier(), X_train, y_train, cv=3, scoring={"cost": cost, "f2": ftwo})
print({name: values.round(3).tolist() for name, values in cv.items() if name.startswith("test_")})

grid = GridSearchCV(
    make_pipeline(StandardScaler(), TemplateClassifier()),
    {"templateclassifier__shrink": [0.0, 0.3, 0.6]},
    scoring={"cost": cost, "accuracy": "accuracy"}, refit=best_low_shrink, cv=3,
)
grid.fit(X_train, y_train)
print("chosen:", grid.best_params_, "costs:", (-grid.cv_results_["mean_test_cost"]).round(3))
predicted = grid.predict(X_test)
money = cost_of_errors(y_test, predicted)
print("cost on the test set:", round(money, 4))


class Majority:
    """Knows nothing of scikit-learn."""

    def fit(self, X, y):
        values, counts = np.unique(y, return_counts=True)
        self.most_ = values[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(len(X), self.most_)


print("majority:", np.mean(Majority().fit(X_train, y_train).predict(X_test) == y_test).round(4))
scaled = make_pipeline(StandardScaler(), LogisticRegression())
print("logistic:", scaled.fit(X_train, y_train).score(X_test, y_test))
