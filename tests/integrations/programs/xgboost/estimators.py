"""The scikit-learn classes: early stopping, a pipeline, a search, forests, reports."""
# AUTOLOG
import pickle

import xgboost as xgb
from sklearn.datasets import load_digits, load_wine
from sklearn.metrics import confusion_matrix, mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

digits = load_digits(n_class=3)
X, y = digits["data"], digits["target"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
eval_set = [(X_train, y_train), (X_test, y_test)]
clf = xgb.XGBClassifier(n_estimators=50, early_stopping_rounds=5, max_depth=3, n_jobs=1, eval_metric=["merror", "mlogloss"])
clf.fit(X_train, y_train, eval_set=eval_set, verbose=False)
matrix = confusion_matrix(y_test, clf.predict(X_test))
accuracy = clf.score(X_test, y_test)
print(matrix, accuracy, clf.best_iteration, clf.best_score, len(clf.evals_result()["validation_1"]["merror"]))
assert pickle.loads(pickle.dumps(clf)).best_iteration == clf.best_iteration

wine, kind = load_wine(return_X_y=True)
pipe = Pipeline([("scale", StandardScaler()), ("xgb", xgb.XGBClassifier(n_estimators=5, n_jobs=1))])
pipe.fit(wine, kind)
training_accuracy = pipe.score(wine, kind)

search = GridSearchCV(xgb.XGBClassifier(n_jobs=1), {"max_depth": [2, 4], "n_estimators": [5, 10]}, cv=3)
search.fit(wine, kind)
print(search.best_score_, search.best_params_, training_accuracy)

forest = xgb.XGBRFRegressor(n_estimators=20, random_state=42, max_depth=4)
forest.fit(X_train, y_train)
mse = mean_squared_error(y_test, forest.predict(X_test))
print(mse, forest.feature_importances_[:4])
