"""Runs programs as `python program.py` does, each in a child of one process with scikit-learn.

Importing scikit-learn takes seconds of a shared core, a fork milliseconds. An order is one line of
JSON on standard input: `program`, `arguments`, `env`, `cwd`, `out` (a file for standard output and
error). The answers are two lines: the child's pid at once, its wait status at its end.
Nothing of autolog is imported before the fork.
"""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import cloudpickle  # noqa: F401
import sklearn.linear_model
import sklearn.model_selection
import sklearn.pipeline
import sklearn.preprocessing  # noqa: F401


def main() -> None:
    """Serve until standard input ends; returns in the children that are to run a program."""
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(order)
            return
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)
    os._exit(0)


def become(order: dict[str, Any]) -> None:
    """Take over the streams, environment, folder, arguments and `__main__` of the program."""
    out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for fd, number in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(fd, number)
        os.set_inheritable(number, True)
    os.closerange(3, max(out, nothing) + 1)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    program = order["program"]
    sys.argv[:] = [program, *order["arguments"]]
    sys.path[0] = str(Path(program).parent)
    module = types.ModuleType("__main__")
    vars(module).update(__file__=program, __builtins__=__builtins__)
    sys.modules["__main__"] = module


if __name__ == "__main__":
    main()
    this = sys.modules["__main__"]
    source = Path(str(this.__file__)).read_text("utf-8")
    exec(compile(source, str(this.__file__), "exec"), vars(this))
