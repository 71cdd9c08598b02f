# %% House prices: a baseline, once a notebook
# AUTOLOG
import gc

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, StackingRegressor
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.model_selection import KFold, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, RobustScaler, StandardScaler

from facts import end, fact

n = 120
train = pd.DataFrame(np.random.randn(n, 5), columns=["LotArea", "Überbau", "n°", "house 🏠", "1stFlr"])
train["Zone"] = np.random.choice(list("ABC"), n)
train["Sold"] = np.where(np.random.rand(n) < 0.1, np.nan, np.random.randint(2006, 2011, n))
train["SalePrice"] = np.exp(12 + 0.3 * train["LotArea"] + 0.1 * np.random.randn(n))
y_train = np.log1p(train.SalePrice.values)
raw = train.drop(["SalePrice"], axis=1)
all_data = raw.fillna(0)
all_data["Zone"] = LabelEncoder().fit_transform(all_data["Zone"])
del train
gc.collect()


# %%
def rmsle_cv(model):
    kf = KFold(3, shuffle=True, random_state=42)
    return np.sqrt(-cross_val_score(model, all_data.values, y_train, scoring="neg_mean_squared_error", cv=kf))


class AveragingModels(BaseEstimator, RegressorMixin, TransformerMixin):
    def __init__(self, models):
        self.models = models

    def fit(self, X, y):
        self.models_ = [clone(x) for x in self.models]
        for model in self.models_:
            model.fit(X, y)
        return self

    def predict(self, X):
        return np.mean([model.predict(X) for model in self.models_], axis=0)


lasso = make_pipeline(RobustScaler(), Lasso(alpha=0.0005, random_state=1))
enet = make_pipeline(RobustScaler(), ElasticNet(alpha=0.0005, l1_ratio=0.9, random_state=3))
krr = KernelRidge(alpha=0.6, kernel="polynomial", degree=2, coef0=2.5)
gboost = GradientBoostingRegressor(n_estimators=5, max_features="sqrt", loss="huber", random_state=5)
for name, model in [("lasso", lasso), ("krr", krr)]:
    score = rmsle_cv(model)
    print(f"{name} score: {score.mean():.4f} ({score.std():.4f})")
averaged = AveragingModels(models=(enet, gboost, krr, lasso)).fit(all_data.values, y_train)
stacked = StackingRegressor([("l", lasso), ("e", enet)], final_estimator=Ridge(), cv=2)
stacked.fit(all_data, y_train)

# %% the tidy way
numeric = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
prepare = ColumnTransformer([
    ("num", numeric, ["LotArea", "Sold"]),
    ("cat", OneHotEncoder(handle_unknown="ignore"), ["Zone"]),
])
grid = {"prepare__num__impute__strategy": ["mean", "median"], "ridge__alpha": [0.1, 1.0, 10.0]}
search = RandomizedSearchCV(
    Pipeline([("prepare", prepare), ("ridge", Ridge())]), grid, n_iter=4, random_state=0, cv=3
)
search.fit(raw, y_train)
print(search.best_params_, round(search.best_score_, 6))
pd.DataFrame({"pred": np.expm1(averaged.predict(all_data.values)).round(1)}).to_csv("submission.csv")

fact("names", ["cross_val_score", "cross_val_score", "AveragingModels", "StackingRegressor", "RandomizedSearchCV›Pipeline›Ridge"])
fact(0, "params", "lasso__alpha", 0.0005)
fact(0, "params", "cv", "KFold(n_splits=3, shuffle=True, random_state=42)")
fact(0, "params", "scoring", "neg_mean_squared_error")
fact(1, "params", "kernel", "polynomial")
fact(1, "metrics", "mean_test_score", -np.mean(score**2))
fact(2, "datasets", "all_data.values", "shape", [120, 7])
fact(2, "datasets", "all_data.values", "target", "name", "y_train")
fact(2, "tags", "estimator_kind", "regressor")
fact(2, "models", "model", "flavor", "sklearn")
fact(3, "params", "l__lasso__alpha", 0.0005)
fact(3, "datasets", "all_data", "columns", 3, "name", "house 🏠")
fact(4, "metrics", "best_score", search.best_score_)
fact(4, "params", "best_ridge__alpha", search.best_params_["ridge__alpha"])
fact(4, "history", "mean_test_score", search.cv_results_["mean_test_score"])
fact(4, "datasets", "raw", "columns", 6, "missing", int(raw["Sold"].isna().sum()))
end(averaged, stacked)
