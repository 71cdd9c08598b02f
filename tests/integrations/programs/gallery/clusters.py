"""How many clusters? Silhouettes, and agreement with what is known."""
# AUTOLOG
import numpy as np
from sklearn import metrics
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, labels_true = make_blobs(
    n_samples=400, centers=[[1, 1], [-1, -1], [1, -1]], cluster_std=0.4, random_state=0
)
X = StandardScaler().fit_transform(X)

silhouettes = {}
for n_clusters in [2, 3, 4]:
    clusterer = KMeans(n_clusters=n_clusters, n_init=2, random_state=10)
    cluster_labels = clusterer.fit_predict(X)
    silhouettes[n_clusters] = metrics.silhouette_score(X, cluster_labels)
    print(f"For {n_clusters} clusters the average silhouette is {silhouettes[n_clusters]:.4f}")

db = DBSCAN(eps=0.3, min_samples=10).fit(X)
labels = db.labels_
n_clusters_ = len(set(labels)) - (1 if -1 in labels else 0)
n_noise_ = list(labels).count(-1)
print("Estimated number of clusters: %d" % n_clusters_)
print("Estimated number of noise points: %d" % n_noise_)
print(f"Homogeneity: {metrics.homogeneity_score(labels_true, labels):.3f}")
print(f"Completeness: {metrics.completeness_score(labels_true, labels):.3f}")
print(f"V-measure: {metrics.v_measure_score(labels_true, labels):.3f}")
print(f"Adjusted Rand Index: {metrics.adjusted_rand_score(labels_true, labels):.3f}")
print(f"Adjusted Mutual Information: {metrics.adjusted_mutual_info_score(labels_true, labels):.3f}")
print(f"Silhouette Coefficient: {metrics.silhouette_score(X, labels):.3f}")


def bench(clusterer, name, data, labels):
    estimator = make_pipeline(StandardScaler(), clusterer).fit(data)
    found = estimator[-1].labels_
    scores = [m(labels, found) for m in (metrics.v_measure_score, metrics.adjusted_rand_score)]
    scores.append(metrics.calinski_harabasz_score(data, found))
    print("{:<9}\t{:.3f}\t{:.3f}\t{:.0f}".format(name, *scores))
    return scores


table = {
    "k-means++": bench(KMeans(3, init="k-means++", n_init=1, random_state=0), "k-means++", X, labels_true),
    "random": bench(KMeans(3, init="random", n_init=1, random_state=0), "random", X, labels_true),
    "ward": bench(AgglomerativeClustering(3), "ward", X, labels_true),
}
print(np.round([table[name][0] for name in sorted(table)], 3))
