"""`autolog run X` behaves as `python X`: each odd program is run both ways and compared."""

from __future__ import annotations

import os
import py_compile
import re
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

RUN = "import sys; from autolog.launcher import main; sys.exit(main(sys.argv[1:]))"


class Ended(NamedTuple):
    """How a program ended and what it printed."""

    code: int
    out: bytes
    err: bytes


def finish(
    folder: Path, command: Sequence[str], env: dict[str, str] | None = None, given: bytes = b""
) -> Ended:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(env or {})},
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, _steady(done.stdout), _steady(done.stderr))


def _steady(output: bytes) -> bytes:
    """Addresses differ from process to process anyway."""
    return re.sub(rb"0x[0-9a-f]+", b"0x", output)


def python(*words: str, flags: Sequence[str] = ()) -> list[str]:
    return [sys.executable, *flags, *words]


def autolog_run(
    *words: str, flags: Sequence[str] = (), env: dict[str, str] | None = None
) -> list[str]:
    """`env` is for the program alone: the launcher is a Python that would heed it too."""
    return [
        sys.executable,
        *flags,
        "-c",
        f"import os; os.environ.update({env or {}})\n{RUN}",
        *words,
    ]


def same(
    folder: Path,
    *words: str,
    flags: Sequence[str] = (),
    env: dict[str, str] | None = None,
    given: bytes = b"",
) -> Ended:
    """Run both ways, assert that nothing differs, and return how it ended."""
    plain = finish(folder, python(*words, flags=flags), env, given)
    ours = finish(folder, autolog_run(*words, flags=flags, env=env), None, given)
    assert ours.out.splitlines() == plain.out.splitlines()
    assert ours == plain
    assert not (folder / "autolog-runs").exists()
    return plain


def write(folder: Path, text: str, name: str = "program.py") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), "utf-8")
    return name


FACTS = """
import atexit, gc, logging, os, signal, sys, threading, warnings
main = sys.modules["__main__"]
print(sys.argv)
print(sys.path)
print(sys.flags, sys.warnoptions, sys._xoptions, sys.orig_argv)
print({k: v for k, v in vars(main).items() if k.startswith("__") and k != "__loader__"})
print(type(__loader__), __name__, sys.executable, sys.prefix, os.getcwd(), os.umask(0o22))
print({k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "AUTOLOG_SESSION")})
print([p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and "_site" not in p])
print({s.name: signal.getsignal(s) for s in signal.valid_signals() if hasattr(s, "name")})
status = open("/proc/self/status").read().splitlines() if os.path.exists("/proc") else []
print([line for line in status if line.startswith(("SigIgn", "SigCgt", "SigBlk", "Threads"))])
print(sorted(os.listdir("/proc/self/fd")) if os.path.exists("/proc") else "")
print(threading.enumerate()[1:], gc.get_threshold(), gc.isenabled(), gc.get_freeze_count())
print(warnings.filters, logging.root.handlers, logging.root.level, atexit._ncallbacks())
print(sys.excepthook is sys.__excepthook__, sys.gettrace(), sys.getprofile())
print(sys.getrecursionlimit(), sys.getswitchinterval(), sys.stdin.encoding, sys.stdout.errors)
print([p for p in sys.path_importer_cache if "_site" in p], "sitecustomize" in sys.modules)
finders = [type(finder).__name__ for finder in sys.meta_path]
print(len(sys.path_hooks), [name for name in finders if name != "ImportWatcher"])
"""

PROGRAMS = {
    "facts": FACTS,
    "os_exit": "import os, sys; print('x'); sys.stdout.flush(); os._exit(3)",
    "exit_text": "import sys; sys.exit('a text')",
    "exit_number": "import sys; sys.exit(7)",
    "exit_large": "import sys; sys.exit(2**40 + 5)",
    "exit_none": "import sys; sys.exit()",
    "exception": """
        def f():
            raise ValueError("ä bad value")
        try:
            f()
        except ValueError as error:
            raise RuntimeError("worse") from error
        """,
    "exception_group": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
    "syntax_error": "print(1)\ndef f(:\n",
    "keyboard_interrupt": "raise KeyboardInterrupt",
    "sigterm": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "sigkill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "abort": "import os; os.abort()",
    "atexit_order": """
        import atexit, threading
        atexit.register(print, "first registered")
        atexit.register(print, "second registered")
        class Late:
            def __del__(self): print("collected")
        late = Late()
        """,
    "atexit_error": """
        import atexit, sys
        def bad(): raise ValueError("at exit")
        atexit.register(bad)
        atexit.register(sys.exit, 5)
        """,
    "excepthook": """
        import sys
        sys.excepthook = lambda kind, error, trace: print("hook", kind, error)
        1 / 0
        """,
    "thread_outlives_main": """
        import threading, time
        def work():
            time.sleep(0.1); print("thread", threading.main_thread().is_alive())
        threading.Thread(target=work).start()
        print("main")
        """,
    "daemon_thread": """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        print("main")
        """,
    "thread_error": """
        import threading
        threading.Thread(target=lambda: 1 / 0, name="worker").start()
        """,
    "unraisable": """
        class Bad:
            def __del__(self): raise ValueError("in del")
        Bad()
        """,
    "asyncio": """
        import asyncio
        async def main():
            async def bad(): raise ValueError("task")
            task = asyncio.create_task(bad())
            await asyncio.sleep(0)
            print(task.exception())
        asyncio.run(main())
        """,
    "chdir": """
        import os, sys
        os.makedirs("elsewhere", exist_ok=True); os.chdir("elsewhere")
        print(__file__, sys.path[0], os.getcwd())
        import helper
        """,
    "runpy": """
        import runpy, sys
        sys.argv = ["helper.py", "x"]
        print(sorted(runpy.run_path("helper.py", run_name="__main__")))
        """,
    "warnings": """
        import warnings
        warnings.warn("deprecated thing", DeprecationWarning)
        warnings.warn("user thing")
        """,
    "binary_streams": """
        import sys
        sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])
        sys.stderr.buffer.write(b"\\xff\\x00")
        """,
    "subprocess": """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv, sys.path)"],
                             capture_output=True))
        """,
    "pickle_of_main": """
        import pickle
        class Thing: pass
        print(pickle.dumps(Thing()), pickle.loads(pickle.dumps(Thing())).__class__ is Thing)
        """,
    "inspect": """
        import inspect, sys
        def f(): return inspect.stack()
        print([(s.filename, s.function, s.lineno) for s in f()], inspect.getsource(f))
        """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_script(name: str, tmp_path: Path) -> None:
    write(tmp_path, "import sys; print(__name__, sys.argv)", "helper.py")
    program = write(tmp_path, PROGRAMS[name])
    same(tmp_path, program, "an argument", "--option", "-x", "ä", given=b"\xff\xfe\x00bytes\n")


MULTIPROCESSING = """
import multiprocessing, os, sys
def task(n):
    main = sys.modules["__main__"]
    return n * n, main.__name__, os.path.basename(main.__file__), sys.argv, sys.path
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        print(pool.map(task, range(4)))
    process = context.Process(target=sys.exit, args=(4,))
    process.start(); process.join()
    print(process.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    program = write(tmp_path, MULTIPROCESSING)
    assert same(tmp_path, program, method).code == 0


def test_concurrent_futures_spawned_from_a_module(tmp_path: Path) -> None:
    write(tmp_path, "", "package/__init__.py")
    write(tmp_path, MULTIPROCESSING, "package/work.py")
    assert same(tmp_path, "-m", "package.work", "spawn").code == 0


@pytest.mark.parametrize(
    "flags",
    [
        ["-O"],
        ["-OO", "-W", "error"],
        ["-Werror::DeprecationWarning", "-X", "utf8"],
        ["-X", "dev"],
        ["-bb", "-u", "-B"],
        ["-P"],
        ["-s", "-q"],
    ],
    ids=" ".join,
)
def test_interpreter_flags(flags: list[str], tmp_path: Path) -> None:
    program = write(tmp_path, FACTS + "\nassert False, 'not under -O'\n")
    same(tmp_path, program, flags=flags)


def test_without_site_nothing_is_recorded_but_the_program_runs(tmp_path: Path) -> None:
    program = write(tmp_path, "import sys; print(sys.flags, 'autolog' in sys.modules)")
    root = str(Path(__file__).parents[2])
    run = f"import sys; sys.path.insert(0, {root!r})\n{RUN}"
    ours = finish(tmp_path, [sys.executable, "-I", "-S", "-c", run, program])
    plain = finish(tmp_path, python(program, flags=["-I", "-S"]))
    assert (ours.code, ours.out) == (plain.code, plain.out)
    assert ours.err.decode().splitlines() == [
        "autolog: Python's -E, -I and -S keep it from recording"
    ]


@pytest.mark.parametrize("module", ["package", "package.part"])
def test_module(module: str, tmp_path: Path) -> None:
    write(tmp_path, "print('package', __name__)", "package/__init__.py")
    write(tmp_path, FACTS, "package/__main__.py")
    write(tmp_path, FACTS, "package/part.py")
    assert same(tmp_path, "-m", module, "a", "-b").code == 0
    attached = finish(tmp_path, autolog_run(f"-m{module}", "a"))
    assert attached == finish(tmp_path, python(f"-m{module}", "a"))


def test_missing_module_and_missing_file(tmp_path: Path) -> None:
    assert same(tmp_path, "-m", "no_such_module").code == 1
    assert same(tmp_path, "no_such_file.py").code == 2


def test_command(tmp_path: Path) -> None:
    same(tmp_path, "-c", FACTS, "a", "--backend", "x")
    assert same(tmp_path, "-c", "1/0").code == 1


def test_standard_input(tmp_path: Path) -> None:
    assert same(tmp_path, "-", "a", "-b", given=FACTS.encode()).code == 0
    assert same(tmp_path, "-", given=b"import sys\nraise SystemExit(len(sys.argv))").code == 1


def test_interactive_after_a_script(tmp_path: Path) -> None:
    program = write(tmp_path, "x = 1\n1 / 0\n")
    assert same(tmp_path, program, flags=["-i"], given=b"print(x + 1)\n").out == b"2\n"


def test_zip_archive_folder_and_bytecode(tmp_path: Path) -> None:
    write(tmp_path, FACTS, "folder/__main__.py")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        # Whoever asks for entry points leaves an archive on `sys.path` open: the standard
        # library's reader of metadata keeps it.
        archive.writestr(
            "__main__.py", FACTS.replace("/proc/self/fd", "/") + "\nimport inside\n1/0\n"
        )
        archive.writestr("inside.py", "print(__file__)")
    py_compile.compile(str(tmp_path / "folder" / "__main__.py"), cfile=str(tmp_path / "code.pyc"))
    assert same(tmp_path, "folder", "a").code == 0
    assert same(tmp_path, "app.pyz", "a").code == 1
    assert same(tmp_path, "code.pyc", "a").code == 0


def test_other_pythonpath_and_customizations_stay_in_force(tmp_path: Path) -> None:
    program = write(tmp_path, "import sitecustomize; print(sitecustomize.__file__)\n" + FACTS)
    write(tmp_path, "import sys; print('customized', __name__, __file__)", "site/sitecustomize.py")
    env = {"PYTHONPATH": f"site{os.pathsep}{os.pathsep}/nowhere"}
    assert same(tmp_path, program, env=env).out.startswith(b"customized sitecustomize")


@pytest.mark.parametrize("text", ["1 / 0", "import no_such_module", "x = ("])
def test_failing_customization_fails_as_without_us(text: str, tmp_path: Path) -> None:
    write(tmp_path, text, "site/sitecustomize.py")
    same(
        tmp_path,
        "-c",
        "import sys; print('sitecustomize' in sys.modules)",
        env={"PYTHONPATH": "site"},
    )


def test_no_customization_leaves_none_behind(tmp_path: Path) -> None:
    text = (
        "import sys\ntry:\n import sitecustomize\nexcept ImportError as e: print(repr(e), e.name)"
    )
    assert b"ModuleNotFoundError" in same(tmp_path, "-c", text).out


SLEEPER = """
import signal, sys, time
if "handler" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(43))
print("ready", flush=True)
time.sleep(60)
"""


def hear_all_signals() -> None:
    """In the child: what a background job or `nohup` lets its children ignore is heard again."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
@pytest.mark.parametrize("words", [(), ("handler",)], ids=["default", "handler"])
def test_signal_from_outside(number: int, words: tuple[str, ...], tmp_path: Path) -> None:
    program = write(tmp_path, SLEEPER)
    ends = []
    for command in (python(program, *words), autolog_run(program, *words)):
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=hear_all_signals,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(0.05)  # into the sleep, so that the traceback of Ctrl-C is the same
            child.send_signal(number)
            out, err = child.communicate(timeout=30)
        ends.append((child.returncode, out, err))
    assert ends[0] == ends[1]
