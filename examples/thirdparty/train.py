"""A user's program: nothing in it speaks of the integration."""

import tinyboost

from autolog import autolog

autolog()

rows = [[float(a), float(b)] for a in range(8) for b in range(8)]
target = [a * 2.0 + (b > 3) for a, b in rows]
booster = tinyboost.Booster(rounds=20).train(rows, target)
print(round(booster.predict([3.0, 5.0]), 3))
