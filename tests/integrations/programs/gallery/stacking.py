"""Combining predictors of house prices: voting, stacking, and a mean by hand."""
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor, StackingRegressor, VotingRegressor
from sklearn.linear_model import LassoCV, RidgeCV
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import cross_val_predict, cross_validate, train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
# AUTOLOG

rng = np.random.default_rng(3)
houses = pd.DataFrame({
    "area": rng.lognormal(4.5, 0.3, 250),
    "rooms": rng.integers(1, 7, 250),
    "age": rng.uniform(0, 90, 250),
})
price = np.exp(0.9 * np.log(houses["area"]) + 0.05 * houses["rooms"] - 0.004 * houses["age"]
               + rng.normal(0, 0.1, 250)) * 1000
train_X, val_X, train_y, val_y = train_test_split(houses, np.log1p(price), random_state=1)

ridge = make_pipeline(StandardScaler(), RidgeCV())
boosting = GradientBoostingRegressor(n_estimators=25, random_state=0)
knn = make_pipeline(StandardScaler(), KNeighborsRegressor(8))


def rmse(model, X, y):
    """In money, not in logarithms."""
    predictions = np.expm1(model.predict(X))
    return np.sqrt(mean_squared_error(np.expm1(y), predictions))


single = {}
for name, model in {"ridge": ridge, "boosting": boosting, "knn": knn}.items():
    model.fit(train_X, train_y)
    single[name] = {"r2": r2_score(val_y, model.predict(val_X)), "rmse": rmse(model, val_X, val_y)}

blend = (ridge.predict(val_X) + boosting.predict(val_X) + knn.predict(val_X)) / 3
single["mean of three"] = {"r2": r2_score(val_y, blend), "rmse": np.nan}

estimators = [("ridge", ridge), ("boosting", boosting), ("knn", knn)]
voting = VotingRegressor(estimators).fit(train_X, train_y)
single["voting"] = {"r2": voting.score(val_X, val_y), "rmse": rmse(voting, val_X, val_y)}
stacking = StackingRegressor(estimators[:2], final_estimator=LassoCV(cv=3), cv=3)
stacking.fit(train_X, train_y)
single["stacking"] = {"r2": stacking.score(val_X, val_y), "rmse": rmse(stacking, val_X, val_y)}
print(pd.DataFrame(single).T.round(4))

scores = cross_validate(ridge, houses, np.log1p(price), cv=3, scoring=["r2", "neg_mean_absolute_error"])
print("R2 by fold:", scores["test_r2"].round(4))
held_out = cross_val_predict(ridge, houses, np.log1p(price), cv=3)
cv_r2 = r2_score(np.log1p(price), held_out)
print(f"R2 of all held-out predictions: {cv_r2:.4f}")
