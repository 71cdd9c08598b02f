"""Choosing a mixture of Gaussians by information criteria."""
# AUTOLOG
import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV

np.random.seed(0)
C = np.array([[0.0, -0.1], [1.7, 0.4]])
component_1 = np.dot(np.random.randn(200, 2), C)
component_2 = 0.7 * np.random.randn(200, 2) + np.array([-4, 1])
X = np.concatenate([component_1, component_2])
truth = np.repeat([0, 1], 200)

rows = []
models = []
for covariance_type in ["spherical", "full"]:
    for n_components in range(1, 4):
        gmm = GaussianMixture(n_components, covariance_type=covariance_type, random_state=0)
        gmm.fit(X)
        models.append(gmm)
        rows.append((covariance_type, n_components, gmm.bic(X), gmm.aic(X)))
df = pd.DataFrame(rows, columns=["type", "n", "bic", "aic"])
print(df.round(2).to_string(index=False))
best = df["bic"].idxmin()
print(f"lowest BIC: {df['type'][best]}, {df['n'][best]} components")
ari = adjusted_rand_score(truth, models[best].predict(X))
print(f"agreement with the truth {ari:.3f}")


def gmm_bic_score(estimator, X):
    """The negative BIC, since a search maximises."""
    return -estimator.bic(X)


grid_search = GridSearchCV(
    GaussianMixture(random_state=0),
    param_grid={"n_components": range(1, 4), "covariance_type": ["tied", "full"]},
    scoring=gmm_bic_score, cv=2,
)
grid_search.fit(X)
print(grid_search.best_params_, round(grid_search.best_score_, 3))

dpgmm = BayesianGaussianMixture(n_components=4, random_state=2, max_iter=50).fit(X)
print("mean log-likelihood", round(dpgmm.score(X), 4), "weights", dpgmm.weights_.round(2))
