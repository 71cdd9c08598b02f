"""Locks across forks."""

from __future__ import annotations

import os
import threading

from autolog.forking import ForkSafeLock


def test_a_child_finds_a_lock_open_that_another_thread_held() -> None:
    lock, held, done = ForkSafeLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        acquired = lock._lock.acquire(timeout=5)
        os._exit(0 if acquired else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
