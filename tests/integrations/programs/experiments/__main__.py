# run: -m experiments --seed 7 --out out
"""Runs what a config names, keeps results in a file."""
# AUTOLOG
import argparse
import dataclasses
import functools
import importlib
import json
import logging
import pathlib
import sys

import joblib
from sklearn import datasets, model_selection

from facts import end, fact

CONFIG = {"ridge": {"alpha": 2.5}, "broken": {}, "tree": {"max_depth": 2}}


@dataclasses.dataclass
class Settings:
    seed: int
    out: pathlib.Path


def timed(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        logging.info("calling %s", function.__name__)
        return function(*args, **kwargs)

    return inner


class Runner:
    def __init__(self, settings):
        self.settings = settings
        X, y = datasets.load_diabetes(return_X_y=True, as_frame=True)
        split = model_selection.train_test_split(X, y, random_state=settings.seed)
        self.X_train, self.X_test, self.y_train, self.y_test = split

    @timed
    def run(self, name, options):
        model = importlib.import_module("experiments.zoo").REGISTRY[name](**options)
        model.fit(self.X_train, self.y_train)
        joblib.dump(model, self.settings.out / f"{name}.joblib")
        return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path)
    settings = Settings(**vars(parser.parse_args()))
    settings.out.mkdir()
    logging.basicConfig(level=logging.INFO, format="%(funcName)s %(lineno)d %(message)s")
    for module in ("linear", "trees"):
        importlib.import_module(f"experiments.zoo.{module}")
    runner, fitted = Runner(settings), {}
    for name, options in CONFIG.items():
        try:
            fitted[name] = runner.run(name, options)
        except ValueError:
            logging.exception("no %s", name)
    again = joblib.load(settings.out / "tree.joblib")
    print((again.predict(runner.X_test) == fitted["tree"].predict(runner.X_test)).all())
    (settings.out / "log.json").write_text(json.dumps(sorted(fitted)))
    fact("names", ["Ridge", "Ridge", "LoggedTree"])
    fact("statuses", ["finished", "failed", "finished"])
    fact(0, "params", "alpha", 2.5)
    fact(0, "experiment", "programs/experiments")
    fact(0, "datasets", "X_train", "columns", 2, "name", "bmi")
    fact(1, "params", "solver", "bogus")
    fact(2, "tags", "estimator_class", "experiments.zoo.trees.LoggedTree")
    fact(2, "params", "max_depth", 2)
    fact(2, "datasets", "X_train", "target", "name", "y_train")
    end(*fitted.values())
    return 3


if __name__ == "__main__":
    sys.exit(main())
