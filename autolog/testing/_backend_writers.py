"""The part of the backend suite on many writers at once, forks, kills and torn tails."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import secrets
import threading
from typing import Any

import pytest

from autolog.backend import Backend

from . import _backend_parts as parts
from ._backend_base import ONE, OTHER, RUN, SuiteBase
from ._backend_parts import exact, series

FORKS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class WriterTests(SuiteBase):
    """Threads and processes write at once, fork at any time and die; nothing is lost."""

    def test_threads_write_at_once(self, backend: Backend) -> None:
        writers = [secrets.token_hex(16) for _ in range(6)]

        def work(writer: str) -> None:
            for run, seq in itertools.product((RUN, OTHER), range(50)):
                backend.write(series(run, writer, seq, seq + 1))

        threads = [threading.Thread(target=work, args=(writer,)) for writer in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for run in (RUN, OTHER):
            self.check(backend, run, [r for w in writers for r in series(run, w, 0, 50)])

    @FORKS
    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_processes_write_at_once(self, shared: Backend, method: str) -> None:
        if method not in multiprocessing.get_all_start_methods():
            pytest.skip(f"no {method} on this system")
        context: Any = multiprocessing.get_context(method)
        writers = [secrets.token_hex(16) for _ in range(3)]
        opener = type(self).opener
        shared.write(series(RUN, ONE, 0, 3))
        children = [
            context.Process(target=parts.write_series, args=(opener, shared.uri, RUN, writer, 40))
            for writer in writers
        ]
        for child in children:
            child.start()
        shared.write(series(RUN, ONE, 3, 40))
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0, 0, 0]
        self.check(shared, RUN, [r for w in (ONE, *writers) for r in series(RUN, w, 0, 40)])

    @FORKS
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_a_fork_while_a_thread_writes_does_not_hang(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 1))

        def step(count: int) -> None:
            backend.write(series(RUN, ONE, count + 1, count + 2))

        children = [secrets.token_hex(16) for _ in range(25)]
        with parts.Background(step) as parent:
            codes = [
                parts.fork_writes(backend, series(RUN, writer, 0, 3), patience=30.0)
                for writer in children
            ]
        assert codes == [0] * len(children)
        seen = () if self.process_local else children
        expected = series(RUN, ONE, 0, parent.count + 1)
        self.check(backend, RUN, expected + [r for w in seen for r in series(RUN, w, 0, 3)])

    def test_what_was_written_survives_a_kill(self, shared: Backend) -> None:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        opener = type(self).opener
        child = context.Process(
            target=parts.write_for_ever, args=(opener, shared.uri, RUN, ONE, sender)
        )
        child.start()
        sender.close()
        told = 0
        while told < 100:
            told = receiver.recv()
        child.kill()
        with contextlib.suppress(EOFError):
            while True:
                told = receiver.recv()
        child.join()
        found = self.raw_records(shared, RUN)
        assert len(found) >= told
        assert shared.acked(RUN) == {ONE: len(found)}
        self.check(shared, RUN, series(RUN, ONE, 0, len(found)))

    def test_a_torn_tail_hides_itself_alone(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 5))
        backend.write(series(OTHER, ONE, 0, 5))
        backend.close()
        self.tear(backend, RUN)
        again = type(self).opener(backend.uri)
        assert exact(again.records(RUN)) == exact(series(RUN, ONE, 0, 4))
        assert exact(again.records(OTHER)) == exact(series(OTHER, ONE, 0, 5))
        assert again.acked(RUN) == {ONE: 4}
        assert any("torn" in note for note in again.notes())
        again.write(series(RUN, ONE, 3, 8))
        assert exact(again.records(RUN)) == exact(series(RUN, ONE, 0, 8))
        again.close()
