"""Other boosters and targets: DART, a linear model, several outputs, pages of data, weights."""
# AUTOLOG
import numpy as np
import xgboost as xgb
from sklearn.datasets import make_regression
from sklearn.metrics import mean_squared_error, r2_score

X, Y = make_regression(300, 8, n_targets=3, noise=3.0, random_state=5)
y = Y[:, 0]
weights = np.linspace(0.5, 1.5, 200)
dtrain = xgb.DMatrix(X[:200], label=y[:200], weight=weights)
dtest = xgb.DMatrix(X[200:], label=y[200:])

dart = xgb.train(
    {"booster": "dart", "max_depth": 4, "sample_type": "weighted", "normalize_type": "forest", "rate_drop": 0.1,
     "skip_drop": 0.5, "seed": 3},
    dtrain, 8, evals=[(dtest, "test")], verbose_eval=False,
)
rmse = float(dart.eval(dtest).split(":")[1])

linear_log = {}
linear = xgb.train(
    {"booster": "gblinear", "updater": "coord_descent", "lambda": 0.01, "alpha": 0.001, "eta": 0.5}, dtrain, 10,
    evals=[(dtrain, "train"), (dtest, "test")], evals_result=linear_log, verbose_eval=False,
)
print(rmse, linear.get_score(importance_type="weight"))

tree = xgb.XGBRegressor(n_estimators=5, multi_strategy="multi_output_tree", tree_method="hist", max_depth=3)
tree.fit(X, Y, eval_set=[(X, Y)], verbose=False)
r2 = r2_score(Y, tree.predict(X))
print(r2)


class Pages(xgb.DataIter):
    """Gives the table in four parts."""

    def __init__(self):
        self.page = 0
        super().__init__()

    def next(self, input_data):
        if self.page == 4:
            return False
        part = slice(self.page * 75, (self.page + 1) * 75)
        input_data(data=X[part], label=y[part])
        self.page += 1
        return True

    def reset(self):
        self.page = 0


pages = xgb.QuantileDMatrix(Pages(), max_bin=64)
paged = {}
bst = xgb.train({"max_depth": 3, "max_bin": 64}, pages, 6, evals=[(pages, "train")], evals_result=paged,
                verbose_eval=3)
mse = mean_squared_error(y, bst.inplace_predict(X))
print(mse, pages.num_row())
