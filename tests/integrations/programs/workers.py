"""Who trains where: threads, pools, joblib, asyncio; a change of folder; code made at run time."""
# AUTOLOG
import asyncio
import atexit
import multiprocessing
import os
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from facts import end, fact

X = np.random.RandomState(0).rand(30, 3)
y = X.sum(axis=1)


def train(alpha):
    model = Ridge(alpha=alpha).fit(X, y)
    return round(float(model.coef_.sum()), 6)


async def later(alpha):
    await asyncio.sleep(0.01)
    return train(alpha)


async def both():
    return await asyncio.gather(later(31.0), asyncio.to_thread(train, 32.0))


if __name__ == "__main__":
    os.makedirs("sub")
    os.chdir("sub")
    with ThreadPoolExecutor(1) as pool:
        print(list(pool.map(train, [1.0])))
    thread = threading.Thread(target=train, args=(2.0,))
    thread.start()
    thread.join()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.map(train, [11.0]))
    print(Parallel(n_jobs=2)(delayed(train)(alpha) for alpha in (21.0,)))
    print([m.alpha for m in Parallel(n_jobs=2)(delayed(Ridge(a).fit)(X, y) for a in (22.0,))])
    print(asyncio.run(both()))
    grid = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2, n_jobs=2).fit(X, y > 1.5)
    exec("Ridge(alpha=41.0).fit(X, y)")
    list(map(Ridge(alpha=42.0).fit, [X], [y]))
    pickle.loads(pickle.dumps(Ridge(alpha=43.0).fit))(X, y)
    args = (X, y)
    Ridge(alpha=44.0).fit(*args)
    big = X.copy()
    Ridge(alpha=45.0).fit(big, y)
    gone = weakref.ref(big)
    del big
    print(gone() is None, os.listdir())
    atexit.register(lambda: print("late", train(51.0)))
    fact("names", [*["Ridge"] * 7, "GridSearchCV›LogisticRegression", *["Ridge"] * 6])
    fact("experiments", ["programs/workers"])
    fact(0, "params", "alpha", 1.0)
    fact(3, "params", "alpha", 21.0)
    fact(3, "datasets", "X", "target", "name", "y")
    fact(4, "params", "alpha", 22.0)
    fact(7, "params", "best_C", grid.best_params_["C"])
    fact(8, "params", "alpha", 41.0)
    fact(11, "params", "alpha", 44.0)
    fact(12, "datasets", "big", "shape", [30, 3])
    fact(13, "params", "alpha", 51.0)
    fact("statuses", ["finished"] * 14)
    end()
    sys.exit("the end")
