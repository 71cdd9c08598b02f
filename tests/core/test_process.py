"""Facts of processes, whether they live, the mark of SIGTERM: with real processes and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autolog import process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the facts are Linux's")

SHOW = "import json; from autolog.process import this_process; print(json.dumps(this_process()))"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        yield child
        child.kill()


def facts_of(pid: int) -> dict[str, object]:
    return {**process.this_process(), "pid": pid, "process_start": process._started_linux(pid)}


def test_facts_agree_with_psutil() -> None:
    psutil = pytest.importorskip("psutil")
    facts = process.this_process()
    assert facts["pid"] == os.getpid()
    started = psutil.boot_time() + facts["process_start"] / os.sysconf("SC_CLK_TCK")
    assert abs(started - psutil.Process().create_time()) < 1.5


def test_facts_are_the_callers_own_copy() -> None:
    process.this_process()["pid"] = -1
    assert process.this_process()["pid"] == os.getpid()


def test_a_forked_child_has_facts_of_its_own() -> None:
    before = process.this_process()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        facts = process.this_process()
        os.write(
            writer, b"%d %d" % (facts["pid"], facts["process_start"] >= before["process_start"])
        )
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100).split() == [str(child).encode(), b"1"]
    os.close(reader)
    os.close(writer)


def test_living_process(sleeper: subprocess.Popen[bytes]) -> None:
    assert process.is_alive(process.this_process()) is True
    assert process.is_alive(facts_of(sleeper.pid)) is True


def test_ended_process_as_zombie_and_after(sleeper: subprocess.Popen[bytes]) -> None:
    facts = facts_of(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{sleeper.pid}/stat").exists()
    assert process.is_alive(facts) is False
    sleeper.wait()
    assert process.is_alive(facts) is False


def test_number_taken_by_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    facts = facts_of(sleeper.pid)
    assert process.is_alive({**facts, "process_start": facts["process_start"] - 1}) is False  # type: ignore[operator]


def test_a_name_full_of_parentheses_is_no_obstacle(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z (b) 1 2"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([str(odd), "60"]) as child:
        while b"a) Z (b)" not in Path(f"/proc/{child.pid}/stat").read_bytes():
            time.sleep(0.001)
        facts = facts_of(child.pid)
        assert process.is_alive(facts) is True
        child.kill()


def test_what_cannot_be_known_is_none() -> None:
    here = process.this_process()
    assert process.is_alive({}) is None
    assert process.is_alive({**here, "boot": None}) is None
    assert process.is_alive({**here, "pid": None}) is None
    assert process.is_alive({**here, "namespace": "4026532000"}) is None
    assert process.is_alive({**here, "namespace": None}) is None
    assert process.is_alive({**here, "boot": "other", "host": "elsewhere"}) is None
    assert process.is_alive({**here, "boot": "other", "machine": "another"}) is None


def test_same_machine_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {**process.this_process(), "machine": "0123456789abcdef"}
    monkeypatch.setattr(process, "_facts", (os.getpid(), here))
    assert process.is_alive({**here, "boot": "before"}) is False


def test_in_a_container_another_boot_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_namespace", lambda: "4026532000")
    here = process._linux_facts(os.getpid())
    assert here["machine"] is None
    monkeypatch.setattr(process, "_facts", (os.getpid(), here))
    assert process.is_alive({**here, "boot": "before"}) is None
    assert process.is_alive(here) is True


def test_facts_by_psutil_where_there_is_no_proc(sleeper: subprocess.Popen[bytes]) -> None:
    pytest.importorskip("psutil")
    facts = process._other_facts(sleeper.pid)
    assert facts["process_start"] == process._started_elsewhere(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert process._started_elsewhere(sleeper.pid) is False
    sleeper.wait()
    assert process._started_elsewhere(sleeper.pid) is False


# -- the mark ----------------------------------------------------------------------------------

MARKED = """
import os, signal, sys, time
from pathlib import Path
from autolog.process import install_mark
mark = Path(sys.argv[1])
undo = install_mark(mark)
def caught():
    status = Path("/proc/self/status").read_text()
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1)
"""


def run(
    tmp_path: Path, text: str, first: str = ""
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run `first`, install the mark, run `text`; the mark's path is given back too."""
    mark = tmp_path / "mark"
    program = textwrap.dedent(first) + MARKED + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-c", program, str(mark)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done, mark


def test_sigterm_leaves_a_mark_and_ends_the_process_as_ever(tmp_path: Path) -> None:
    done, mark = run(tmp_path, "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")
    assert "most recent call first" in mark.read_text()


FIT = """
import threading
import numpy as np
from sklearn.svm import SVC
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20_000, 20)), rng.integers(0, 2, 20_000)
print("fitting", flush=True)
SVC(C=1e6, cache_size=10).fit(X, y)
print("fitted", flush=True)
"""


def test_sigterm_within_c_code(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with subprocess.Popen(
        [sys.executable, "-c", MARKED + FIT, str(mark)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"fitting\n"
        time.sleep(0.3)  # well into libsvm, which would go on for minutes
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=5)
    assert (child.returncode, out, err) == (-signal.SIGTERM, b"", b"")
    assert "SVC" in mark.read_text() or "svm" in mark.read_text()


def test_undo_takes_the_handler_and_the_empty_file_away(tmp_path: Path) -> None:
    done, mark = run(tmp_path, "print(caught(), mark.exists()); undo(); undo(); print(caught())")
    assert (done.stdout, done.stderr) == ("True True\nFalse\n", "")
    assert not mark.exists()


def test_undo_keeps_a_file_with_a_mark(tmp_path: Path) -> None:
    done, mark = run(tmp_path, "mark.write_text('x'); undo(); print(caught())")
    assert done.stdout == "False\n"
    assert mark.read_text() == "x"


HANDLER = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"


def test_handler_of_the_program_set_before_stays(tmp_path: Path) -> None:
    first = "import signal, sys\n" + HANDLER
    text = "undo(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)"
    done, mark = run(tmp_path, text, first)
    assert (done.returncode, mark.exists()) == (7, False)


@pytest.mark.parametrize("undo", ["undo()\n", ""])
def test_handler_of_the_program_set_later_wins_and_survives_the_undo(
    undo: str, tmp_path: Path
) -> None:
    text = HANDLER + undo + "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)"
    done, mark = run(tmp_path, text)
    assert (done.returncode, done.stderr) == (7, "")
    assert not mark.exists() or not mark.read_bytes()


def test_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    text = "os.kill(os.getpid(), signal.SIGTERM); print('alive', caught(), mark.exists())"
    done, _ = run(tmp_path, text, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert done.stdout == "alive False False\n"


THEIRS = """
import faulthandler, signal, sys
theirs = open(sys.argv[1] + "-theirs", "w")
faulthandler.register(signal.SIGTERM, file=theirs, chain=True)
"""


def test_earlier_registration_with_faulthandler_stays(tmp_path: Path) -> None:
    text = "undo(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)"
    done, mark = run(tmp_path, text, THEIRS)
    assert done.returncode == -signal.SIGTERM
    assert not mark.exists()
    assert (tmp_path / "mark-theirs").read_text()


@pytest.mark.parametrize("undo", ["undo()\n", ""])
def test_later_registration_with_faulthandler_wins(undo: str, tmp_path: Path) -> None:
    text = THEIRS + undo + "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)"
    done, mark = run(tmp_path, text)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert not mark.exists() or not mark.read_bytes()
    assert (tmp_path / "mark-theirs").read_text()


def test_forked_child_leaves_no_mark_in_its_parents_file(tmp_path: Path) -> None:
    text = """
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(abs, [-1, 2]))
        pool.terminate()
    child = os.fork()
    if child == 0:
        print(caught(), flush=True)
        undo()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), mark.stat().st_size, caught())
    """
    done, _ = run(tmp_path, text)
    assert (done.stdout, done.stderr) == ("[1, 2]\nFalse\n-15 0 True\n", "")


def test_forked_child_may_have_a_mark_of_its_own(tmp_path: Path) -> None:
    text = """
    child = os.fork()
    if child == 0:
        install_mark(mark.with_name("child"))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    os.waitpid(child, 0)
    print(mark.stat().st_size, mark.with_name("child").stat().st_size > 0)
    """
    done, _ = run(tmp_path, text)
    assert done.stdout == "0 True\n"


def test_no_python_handler_is_seen_and_no_warning_at_exit(tmp_path: Path) -> None:
    done, mark = run(
        tmp_path,
        "print(signal.getsignal(signal.SIGTERM).name)",
        "import warnings; warnings.simplefilter('error')",
    )
    assert (done.stdout, done.stderr) == ("SIG_DFL\n", "")
    assert mark.read_bytes() == b""


@pytest.mark.filterwarnings("error")
def test_file_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(OSError):
        process.install_mark(tmp_path / "missing" / "mark")
    assert process._default_action(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
