"""XGBoost on Spark: one run on the driver, no job of ours; needs pyspark and a Java."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import autolog
from autolog.view import RunView

pytest.importorskip("pyspark")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("pyspark needs a Java, and there is none", allow_module_level=True)

pytestmark = pytest.mark.timeout(2000)

PROGRAM = """
import json
import numpy as np
from pyspark.sql import SparkSession
from pyspark.ml import Pipeline
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.tuning import ParamGridBuilder, TrainValidationSplit
from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor

spark = (
    SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "1").getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
rows = np.random.default_rng(0).normal(size=(80, 3))
table = [(*map(float, row), float(row[0] > 0), i % 4 == 0) for i, row in enumerate(rows)]
frame = spark.createDataFrame(table, ["a", "b", "c", "label", "held"]).coalesce(1)

model = SparkXGBClassifier(
    features_col=["a", "b", "c"], validation_indicator_col="held", n_estimators=20, max_depth=2,
    early_stopping_rounds=2, gamma=0.1,
).fit(frame)
print(json.dumps(model.training_summary.validation_objective_history["logloss"]))
print(json.dumps(model._xgb_sklearn_model.predict_proba(rows[:5])[:, 1].tolist()))

regressor = SparkXGBRegressor(n_estimators=2)
pipeline = Pipeline(stages=[VectorAssembler(inputCols=["a", "b"], outputCol="features"), regressor])
grid = ParamGridBuilder().addGrid(regressor.max_depth, [1, 3]).build()
search = TrainValidationSplit(
    estimator=pipeline, estimatorParamMaps=grid, evaluator=RegressionEvaluator(metricName="mae"),
    seed=1
)
found = search.fit(frame)
print(json.dumps(list(map(float, found.validationMetrics))))
pipeline.fit(dataset=frame)
try:
    SparkXGBClassifier(features_col=["nowhere"]).fit(frame)
except Exception as error:
    print(json.dumps(type(error).__name__))
print(json.dumps(len(spark.sparkContext.statusTracker().getJobIdsForGroup(None))))
spark.stop()
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str], list[RunView]]:
    """What the program prints without us and by `autolog run`, and its runs, oldest first."""
    import subprocess

    folder = tmp_path_factory.mktemp("spark")
    script, store = folder / "train.py", folder / "store"
    script.write_text(PROGRAM, "utf-8")
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AUTOLOG")},
        "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "AUTOLOG_STRICT": "1",
        "AUTOLOG_BACKEND": str(store), "PYTHONWARNINGS": "ignore",
        "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }  # fmt: skip

    def told(*command: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, *command, str(script)], cwd=folder, env=variables,
            capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        assert "autolog" not in done.stderr.replace("autolog run", "")
        return [line for line in done.stdout.splitlines() if line]

    plain = told()
    recorded = told("-m", "autolog", "run")
    return plain, recorded, list(autolog.search_runs(backend=store))[::-1]


def test_the_program_does_the_same_and_spark_has_no_job_of_ours(played: Any) -> None:
    plain, recorded, _ = played
    assert len(plain) == 5
    assert recorded == plain


def test_each_call_on_the_driver_is_one_run(played: Any) -> None:
    runs = played[2]
    assert [(run.name, run.status) for run in runs] == [
        ("SparkXGBClassifier", "finished"),
        ("TrainValidationSplit", "finished"),
        ("Pipeline", "finished"),
        ("SparkXGBClassifier", "failed"),
    ]
    assert {run.parent for run in runs} == {None}


def test_a_fit_tells_params_rounds_data_and_model(played: Any) -> None:
    import json

    import numpy

    plain, _, (run, *_) = played
    chosen = {name for name, fact in run.facts("param").items() if fact.set}
    assert chosen == {
        "features_col", "validation_indicator_col", "n_estimators", "max_depth",
        "early_stopping_rounds", "gamma",
    }  # fmt: skip
    assert run.params["features_col"] == ["a", "b", "c"]
    assert (run.params["max_depth"], run.params["learning_rate"]) == (2, 0.3)
    history = json.loads(plain[0])
    assert [point.value for point in run.history("validation-logloss")] == history
    assert len(run.history("training-logloss")) == len(history) < 20
    assert run.metrics["stopped_iteration"] == len(history) - 1
    assert run.metrics["best_iteration"] == min(range(len(history)), key=history.__getitem__)
    data = run.datasets["frame"]
    assert [column["name"] for column in data["columns"]] == ["a", "b", "c"]
    assert data["shape"] == [None, 3]
    assert (data["target"]["name"], data["validation_indicator"]["name"]) == ("label", "held")
    assert run.tables["feature_importance"]["columns"]["feature"]
    rows = numpy.random.default_rng(0).normal(size=(80, 3))
    loaded = run.load_model("model")
    assert loaded.predict_proba(rows[:5])[:, 1].tolist() == json.loads(plain[1])


def test_a_search_has_its_candidates_and_the_best_of_them(played: Any) -> None:
    import json

    plain, _, (_, run, *_) = played
    means = json.loads(plain[2])
    assert run.tables["cv_results"]["columns"]["max_depth"] == [1, 3]
    assert run.tables["cv_results"]["columns"]["mean_mae"] == means
    assert run.metrics["best_score"] == min(means)
    assert run.params["max_depth"] == [1, 3][means.index(min(means))]
    assert run.params["RegressionEvaluator.metricName"] == "mae"
    assert run.models["model"]["flavor"] == "xgboost"


def test_a_pipeline_tells_its_stages_and_what_its_vector_is_made_of(played: Any) -> None:
    run = played[2][2]
    assert run.params["stages"] == ["VectorAssembler", "SparkXGBRegressor"]
    assert run.params["VectorAssembler.inputCols"] == ["a", "b"]
    assert [column["name"] for column in run.datasets["frame"]["columns"]] == ["a", "b"]
    assert Path(run.site.split(":")[0]).name == "train.py"
