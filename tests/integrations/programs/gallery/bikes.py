"""Demand by the hour: folds in time, and quantiles."""
# AUTOLOG
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, mean_pinball_loss
from sklearn.model_selection import TimeSeriesSplit, cross_validate

hours = pd.date_range("2024-01-01", periods=24 * 40, freq="h")
rng = np.random.default_rng(0)
demand = 50 + 30 * np.sin(hours.hour / 24 * 2 * np.pi) + rng.gamma(2, 6, len(hours))
frame = pd.DataFrame({"hour": hours.hour, "weekday": hours.dayofweek, "demand": demand})
for lag in (1, 24):
    frame[f"lag_{lag}"] = frame["demand"].shift(lag)
frame = frame.dropna().reset_index(drop=True)
X, y = frame.drop(columns="demand"), frame["demand"]

ts_cv = TimeSeriesSplit(n_splits=3, gap=24, test_size=200)
folds = list(ts_cv.split(X, y))
print([(len(a), len(b)) for a, b in folds])
gbrt = HistGradientBoostingRegressor(max_iter=15, random_state=0)
cv_results = cross_validate(gbrt, X, y, cv=ts_cv, scoring="neg_mean_absolute_error")
mae = -cv_results["test_score"]
print(f"Mean Absolute Error: {mae.mean():.3f} +/- {mae.std():.3f}")

train_0, test_0 = folds[-1]
X_train, X_test = X.iloc[train_0], X.iloc[test_0]
y_train, y_test = y.iloc[train_0], y.iloc[test_0]
losses, bands = {}, {}
for quantile in [0.05, 0.5, 0.95]:
    model = HistGradientBoostingRegressor(loss="quantile", quantile=quantile, max_iter=15, random_state=0)
    bands[quantile] = model.fit(X_train, y_train).predict(X_test)
    losses[quantile] = mean_pinball_loss(y_test, bands[quantile], alpha=quantile)
    print(f"q={quantile:<5} pinball loss {losses[quantile]:.4f}")
coverage = np.mean((y_test >= bands[0.05]) & (y_test <= bands[0.95]))
print(f"inside the band: {coverage:.3f}")

median_mae = mean_absolute_error(y_test, bands[0.5].round())
naive = X_test["lag_24"]
naive_mae = mean_absolute_error(y_test, naive)
print(f"whole bikes: {median_mae:.3f}; as yesterday: {naive_mae:.3f}")
