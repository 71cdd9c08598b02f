"""How honest are the probabilities of different classifiers?"""
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
# AUTOLOG

X, y = make_classification(n_samples=1200, n_features=12, n_informative=3, n_redundant=6, random_state=42)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=42)

lr = LogisticRegression(C=1.0)
gnb = GaussianNB()
gnb_isotonic = CalibratedClassifierCV(gnb, cv=2, method="isotonic")
gnb_sigmoid = CalibratedClassifierCV(gnb, cv=2, method="sigmoid")
forest = RandomForestClassifier(n_estimators=10, random_state=0)

clf_list = [
    (lr, "Logistic"),
    (gnb, "Naive Bayes"),
    (gnb_isotonic, "Naive Bayes + Isotonic"),
    (gnb_sigmoid, "Naive Bayes + Sigmoid"),
    (forest, "Forest"),
]

scores = {"Classifier": []}
curves = {}
for clf, name in clf_list:
    clf.fit(X_train, y_train)
    y_prob = clf.predict_proba(X_test)
    y_pred = clf.predict(X_test)
    scores["Classifier"].append(name)
    for metric in [brier_score_loss, log_loss, roc_auc_score]:
        title = metric.__name__.replace("_", " ").replace("score", "").capitalize()
        scores.setdefault(title, []).append(metric(y_test, y_prob[:, 1]))
    for metric in [precision_score, recall_score, f1_score]:
        title = metric.__name__.replace("_score", "").capitalize()
        scores.setdefault(title, []).append(metric(y_test, y_pred))
    curves[name] = calibration_curve(y_test, y_prob[:, 1], n_bins=5)

score_df = pd.DataFrame(scores).set_index("Classifier")
print(score_df.round(4))
for name, (prob_true, prob_pred) in curves.items():
    print(f"{name:>24}: largest gap {np.abs(prob_true - prob_pred).max():.3f}")
