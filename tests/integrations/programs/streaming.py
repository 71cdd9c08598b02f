"""Out-of-core learning: several models at once, warm starts, minibatches of everything."""
# AUTOLOG
import itertools

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import IncrementalPCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from facts import end, fact


def documents():
    while True:
        good = np.random.rand() < 0.5
        yield " ".join(np.random.choice(list("abcdef"), 5)) + (" grain" if good else " 🚀"), int(good)


vectorizer = HashingVectorizer(n_features=64, alternate_sign=False)
stream = documents()
classifiers = {"sgd": SGDClassifier(random_state=0), "nb": MultinomialNB(alpha=0.01)}
for i in range(4):
    texts, y_train = zip(*itertools.islice(stream, 25))
    X_train = vectorizer.transform(texts)
    for name, classifier in classifiers.items():
        classifier.partial_fit(X_train, np.array(y_train), classes=[0, 1])
mlp, losses = MLPClassifier((4,), random_state=0), []
for _ in range(3):
    mlp.partial_fit(X_train, y_train, classes=[0, 1])
    losses.append(mlp.loss_)


def forgotten():
    scaler, model = StandardScaler(), MiniBatchKMeans(2, random_state=0, n_init=1)
    for seed in range(3):
        chunk = np.random.RandomState(seed).rand(20, 3)
        model.partial_fit(scaler.partial_fit(chunk).transform(chunk))
    return model.inertia_


inertia = forgotten()
X, _ = make_blobs(60, centers=3, random_state=0)
scaled = StandardScaler().fit_transform(X)
elbow = [KMeans(k, n_init=1, random_state=0).fit(scaled).inertia_ for k in range(1, 4)]
bic = {k: GaussianMixture(k, random_state=0).fit(X).bic(X) for k in (1, 2)}
forest = RandomForestClassifier(warm_start=True, oob_score=True, random_state=0)
for trees in (15, 30):
    forest.set_params(n_estimators=trees).fit(X, X[:, 0] > 0)
pca = IncrementalPCA(1)
pca.partial_fit(X)
pca.fit(X)
print(inertia, elbow, bic, losses, forest.oob_score_)

fact("names", ["SGDClassifier", "MultinomialNB", "MLPClassifier", "MiniBatchKMeans", *["KMeans"] * 3, *["GaussianMixture"] * 2, *["RandomForestClassifier"] * 2, *["IncrementalPCA"] * 2])
fact("statuses", ["finished"] * 13)
fact(0, "history", "samples_seen", [25, 50, 75, 100])
fact(0, "datasets", "X_train", "shape", [25, 64])
fact(0, "datasets", "X_train", "lineage", 0, "class", "HashingVectorizer")
fact(1, "params", "alpha", 0.01)
fact(2, "history", "loss", losses)
fact(3, "metrics", "inertia", inertia)
fact(3, "models", "model", "flavor", "sklearn")
fact(5, "metrics", "inertia", elbow[1])
fact(6, "params", "n_clusters", 3)
fact(7, "datasets", "X", "shape", [60, 2])
fact(9, "params", "n_estimators", 15)
fact(10, "metrics", "oob_score", forest.oob_score_)
fact(11, "tags", "method", "partial_fit")
fact(12, "history", "explained_variance_ratio", pca.explained_variance_ratio_)
end(*classifiers.values(), mlp, forest)
