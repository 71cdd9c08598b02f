"""Our context variables come to threads and pools, they alone, and leave nothing behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import multiprocessing.pool
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.thread import _WorkItem
from typing import Any

import joblib
import pytest

from autolog import context
from autolog.context import Frame, carry, current, last_run, pauses
from autolog.importing import ImportWatcher
from autolog.ledger import Ledger

theirs: contextvars.ContextVar[str] = contextvars.ContextVar("theirs", default="none")


@pytest.fixture
def carried() -> Iterator[Ledger]:
    ledger = Ledger()
    carry(ledger)
    yield ledger
    ledger.undo()
    assert ledger.leftover() == []


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Each test in a state of its own."""
    before = context.snapshot()
    yield
    context.restore(before)


def opened() -> Frame:
    frame = Frame(None, hook=True)
    current.set(frame)
    return frame


def in_thread(function: Callable[[], Any]) -> Any:
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


@pytest.mark.usefixtures("carried")
def test_a_thread_has_the_state_of_its_start() -> None:
    frame = opened()
    pauses.set(2)
    theirs.set("mine")
    assert in_thread(lambda: (current.get(), pauses.get(), theirs.get())) == (frame, 2, "none")
    thread = threading.Thread(target=lambda: seen.append(current.get()))
    seen: list[Any] = []
    later = opened()
    thread.start()
    thread.join()
    assert seen == [later]


@pytest.mark.usefixtures("carried")
def test_what_a_thread_sets_stays_in_it() -> None:
    frame = opened()
    in_thread(opened)
    assert current.get() is frame


def test_threads_of_threads_subclasses_and_timers(carried: Ledger) -> None:
    class Mine(threading.Thread):
        def start(self) -> None:
            super().start()

        def run(self) -> None:
            seen.append(current.get())

    def attributes() -> dict[str, Any]:
        mine = Mine()
        mine.start()
        mine.join()
        return vars(mine)

    seen: list[Any] = []
    frame, hooked = opened(), attributes()
    timer = threading.Timer(0, lambda: seen.append(in_thread(current.get)))
    timer.start()
    timer.join()
    assert seen == [frame, frame]
    carried.undo()
    assert hooked.keys() == attributes().keys()


@pytest.mark.usefixtures("carried")
def test_each_item_of_a_pool_has_the_state_of_its_submit() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(current.get).result() is None
        frame = opened()
        assert pool.submit(current.get).result() is frame
        second = opened()
        assert pool.submit(current.get).result() is second
        assert list(pool.map(lambda _: current.get(), "ab")) == [second] * 2
        current.set(None)
        assert pool.submit(current.get).result() is None


@pytest.mark.usefixtures("carried")
def test_a_pool_keeps_no_state_of_an_earlier_item() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(opened).result()
        assert pool.submit(current.get).result() is None
        frame = opened()
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()
        gone = weakref.ref(frame)
        del frame
        current.set(None)
        pool.submit(int).result()
        gc.collect()
        assert gone() is None


@pytest.mark.usefixtures("carried")
def test_cancelled_items_leave_nothing() -> None:
    release = threading.Event()
    pool = ThreadPoolExecutor(1)
    pool.submit(release.wait)
    frame = opened()
    waiting = pool.submit(current.get)
    current.set(None)
    pool.shutdown(wait=False, cancel_futures=True)
    release.set()
    pool.shutdown()
    assert waiting.cancelled()
    gone = weakref.ref(frame)
    del frame
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("carried")
def test_the_users_own_variables_behave_as_before() -> None:
    with ThreadPoolExecutor(1) as pool:
        theirs.set("outside")
        assert pool.submit(theirs.get).result() == "none"
        pool.submit(theirs.set, "kept").result()
        assert pool.submit(theirs.get).result() == "kept"


@pytest.mark.usefixtures("carried")
def test_asyncio() -> None:
    frame = opened()

    async def task() -> Any:
        inside = current.get()
        opened()
        return inside

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        return [
            *await asyncio.gather(task(), task()),
            await loop.run_in_executor(None, current.get),
            await asyncio.to_thread(current.get),
            current.get(),
        ]

    assert asyncio.run(main()) == [frame] * 5
    assert current.get() is frame


@pytest.mark.usefixtures("carried")
def test_other_pools_inherit_at_their_start() -> None:
    frame = opened()
    with multiprocessing.pool.ThreadPool(2) as pool:
        assert pool.map(lambda _: current.get(), range(3)) == [frame] * 3
    jobs = (joblib.delayed(current.get)() for _ in range(3))
    assert joblib.Parallel(n_jobs=2, backend="threading")(jobs) == [frame] * 3


@pytest.mark.usefixtures("carried")
def test_a_finished_thread_frees_its_state() -> None:
    frame = opened()
    gc.disable()
    try:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        gone = weakref.ref(frame)
        del frame
        current.set(None)
        last_run.set(None)
        assert gone() is None
    finally:
        gc.enable()
    assert context._pending == {}
    assert thread is not None


@pytest.mark.usefixtures("carried")
def test_a_thread_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("can't start new thread")

    for name in ("_start_new_thread", "_start_joinable_thread"):
        monkeypatch.setattr(threading, name, refuse, raising=False)
    opened()
    with pytest.raises(RuntimeError, match="can't start"):
        threading.Thread(target=print).start()
    assert context._pending == {}


@pytest.mark.usefixtures("carried")
def test_many_threads_do_not_mix() -> None:
    wrong: list[Any] = []

    def branch() -> None:
        mine = opened()
        for _ in range(30):
            if in_thread(current.get) is not mine:
                wrong.append(mine)
        with ThreadPoolExecutor(2) as pool:
            wrong.extend(f for f in pool.map(lambda _: current.get(), range(50)) if f is not mine)

    threads = [threading.Thread(target=branch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_undo_puts_back_every_function() -> None:
    functions = (threading.Thread.start, threading.Thread._bootstrap_inner)
    functions += (_WorkItem.__init__, _WorkItem.run)
    before = [function.__code__ for function in functions]
    ledger = Ledger()
    carry(ledger)
    assert [function.__code__ for function in functions] != before
    ledger.undo()
    assert [function.__code__ for function in functions] == before
    opened()
    assert in_thread(current.get) is None


def test_a_pool_that_outlives_the_undo_works_on(carried: Ledger) -> None:
    release = threading.Event()
    opened()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(release.wait)
        waiting = pool.submit(int, "5")
        carried.undo()
        release.set()
        assert waiting.result() == 5
        assert pool.submit(current.get).result() is None


@pytest.mark.usefixtures("carried")
def test_errors_in_threads_and_pools_are_told_as_before() -> None:
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(lambda: 1 / 0).exception()
    assert error is not None
    names, trace = [], error.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names == ["run", "<lambda>"]
    program = (
        "import threading\nfrom autolog.context import carry\nfrom autolog.ledger import Ledger\n"
        "import sys\nif sys.argv[1] == 'on': carry(Ledger())\n"
        "t = threading.Thread(target=lambda: 1 / 0, name='T')\nt.start()\nt.join()\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program, state], capture_output=True, text=True, check=True
        ).stderr
        for state in ("off", "on")
    ]
    assert said[0] == said[1]
    assert "ZeroDivisionError" in said[0]


def test_with_a_watcher_the_pools_module_is_not_imported() -> None:
    program = (
        "import sys, threading\n"
        "from autolog import context\nfrom autolog.importing import ImportWatcher\n"
        "from autolog.ledger import Ledger\n"
        "ledger = Ledger()\ncontext.carry(ledger, ImportWatcher())\n"
        "assert 'concurrent.futures.thread' not in sys.modules\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "context.current.set('here')\n"
        "print(ThreadPoolExecutor(1).submit(context.current.get).result())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("here\n", "")


def test_the_watcher_finds_a_loaded_module() -> None:
    ledger, watcher = Ledger(), ImportWatcher()
    carry(ledger, watcher)
    watcher.close()
    frame = opened()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(current.get).result() is frame
    ledger.undo()


def test_more_variables_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "variables", context.variables)
    monkeypatch.setattr(context, "_defaults", context._defaults)
    old = context.snapshot()
    mine = context.variable("mine", "default")
    assert context.variable("mine", "default") is mine
    ledger = Ledger()
    carry(ledger)
    mine.set("value")
    assert in_thread(mine.get) == "value"
    ledger.undo()
    context.restore(old)
    assert mine.get() == "default"
