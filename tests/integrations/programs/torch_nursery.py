"""Runs torch programs one after another, each in a process of its own that has torch already.

`torch_nursery.py FOLDER line|plain PROGRAM…`: each runs in `FOLDER/<program>`; what it prints goes
to `.out` and `.err` there, its exit code to `.code`, what its facts say to `.json`.
"""

import atexit
import hashlib
import json
import os
import random
import re
import sys
import types
from pathlib import Path

import numpy
import sklearn.datasets  # noqa: F401
import sklearn.metrics  # noqa: F401
import sklearn.model_selection  # noqa: F401
import torch
import torch._dynamo  # noqa: F401 - optimizers load it

HOME = Path(__file__).parent / "torch"


def printed(pattern, scale=1.0, first=False):
    """What the program printed, as it was printed: digits count as far as they go."""
    sys.stdout.flush()
    texts = re.findall(pattern, Path("../" + sys.argv[0][:-3] + ".out").read_text())
    return [{"printed": text, "scale": scale} for text in texts]


def numbers(pattern):
    return [float(one["printed"]) for one in printed(pattern)]


def facts(name):
    for line in (HOME / f"{name}.facts").read_text("utf-8").splitlines():
        yield [part.strip() for part in line.split(" | ", 3)]


def at_end(name, way):
    """The random states and the weights that the program ends with; the facts' values."""
    known = vars(sys.modules["__main__"])
    weights = [
        p.detach().numpy().tobytes()
        for value in list(known.values())
        if isinstance(value, torch.nn.Module)
        for p in value.parameters()
    ]
    state = (random.getstate(), numpy.random.get_state()[1].tobytes(), torch.get_rng_state(), weights)
    Path("end.txt").write_text(hashlib.sha256(repr([str(s) for s in state]).encode() + b"".join(weights)).hexdigest())
    if way == "plain":
        scope = {**known, "printed": printed, "numbers": numbers}
        found = [[*path, eval(value, scope)] for *path, value in facts(name)]
        text = json.dumps(found, default=lambda value: getattr(value, "tolist", value.__str__)())
        Path(f"../{name}.json").write_text(text)


def become(folder, way, name):
    os.chdir(folder / name)
    for number, kind in ((1, "out"), (2, "err")):
        handle = os.open(folder / f"{name}.{kind}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(handle, number)
    sys.argv[:] = [f"{name}.py"]
    sys.path[0] = str(Path.cwd())
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = str(Path(f"{name}.py").resolve())
    random.seed(1)
    numpy.random.seed(1)
    torch.manual_seed(1)
    atexit.register(at_end, name, way)
    if way != "plain":
        from autolog import autolog

        autolog(str(folder / "stores" / name))
    exec(compile(Path(main.__file__).read_text("utf-8"), main.__file__, "exec"), vars(main))


folder, way, *names = Path(sys.argv[1]), *sys.argv[2:]
for name in names:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        become(folder, way, name)
        break
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    (folder / f"{name}.code").write_text(str(code))
