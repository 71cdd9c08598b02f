"""A working day with scikit-learn; the only line that speaks of autolog is the call."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autolog import autolog

autolog()

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(X_train, y_train)
print("pipeline   ", round(accuracy_score(y_test, model.predict(X_test)), 4))

search = GridSearchCV(model, {"logisticregression__C": [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]}, cv=3)
search.fit(X_train, y_train)
print("grid search", round(accuracy_score(y_test, search.predict(X_test)), 4))
print("roc auc    ", round(roc_auc_score(y_test, search.predict_proba(X_test)[:, 1]), 4))

scores = cross_validate(model, X_train, y_train, cv=5)
print("5 folds    ", scores["test_score"].round(3))

net = MLPClassifier(hidden_layer_sizes=(16,), max_iter=60, random_state=0)
net.fit(StandardScaler().fit_transform(X_train), y_train)

try:
    LogisticRegression().fit(X_train.mask(X_train > 20), y_train)
except ValueError:
    print("the last fit failed, as it should: missing values")
