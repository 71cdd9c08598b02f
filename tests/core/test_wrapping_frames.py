"""Warnings and log records of hooked code keep their places."""

from __future__ import annotations

import inspect
import linecache
import logging
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from autolog.wrapping import (
    Ledger,
    as_internal_frame,
    external_caller,
    internal_filename,
    wrap_function,
    wrap_method,
)

PROGRAM = """
import logging
import sys
import warnings

from noisy import Noisy, noisy

if sys.argv[1] != "off":
    from autolog.wrapping import Ledger, as_internal_frame, wrap_function, wrap_method

    def drive(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    if sys.argv[1] == "on":
        drive = as_internal_frame(drive)
    ledger = Ledger()
    assert wrap_method(Noisy, "fit", drive, ledger)
    assert wrap_function(noisy, drive, ledger)

warnings.simplefilter("default")
logging.basicConfig(format="%(levelname)s:%(pathname)s:%(lineno)d:%(funcName)s:%(message)s")

def main():
    for level in (1, 2, 3):
        for _ in range(2):
            Noisy().fit(level)
            noisy(level)
        Noisy().fit(level)

main()
print(sorted(key for key in globals().get("__warningregistry__", {}) if key != "version"))
import noisy as module
print(sorted(key for key in vars(module).get("__warningregistry__", {}) if key != "version"))
"""

NOISY = """
import logging
import warnings


class Noisy:
    def fit(self, level):
        warnings.warn(f"method {level}", UserWarning, stacklevel=level)
        logging.getLogger("noisy").warning("method %d", level, stacklevel=level)


def noisy(level, *, key=1):
    warnings.warn(f"function {level}", UserWarning, stacklevel=level)
    logging.getLogger("noisy").warning("function %d", level, stacklevel=level)
"""


def output(folder: Path, *args: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "program.py", *args],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_warnings_and_logs_point_at_the_same_lines(tmp_path: Path) -> None:
    """File, line, text, repetition and registries are the same with hooks as without."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "noisy.py").write_text(NOISY)
    off, on, marked = (output(tmp_path, state) for state in ("off", "unmarked", "on"))
    assert "program.py" in off[1]
    assert marked == off
    assert on != off, "the program cannot tell a marked driver from an unmarked one"


def test_an_internal_function_is_the_same_function_otherwise() -> None:
    free = 5

    def plain(a: int, b: int = 2, *, c: int = 3) -> int:
        """Says."""
        return a + b + c + free

    plain.note = "x"
    made = as_internal_frame(plain)
    assert isinstance(made, FunctionType)
    assert made(1) == plain(1) == 11
    assert made.__closure__ == plain.__closure__
    assert inspect.signature(made) == inspect.signature(plain)
    assert inspect.getsource(made) == inspect.getsource(plain)
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__dict__"):
        assert getattr(made, name) == getattr(plain, name)
    assert plain.__code__.co_filename == __file__


def test_the_other_path_is_the_same_file() -> None:
    marked = internal_filename(__file__)
    assert marked != __file__
    assert Path(marked).samefile(__file__)
    assert Path(marked).resolve() == Path(__file__).resolve()
    assert linecache.getlines(marked) == linecache.getlines(__file__)
    for unknown in ("<stdin>", "relative.py", "/nowhere/at/all.py", ""):
        assert internal_filename(unknown) == unknown


def test_a_function_without_a_file_is_internal_all_the_same() -> None:
    scope: dict[str, Callable[[], None]] = {"warnings": warnings}
    exec("def call(f): f()", scope)

    def warn() -> None:
        warnings.warn("x", stacklevel=2)

    made: Any = as_internal_frame(scope["call"])
    with pytest.warns(UserWarning, match="x") as caught:
        made(warn)
    assert caught[0].filename == __file__


def test_tracebacks_show_the_source_of_every_frame() -> None:
    class Bad:
        def fit(self) -> None:
            raise ValueError("bad")

    @as_internal_frame
    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    wrap_method(Bad, "fit", drive, Ledger())
    with pytest.raises(ValueError, match="bad") as caught:
        Bad().fit()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames][1:] == ["drive", "fit"]
    assert [frame.line for frame in frames] == [
        "Bad().fit()",
        "return wrapped(*args, **kwargs)",
        'raise ValueError("bad")',
    ]


def helper(value: int = 0) -> int:
    return value


def test_a_driver_finds_the_line_that_called() -> None:
    found: list[Any] = []

    class Plain:
        def fit(self) -> None: ...

    @as_internal_frame
    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        found.append(external_caller(sys._getframe()))
        return wrapped(*args, **kwargs)

    ledger = Ledger()
    wrap_method(Plain, "fit", drive, ledger)
    wrap_function(helper, drive, ledger)
    Plain().fit()
    helper()
    ledger.undo()
    here = sys._getframe()
    assert [frame is here for frame in found] == [True, True]


def test_the_record_of_a_log_call_is_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    class Plain:
        def fit(self) -> None:
            logging.getLogger("plain").warning("hello", stacklevel=2)

    @as_internal_frame
    def drive(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    wrap_method(Plain, "fit", drive, Ledger())
    Plain().fit()
    assert [record.funcName for record in caplog.records] == [
        "test_the_record_of_a_log_call_is_unchanged"
    ]
