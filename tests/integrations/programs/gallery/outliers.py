"""Detectors of outliers, judged where the outliers are known."""
# AUTOLOG
import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

rng = np.random.RandomState(42)


def make_data(inliers, outliers):
    X = np.r_[0.3 * rng.randn(inliers // 2, 2) + 2, 0.3 * rng.randn(inliers // 2, 2) - 2]
    X = np.r_[X, rng.uniform(low=-4, high=4, size=(outliers, 2))]
    return X, np.r_[np.zeros(len(X) - outliers), np.ones(outliers)].astype(int)


X, y = make_data(300, 20)
X_new, y_new = make_data(100, 10)

detectors = {
    "IForest": IsolationForest(n_estimators=20, random_state=42),
    "LOF": LocalOutlierFactor(n_neighbors=20),
    "OCSVM": OneClassSVM(nu=0.1, gamma=0.1),
    "Envelope": EllipticEnvelope(contamination=0.1, random_state=0),
}

y_score, auc_train, auc_new = {}, {}, {}
for name, detector in detectors.items():
    detector.fit(X)
    if name == "LOF":
        y_score[name] = detector.negative_outlier_factor_
    else:
        y_score[name] = detector.decision_function(X)
    fpr, tpr, _ = roc_curve(y, -y_score[name])
    auc_train[name] = roc_auc_score(y, -y_score[name])
    print(f"{name:>9}: AUC {auc_train[name]:.3f} ({len(fpr)} points)")
    if name != "LOF":
        auc_new[name] = average_precision_score(y_new, -detector.decision_function(X_new))
        print(f"{'':>9}  average precision on new data {auc_new[name]:.3f}")

novelty = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(X)
is_outlier = np.where(novelty.predict(X_new) == -1, 1, 0)
from sklearn.metrics import balanced_accuracy_score

print("novelties:", is_outlier.sum(), "of", len(X_new))
novelty_score = balanced_accuracy_score(y_new, is_outlier)
print(f"balanced accuracy {novelty_score:.3f}")

online = SGDOneClassSVM(random_state=0).fit(X)
n_error = int((online.predict(X) == -1).sum())
print("errors of the online machine:", n_error)
