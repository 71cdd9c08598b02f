"""Runs programs one after another, each in a process of its own that has its libraries already.

`nursery.py TARGET PROGRAM…`: what each prints goes to `TARGET/<program>.out` and `.err`, its exit
code to `.code`. Importing Lightning anew costs ten times what the programs do.
"""

import os
import sys
import types
from pathlib import Path

import lightning.pytorch.cli  # noqa: F401
import pytorch_lightning  # noqa: F401
import sklearn.datasets  # noqa: F401
import sklearn.metrics  # noqa: F401
import sklearn.model_selection  # noqa: F401


def become(target, name):
    """Let this process be that of the program."""
    for number, kind in ((1, "out"), (2, "err")):
        handle = os.open(target / f"{name}.{kind}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(handle, number)
    sys.argv[:] = [f"{name}.py"]
    sys.path[0] = str(Path.cwd())
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = str(Path(f"{name}.py").resolve())
    if os.environ.get("GALLERY_VALUES"):
        os.environ["GALLERY_VALUES"] = str(target / f"{name}.json")
    os.environ.setdefault("AUTOLOG_BACKEND", str(target / "stores" / name))
    exec(compile(Path(main.__file__).read_text("utf-8"), main.__file__, "exec"), vars(main))


target, *names = Path(sys.argv[1]), *sys.argv[2:]
for name in names:
    child = os.fork()
    if not child:
        os.chdir(Path.cwd() / name)
        become(target, name)
        break
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    (target / f"{name}.code").write_text(str(code))
