"""Data out of files: text, LightGBM's binary form, a Sequence, and rows of a larger Dataset."""
# AUTOLOG
import lightgbm as lgb
import numpy as np

rng = np.random.RandomState(23)
table = np.round(rng.rand(300, 4), 4)
table[:, 0] = (table[:, 1] + rng.rand(300) * 0.3 > 0.6).astype(int)
np.savetxt("rows.csv", table[:200], delimiter=",", fmt="%.4f")
np.savetxt("held_out.csv", table[200:], delimiter=",", fmt="%.4f")
params = {"objective": "binary", "metric": "auc", "verbose": -1, "min_data_in_leaf": 5}

from_text = lgb.Dataset("rows.csv")
held_out = from_text.create_valid("held_out.csv")
first = {}
booster = lgb.train(
    params, from_text, 6, valid_sets=[held_out], callbacks=[lgb.record_evaluation(first)]
)
print(first["valid_0"]["auc"], booster.num_trees())

lgb.Dataset(table[:200, 1:], table[:200, 0]).save_binary("rows.bin")
second = lgb.train(params, lgb.Dataset("rows.bin"), 4)
print(second.num_feature())


class Rows(lgb.Sequence):
    batch_size = 50

    def __init__(self, values):
        self.values = values

    def __getitem__(self, index):
        return self.values[index]

    def __len__(self):
        return len(self.values)


pages = Rows(table[:, 1:])
labels = table[:, 0]
third = lgb.train(params, lgb.Dataset(pages, label=labels), 3)
print(third.predict(table[:2, 1:]))

X, y = table[:, 1:], table[:, 0]
whole = lgb.Dataset(X, y, free_raw_data=False)
rows = list(range(0, 300, 2))
even = whole.subset(rows)
odd = whole.subset(list(range(1, 300, 2)))
last = {}
fourth = lgb.train(
    params,
    even,
    5,
    valid_sets=[odd],
    valid_names=["odd"],
    callbacks=[lgb.record_evaluation(last)],
)
print(last)
