"""A training with Keras that Ctrl-C ends in the middle of an epoch, and what goes on with it."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import autolog
from autolog.view import RunView

if not all(map(importlib.util.find_spec, ("keras", "torch"))):
    pytest.skip("needs keras and torch", allow_module_level=True)

PROGRAM = """
import sys
import keras
import numpy as np

keras.utils.set_random_seed(0)
X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
y = (X[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
model.compile(keras.optimizers.SGD(3.0), "binary_crossentropy")
first = int(sys.argv[1])
if first:
    model.load_weights("best.weights.h5")

class Waits(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        if not first:
            self.model.save_weights(f"{epoch}.weights.h5")
            print(logs["val_loss"], flush=True)

    def on_train_batch_end(self, batch, logs):
        if not first and self.epoch == 3 and batch == 1:
            self.model.save_weights("here.weights.h5")
            print("here", flush=True)
            sys.stdin.readline()

    def on_epoch_begin(self, epoch, logs):
        self.epoch = epoch

told = {"batch_size": 16, "initial_epoch": first, "validation_split": 0.5}
model.fit(X, y, epochs=6, callbacks=[Waits()], verbose=0, **told)
"""


class Stopped(NamedTuple):
    """The program's folder, the losses that it printed, how it ended, its run and its store."""

    folder: Path
    losses: list[float]
    code: int
    run: RunView
    store: Path


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "train.py").write_text(PROGRAM, "utf-8")
    child = subprocess.Popen(
        _command(folder, 0), cwd=folder, env=_told(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        lines = list(iter(child.stdout.readline, "here\n"))
        child.send_signal(signal.SIGINT)
        child.wait(timeout=100)
    (run,) = autolog.search_runs(backend=folder / "store")
    return Stopped(folder, [float(line) for line in lines], child.returncode, run, folder / "store")


def _command(folder: Path, first: int) -> list[str]:
    recorded = ("-m", "autolog", "run", "--backend", str(folder / "store"))
    return [sys.executable, *recorded, "train.py", str(first)]


def _told() -> dict[str, str]:
    told = {"AUTOLOG_KERAS__CHECKPOINT": "best:val_loss", "AUTOLOG_STRICT": "1"}
    return {**os.environ, "KERAS_BACKEND": "torch", **told}


def test_it_ends_as_without_us(stopped: Stopped) -> None:
    # What Keras imports may handle Ctrl-C otherwise than Python itself.
    plain = "import os, keras; os.kill(os.getpid(), 2)"
    done = subprocess.run([sys.executable, "-c", plain], env=_told(), capture_output=True)
    assert stopped.code == done.returncode != 0


def test_the_epochs_so_far_are_there(stopped: Stopped) -> None:
    assert stopped.run.status == "killed"
    assert [point.value for point in stopped.run.history("val_loss")] == stopped.losses
    assert len(stopped.losses) == 3


def test_the_best_weights_and_the_last(stopped: Stopped) -> None:
    best = min(range(3), key=stopped.losses.__getitem__)
    assert stopped.run.metrics["checkpoint_epoch"] == best
    for kept, own in (("best", str(best)), ("last", "here")):
        content = stopped.run.artifact(f"checkpoints/{kept}.weights.h5").read()
        assert _arrays(content, stopped.folder / "kept.h5") == _arrays(
            (stopped.folder / f"{own}.weights.h5").read_bytes(), stopped.folder / "own.h5"
        )


def _arrays(content: bytes, path: Path) -> list[bytes]:
    import h5py

    path.write_bytes(content)
    found: list[bytes] = []
    with h5py.File(path) as file:
        file.visititems(
            lambda _, one: found.append(one[()].tobytes()) if hasattr(one, "shape") else None
        )
    assert found
    return found


def test_the_same_run_goes_on(stopped: Stopped) -> None:
    content = stopped.run.artifact("checkpoints/best.weights.h5").read()
    (stopped.folder / "best.weights.h5").write_bytes(content)
    again = {**_told(), "AUTOLOG_RUN_ID": stopped.run.id}
    subprocess.run(_command(stopped.folder, 3), cwd=stopped.folder, env=again, check=True)
    (run,) = autolog.search_runs(backend=stopped.store)
    assert (run.id, run.status) == (stopped.run.id, "finished")
    history = list(run.history("val_loss"))
    assert [point.step for point in history] == [0, 1, 2, 3, 4, 5]
    assert [point.value for point in history[:3]] == stopped.losses
