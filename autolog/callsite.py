"""Where in the user's code a call stands, and by what names he called its arguments.

Everything comes from the running instruction's place in the source text, never from the values of
variables: to ask a frame for those keeps deleted ones alive. No frame outlives the call it is
given to.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import weakref
import zlib
from collections.abc import Collection
from pathlib import Path
from types import CodeType, FrameType

from . import notebook
from .calltext import CallText, assigned, fitting, last_value, read_call, text_at
from .calltext import parse as parse
from .settings import working_folder

LONGEST_CALL = 300

_MOST_CODES = 4096
_INSTALLED = re.compile(r"[/\\](?:site-packages|dist-packages)[/\\]([^/\\]+)")
_GENERATED = ("<frozen ", "<decorator-gen", "<attrs generated", "<__array_function__")
_CARRIED = "<dynamic-code>"
_STANDARD = str(Path(os.__file__).parent) + os.sep
_WORKERS = frozenset(
    (
        "joblib", "loky", "multiprocessing", "concurrent", "threading", "dask", "distributed",
        "ray", "pyspark",
    )
)  # fmt: skip


_TOOLS = frozenset(
    ("mlflow", "wandb", "comet_ml", "neptune", "clearml", "aim", "dvclive", "sacred")
)
"""Packages that watch trainings as we do, and compute metrics of their own."""


class Site:
    """One place in the user's code: a call that is, or was, being executed there.

    Attributes:
        file: Relative to the program's folder where it lies within, else its bare name; of a
            notebook's cell `In[3]`.
        line: Counts from 1.
        function: Qualified name of the function around it, `<module>` at the top.
        code: Tells the compiled function and the instruction in it: two calls on one line
            differ; the same call has the same one in every process that runs the same text
            under the same Python.
        direct: Whether the call stands here itself; False where it is made by a library that
            was called here.
    """

    __slots__ = (
        "_call",
        "_compiled",
        "_offset",
        "_source",
        "code",
        "direct",
        "file",
        "function",
        "line",
    )

    def __init__(self, frame: FrameType, direct: bool) -> None:
        code = frame.f_code
        self._source = _source(frame)
        self.file = _short(self._source)
        self.line = frame.f_lineno
        self.function = code.co_qualname
        self.code = f"{zlib.crc32(code.co_code):08x}+{frame.f_lasti}"
        self.direct = direct
        self._compiled = weakref.ref(code)
        self._offset = frame.f_lasti
        self._call: CallText | None = None
        # Remembers how a loader gives the source (a zip archive's), without holding the frame.
        linecache.lazycache(self._source, frame.f_globals)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def __repr__(self) -> str:
        return f"<Site {self} {self.function}>"

    def argument_names(
        self,
        function: str,
        positional: int,
        keywords: Collection[str] = (),
        *,
        through: bool = False,
    ) -> dict[int | str, str]:
        """The text of each argument of the call here, by position or keyword.

        `function` is the bare name of what is called (`fit`), which received `positional`
        arguments (the instance not counted) and `keywords`. A plain variable gives its name,
        `self.X` gives `X`, anything else its text up to 80 characters. Left out is what cannot
        be known: arguments behind a star; everything, where the call is not `direct`, the source
        cannot be had, or the text does not fit the arguments received (the call goes through
        something else). With `through` the call written here need only be one that hands its
        arguments on in the same order (`fit_transform`).
        """
        if not self.direct and not through:
            return {}
        return fitting(self._read(), function, positional, keywords)

    def callee(self) -> str:
        """The last word of what is called here (`fit` of `clf.fit(X)`); empty where unknown."""
        return self._read().callee

    def _read(self) -> CallText:
        if self._call is None:
            self._call = read_call(self._text())
        return self._call

    def call_text(self) -> str | None:
        """The call as it is written, on one line and up to `LONGEST_CALL` characters."""
        text = self._text()
        return None if text is None else " ".join(text.split())[:LONGEST_CALL]

    def _text(self) -> str | None:
        return text_at(self._compiled(), self._offset, self._source)

    def value_of(self, name: str) -> str | None:
        """What the variable `name` was last given above the call, as the source has it, or None."""
        return last_value(name, self.function, self.line, self._source)

    def assigned_name(self) -> str | None:
        """The variable to which the call's result goes at once (`clf = est.fit(X)`), or None."""
        code = self._compiled()
        if code is None or not self.direct:
            return None
        return assigned(code, self._offset + 2, self._source)


_sites: dict[int, tuple[weakref.ref[CodeType], dict[tuple[int, bool], Site]]] = {}
_library_files: dict[str, bool] = {}


def find_site(start: FrameType | int | None = 0, *, library: str = "") -> Site | None:
    """The innermost place in the user's code, seen from a frame or `start` callers up.

    Passed over are autolog's own frames, the standard library's, those of installed packages
    (unless the program itself is that package) and of the package `library`. None where the
    stack holds nothing else: a thread or worker of a library makes the call.
    """
    frame = sys._getframe(start + 1) if isinstance(start, int) else start
    direct = True
    while frame is not None:
        top = _package(frame)
        if not is_library(frame) and top != library:
            return _site(frame, direct)
        direct = direct and (top == "autolog" or top in _TOOLS)
        frame = frame.f_back
    return None


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame, from `frame` outwards, that runs the user's own code."""
    known = _library_files
    while frame is not None:
        library = known.get(frame.f_code.co_filename)
        if library is None:
            library = is_library(frame)
        if not library:
            return frame
        frame = frame.f_back
    return None


def is_library(frame: FrameType) -> bool:
    """Whether `frame` runs code that is not the user's own."""
    name = frame.f_code.co_filename
    known = _library_files.get(name)
    if known is None:
        known = _library_files[name] = is_library_file(name) or _package(frame) == "autolog"
    return known


def is_library_file(name: str) -> bool:
    """Whether the file `name` belongs to the standard library or an installed package.

    The package that is itself the program counts as the user's own.
    """
    if name.startswith("<"):
        return name.startswith(_GENERATED)
    installed = _INSTALLED.search(name)
    if installed is None:
        return name.startswith(_STANDARD)
    program = _INSTALLED.search(_program())
    return program is None or program[0] != installed[0]


def is_worker_task(frame: FrameType | None, *packages: str) -> bool:
    """Whether the call that `frame` executes is part of a task that a package gave to a worker.

    True where, going outwards, a frame of one of `packages` is the last one before the machinery
    of joblib, loky, multiprocessing, concurrent.futures, threads or dask: that frame is the task,
    whatever it has called since, such as an estimator that the user wrote. A user's own
    `Parallel(delayed(est.fit)(X))` is no such task, though `sklearn.utils.parallel` stands in
    between.
    """
    task, transparent = False, [f"{package}.utils.parallel" for package in packages]
    current = frame
    while current is not None:
        module = current.f_globals.get("__name__") or ""
        top = module.partition(".")[0]
        if top in _WORKERS:
            return task
        if module not in transparent:
            task = top in packages
        current = current.f_back
    return False


def is_tools_own(frame: FrameType | None, name: str, hooked: Collection[str]) -> bool:
    """Whether another tracking tool makes the call of `name` that `frame` executes by itself.

    MLflow's autologging predicts and scores after a `fit`. What the program calls may come
    through such a tool as well; but then what it is called by calls the same name, and not
    another one of those that are `hooked`.
    """
    if sys.modules.keys().isdisjoint(_TOOLS):  # walks the few, not the many
        return False
    inner, tool, current = name, False, frame
    while current is not None:
        top = _package(current)
        if top in _TOOLS:
            tool = True
        elif top not in ("autolog", "contextlib"):
            code = current.f_code
            text = text_at(code, current.f_lasti, code.co_filename) if tool else None
            outer = read_call(text).callee if tool else inner
            if outer != inner and outer in hooked:
                return True
            if not is_library(current):
                return False
            name = code.co_name  # of a decorator's wrapper it says nothing
            inner, tool = (name if name in hooked else inner), False
        current = current.f_back
    return False


def _package(frame: FrameType) -> str:
    module = frame.f_globals.get("__name__")
    return module.partition(".")[0] if isinstance(module, str) else ""


_served: str | None = None


def serve(program: str) -> None:
    """Take the file `program` for the one that this process runs: it is a worker of that one."""
    global _served
    _served = program
    _library_files.clear()


def _program() -> str:
    """The file that this process was asked to run; empty where there is none (a notebook, `-c`)."""
    if _served is not None:
        return _served
    return getattr(sys.modules.get("__main__"), "__file__", None) or ""


def _site(frame: FrameType, direct: bool) -> Site:
    code = frame.f_code
    entry = _sites.get(id(code))
    if entry is None or entry[0]() is not code:
        if len(_sites) >= _MOST_CODES:
            _sites.clear()
        entry = _sites[id(code)] = (weakref.ref(code), {})
    key = (frame.f_lasti, direct)
    site = entry[1].get(key)
    if site is None:
        site = entry[1][key] = Site(frame, direct)
    return site


def _source(frame: FrameType) -> str:
    """The file that a frame's code is written in.

    cloudpickle (3.1.3 on) takes the file's name off the code that it carries to a worker; the
    globals that come along still tell it.
    """
    name = frame.f_code.co_filename
    file = frame.f_globals.get("__file__") if name == _CARRIED else None
    return file if isinstance(file, str) else name


def _short(name: str) -> str:
    cell = notebook.code_name(name)
    if cell is not None:
        return cell
    path, program = Path(name), _program()
    folder = Path(program).absolute().parent if program else working_folder()
    inside = path.is_absolute() and path.is_relative_to(folder)
    return path.relative_to(folder).as_posix() if inside else path.name
