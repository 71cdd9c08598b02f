"""Where to cut: a threshold tuned for what errors cost."""
# sklearn: 1.5
# AUTOLOG
import numpy as np
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_recall_curve
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = make_classification(n_samples=800, weights=[0.85], class_sep=0.8, random_state=5)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=5)

model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(X_train, y_train)
before = balanced_accuracy_score(y_test, model.predict(X_test))

tuned = TunedThresholdClassifierCV(model, scoring="balanced_accuracy", cv=3, random_state=0)
tuned.fit(X_train, y_train)
after = balanced_accuracy_score(y_test, tuned.predict(X_test))
print(f"cut-off {tuned.best_threshold_:.3f}: {before:.3f} -> {after:.3f}")

fixed = FixedThresholdClassifier(model, threshold=0.3).fit(X_train, y_train)
fixed_f1 = f1_score(y_test, fixed.predict(X_test))
print(f"at 0.3: F1 {fixed_f1:.3f}")

y_scores = model.predict_proba(X_test)[:, 1]
thresholds = np.linspace(0.1, 0.7, 7)
f1s = []
for t in thresholds:
    y_hat = (y_scores >= t).astype(int)
    f1s.append(f1_score(y_test, y_hat))
print("best of a row:", thresholds[np.argmax(f1s)].round(2), round(max(f1s), 3))
precision, recall, cuts = precision_recall_curve(y_test, y_scores)
print("points of the curve:", len(cuts))
guess = DummyClassifier(strategy="stratified", random_state=0).fit(X_train, y_train)
guessed = f1_score(y_test, guess.predict(X_test))
print("a guess:", round(guessed, 3))
always = f1_score(y_test, np.ones(len(y_test), dtype=float) * y_train.mean() > 0)
print("always yes:", round(always, 3))
