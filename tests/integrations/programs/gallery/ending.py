"""What each program of a gallery leaves at its end: its random state, its models of Keras or torch, and the facts' values.

No part of the programs: the line that this file is imported by is put in by `gallery.py`.
"""

import atexit
import hashlib
import json
import os
import random
import sys
from pathlib import Path

import numpy

random.seed(3)
numpy.random.seed(3)


def read(path):
    """The facts that are listed for a program: run, kind, path of names, expression."""
    lines = Path(path).read_text("utf-8").splitlines()
    rows = [[part.strip() for part in line.split(" | ", 3)] for line in lines if line.strip()]
    return [(run, kind, [k for k in name.split(" > ") if k], value) for run, kind, name, value in rows]


def _of_keras():
    """Its random state and the names that it would give next; the weights go to a file."""
    keras, torch = sys.modules["keras"], sys.modules.get("torch")
    held = sorted((name, one) for name, one in vars(sys.modules["__main__"]).items() if isinstance(one, keras.Model))
    sums = {name: [hashlib.sha256(w.tobytes()).hexdigest() for w in model.get_weights()] for name, model in held}
    Path("weights.txt").write_text(json.dumps(sums))
    drawn = keras.random.uniform((2,)), torch.rand(2) if torch else 0
    return [str(one) for one in drawn], keras.Sequential().name, keras.layers.Dense(1).name, keras.layers.Layer().name


def _of_torch():
    """Its random state; the weights go to a file."""
    torch = sys.modules["torch"]
    held = sorted((n, one) for n, one in vars(sys.modules["__main__"]).items() if isinstance(one, torch.nn.Module))
    sums = {
        name: [hashlib.sha256(w.detach().numpy().tobytes()).hexdigest() for w in model.state_dict().values()]
        for name, model in held
    }
    Path("weights.txt").write_text(json.dumps(sums))
    return torch.rand(2)


def _of_models():
    ways = {"keras": _of_keras, "torch": _of_torch}
    return next((way() for library, way in ways.items() if library in sys.modules), None)


def _write():
    state = repr((random.getstate(), numpy.random.get_state(), _of_models()))
    Path("random.txt").write_text(hashlib.sha256(state.encode()).hexdigest())
    target = os.environ.get("GALLERY_VALUES")
    if target:
        known = vars(sys.modules["__main__"])
        facts = read(f"{Path(sys.argv[0]).stem}.facts")
        found = [(*path, eval(value, known)) for *path, value in facts]
        text = json.dumps(found, default=lambda value: getattr(value, "tolist", value.__str__)())
        Path(target).write_text(text, "utf-8")


atexit.register(_write)
