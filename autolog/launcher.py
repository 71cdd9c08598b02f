"""`autolog run`: starts a program as `python` itself would, with the recording switched on.

This process becomes the program's interpreter (`exec`), so that arguments, `__main__`, tracebacks,
signals, standard streams and the exit code are Python's own. What is different there is the
environment: a folder of ours stands first in `PYTHONPATH`, whose `sitecustomize` calls
`autolog()` before the program begins, in its child programs too.
"""

from __future__ import annotations

import contextlib
import getopt
import os
import subprocess
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from .errors import UsageError

SITE = Path(__file__).parent / "_site"
USAGE = """\
usage: autolog run [options] program.py [arguments]
       autolog run [options] -m module [arguments]
       autolog run [options] -c code [arguments]
       autolog run [options] - [arguments]        (the program comes from standard input)

Runs the program as `python` would and records its trainings, and those of its child programs.

options, before the program:
  --backend STORE      where runs go: a folder, `memory:`, ...; repeat for several
  --experiment NAME    the experiment of its runs
  --name NAME          the name of its first run
  --tag KEY=VALUE      a tag for every run; repeat for several
  --only NAME          record this integration alone; repeat for several
  --exclude NAME       leave an integration or class alone; repeat for several

Options of Python stand before: `python -O -m autolog run program.py`.
"""
_OPTIONS = ["backend=", "experiment=", "name=", "tag=", "only=", "exclude=", "help"]
_PYTHON_OPTIONS = "bBc:dEhiIm:OPqRsStuvVW:xX:?"
_PYTHON_LONG = ["check-hash-based-pycs="]


class _Order(NamedTuple):
    """A parsed command line: our options, and Python's arguments (the program and its own)."""

    options: list[tuple[str, str]]
    program: list[str]


def main(argv: Sequence[str]) -> int:
    """Run what `argv` (the words after `autolog run`) asks for.

    Does not return where the system can replace a process. Otherwise returns the exit code of
    the program; of a bad command line 2, after one line on stderr.
    """
    try:
        order = _parse(argv)
        if ("--help", "") in order.options:
            print(USAGE, end="")
            return 0
        if not order.program:
            raise UsageError("no program to run; `autolog run --help` shows how")
        environ = environment(order.options)
    except UsageError as error:
        print(f"autolog run: {error}", file=sys.stderr)
        return 2
    flags = interpreter_flags(sys.orig_argv)
    if sys.flags.ignore_environment or sys.flags.no_site:
        print("autolog: Python's -E, -I and -S keep it from recording", file=sys.stderr)
    return _become([sys.executable, *flags, *order.program], environ)


def environment(
    options: Sequence[tuple[str, str]], base: MutableMapping[str, str] | None = None
) -> dict[str, str]:
    """The environment that carries `options` to the program; raises UsageError for a bad value."""
    environ = dict(os.environ if base is None else base)
    paths = [str(SITE), *filter(None, [environ.get("PYTHONPATH")])]
    environ["PYTHONPATH"] = os.pathsep.join(paths)
    given: dict[str, list[str]] = {}
    for option, value in options:
        given.setdefault(option, []).append(value)
    if backends := given.get("--backend"):
        environ["AUTOLOG_BACKEND"] = " ".join(map(_absolute, backends))
    if only := given.get("--only"):
        environ["AUTOLOG_ONLY"] = " ".join(only)
    if exclude := given.get("--exclude"):  # an exclusion that is there already holds on
        environ["AUTOLOG_EXCLUDE"] = " ".join(
            [environ.get("AUTOLOG_EXCLUDE", ""), *exclude]
        ).strip()
    if tags := given.get("--tag"):
        environ["AUTOLOG_TAGS"] = ",".join(
            filter(None, [environ.get("AUTOLOG_TAGS"), *map(_tag, tags)])
        )
    if experiment := given.get("--experiment"):
        environ["AUTOLOG_EXPERIMENT"] = experiment[-1]
    if name := given.get("--name"):
        environ["AUTOLOG_RUN_NAME"] = name[-1]
        # A member of an outer session does not take a name; who gives one begins his own.
        environ.pop("AUTOLOG_SESSION", None)
    return environ


def interpreter_flags(command: Sequence[str]) -> list[str]:
    """Python's own options in the command line `command` that started this process."""
    words = list(command[1:])
    flags: list[str] = []
    with contextlib.suppress(getopt.GetoptError):
        while words:
            found, size = _options_in(words)
            names = [name for name, _ in found]
            if not found or names[-1] in ("-m", "-c"):
                # `-Om autolog`: what stands before the module in the same word counts too.
                return [*flags, *names[:-1]]
            flags += words[:size]
            del words[:size]
    return flags


def _options_in(words: list[str]) -> tuple[list[tuple[str, str]], int]:
    """The options in the first word, and how many words they take with their argument."""
    with contextlib.suppress(getopt.GetoptError):
        return getopt.getopt(words[:1], _PYTHON_OPTIONS, _PYTHON_LONG)[0], 1
    return getopt.getopt(words[:2], _PYTHON_OPTIONS, _PYTHON_LONG)[0], 2


def _parse(argv: Sequence[str]) -> _Order:
    """Our options end at the program: the first word that is none, or `-m`, `-c`, `-`, `--`."""
    words = list(argv)
    options: list[tuple[str, str]] = []
    while words and (words[0].startswith("--") or words[0] == "-h"):
        if words[0] == "--":
            return _Order(options, words[1:])
        word = words.pop(0)
        name, equals, value = ("--help" if word == "-h" else word).partition("=")
        if name.removeprefix("--") in _OPTIONS:
            options.append((name, ""))
        elif name.removeprefix("--") + "=" not in _OPTIONS:
            raise UsageError(f"no option {name}; `autolog run --help` lists them")
        elif equals or words:
            options.append((name, value if equals else words.pop(0)))
        else:
            raise UsageError(f"{name} needs a value")
    return _Order(options, _checked(words))


def _checked(program: list[str]) -> list[str]:
    word = program[0] if program else ""
    if word.startswith("-") and word != "-" and word[:2] not in ("-m", "-c"):
        raise UsageError(f"{word} is an option of Python; `python {word} -m autolog run ...`")
    if word in ("-m", "-c") and len(program) == 1:
        raise UsageError(f"{word} needs an argument")
    return program


def _tag(text: str) -> str:
    key, equals, _ = text.partition("=")
    if not key or not equals or "," in text:
        raise UsageError(f"--tag {text!r} is not KEY=VALUE without commas")
    return text


def _absolute(backend: str) -> str:
    """A folder as an absolute path, since the program and its children may work elsewhere."""
    scheme, colon, rest = backend.partition(":")
    if colon and scheme != "file" and len(scheme) > 1:
        return backend
    folder = rest if colon and scheme == "file" else backend
    path = str(Path(folder).expanduser().absolute())
    for text in (path, folder):
        if len(text.split()) == 1:
            return text
    raise UsageError(f"--backend {folder!r} holds white space, which parts several stores")


def _become(command: list[str], environ: dict[str, str]) -> int:
    """Put `command` in this process's place; where there is no such thing, wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        _replace(command, environ)
    child = subprocess.Popen(command, env=environ)
    while True:
        # The console sends Ctrl-C to the program too; what it does then is its own affair.
        with contextlib.suppress(KeyboardInterrupt):
            return child.wait()


def _replace(command: list[str], environ: dict[str, str]) -> NoReturn:
    os.execve(command[0], command, environ)
