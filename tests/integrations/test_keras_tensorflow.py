"""On TensorFlow nothing is traced or drawn anew, and what Keras does there alone is recorded."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import autolog
from autolog.view import RunView

if not all(map(importlib.util.find_spec, ("keras", "tensorflow"))):
    reason = "needs TensorFlow, too large for the test extra: pip install tensorflow-cpu"
    pytest.skip(reason, allow_module_level=True)

pytestmark = pytest.mark.timeout(900)

PROGRAM = Path(__file__).parent / "programs" / "keras_tensorflow.py"
NAMES = [
    "Sequential known", "Sequential unknown", "Own", "Own", "Sequential loop",
    "Sequential mirrored", "Sequential compiled", "Sequential kept", "Sequential kept",
]  # fmt: skip


class Seen(NamedTuple):
    """What the program said without us and with, and its runs, oldest first."""

    plain: str
    recorded: str
    runs: list[RunView]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("tensorflow")
    told = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "AUTOLOG_STRICT": "1"}
    ways = ((), ("-m", "autolog", "run", "--backend", str(folder / "store")))
    outputs = [
        subprocess.run(
            [sys.executable, *way, str(PROGRAM)], cwd=folder, env={**os.environ, **told},
            capture_output=True, text=True, check=True, timeout=400,
        ).stdout
        for way in ways
    ]  # fmt: skip
    return Seen(*outputs, list(autolog.search_runs(backend=folder / "store"))[::-1])


def test_nothing_is_traced_or_drawn_anew(seen: Seen) -> None:
    assert "tape" in seen.plain
    assert seen.recorded == seen.plain


def test_a_run_for_each_training(seen: Seen) -> None:
    assert [run.name for run in seen.runs] == NAMES
    assert {run.status for run in seen.runs} == {"finished"}
    assert {run.tags["keras_backend"] for run in seen.runs} == {"tensorflow"}
    assert all("tensorflow_version" in run.tags for run in seen.runs)
    assert [run.params["total_params"] for run in seen.runs] == [65, 65, 7, 7, *[65] * 5]


def test_a_dataset_of_tensorflow(seen: Seen) -> None:
    known, unknown = seen.runs[:2]
    assert (known.params["batch_size"], known.params["steps_per_epoch"]) == (32, 7)
    form = [{"shape": [None, 6], "dtype": "float32"}, {"shape": [None, 1], "dtype": "float32"}]
    assert known.datasets["ds"]["parts"] == known.datasets["val"]["parts"] == form
    assert known.datasets["val"]["role"] == "validation"
    assert "steps_per_epoch" not in unknown.params
    (data,) = unknown.datasets.values()
    assert data["parts"] == [form[0], {"shape": [None, None], "dtype": "float32"}]


def test_curves_and_rates(seen: Seen) -> None:
    assert all(len(run.history("loss")) == run.params.get("epochs", 3) for run in seen.runs)
    rates = {run.name: run.metrics.get("learning_rate") for run in seen.runs}
    assert rates["Sequential mirrored"] == rates["Sequential compiled"] == float(np.float32(0.001))
    kept = seen.runs[-2].metrics["learning_rate"]
    assert str(kept) in seen.plain.splitlines()


def test_half_precision_names_the_optimizer_inside(seen: Seen) -> None:
    params = seen.runs[6].params
    assert (params["optimizer_name"], params["jit_compile"]) == ("adam", True)
    assert params["dtype_policy"] == "mixed_float16"
    assert params["optimizer_loss_scale"].startswith("LossScaleOptimizer(initial_scale=")


def test_tensors_have_the_digest_of_their_numbers(seen: Seen) -> None:
    data = seen.runs[6].datasets["tensors"]
    assert data["digest"] == seen.runs[3].datasets["X"]["digest"]
    assert data["target"]["name"] == "targets"


def test_a_copy_is_known_by_its_weights(seen: Seen) -> None:
    kept, loaded = seen.runs[-2:]
    assert loaded.tags["continued_from"] == kept.id
    assert kept.series["loss_X"].info["link"] == "probable"
    assert seen.runs[3].tags["continued_from"] == seen.runs[2].id
