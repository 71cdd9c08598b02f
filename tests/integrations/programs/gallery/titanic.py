"""Who was saved? Mixed columns, and which of them matter."""
# AUTOLOG
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.RandomState(seed=42)
n = 400
passengers = pd.DataFrame({
    "pclass": rng.choice([1, 2, 3], n, p=[0.25, 0.2, 0.55]),
    "sex": rng.choice(["female", "male"], n),
    "age": np.where(rng.rand(n) < 0.2, np.nan, rng.gamma(4, 8, n).round()),
    "fare": rng.lognormal(3, 1, n).round(2),
    "embarked": rng.choice(["S", "C", "Q"], n),
})
odds = 1.5 * (passengers["sex"] == "female") - 0.6 * passengers["pclass"] + 0.3
passengers["survived"] = (rng.rand(n) < 1 / (1 + np.exp(-odds * 2))).astype(int)
passengers["random_num"] = rng.randn(n)

X = passengers.drop(columns="survived")
y = passengers["survived"]
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=42)

numeric = Pipeline([("imputer", SimpleImputer(strategy="median")), ("scaler", StandardScaler())])
preprocessor = ColumnTransformer([
    ("num", numeric, ["age", "fare", "random_num"]),
    ("cat", OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    ("class", "passthrough", ["pclass"]),
])


def evaluate(model, X, y):
    y_pred = model.predict(X)
    proba = model.predict_proba(X)[:, 1]
    return {"accuracy": accuracy_score(y, y_pred), "roc_auc": roc_auc_score(y, proba)}


results = []
for name, classifier in [
    ("baseline", DummyClassifier(strategy="most_frequent")),
    ("logistic", LogisticRegression()),
    ("forest", RandomForestClassifier(n_estimators=20, random_state=42)),
]:
    clf = Pipeline([("preprocess", preprocessor), ("classifier", classifier)])
    clf.fit(X_train, y_train)
    on_train, on_test = evaluate(clf, X_train, y_train), evaluate(clf, X_test, y_test)
    results.append({"model": name, **{f"train_{k}": v for k, v in on_train.items()}, **on_test})
results = pd.DataFrame(results).set_index("model")
print(results.round(4).to_string())

result = permutation_importance(clf, X_test, y_test, n_repeats=3, random_state=42)
importances = pd.Series(result.importances_mean, index=X_test.columns).sort_values(ascending=False)
print(importances.round(4).to_string())

women = X_test["sex"] == "female"
by_sex = {
    "women": accuracy_score(y_test[women], clf.predict(X_test[women])),
    "men": accuracy_score(y_test[~women], clf.predict(X_test[~women])),
}
print(f"accuracy among women {by_sex['women']:.3f}, among men {by_sex['men']:.3f}")
