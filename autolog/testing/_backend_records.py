"""The part of the backend suite on records: exactness, idempotence, order, refusal."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from autolog.backend import Backend
from autolog.codec import escape_text, from_wire
from autolog.errors import BackendError, NotFound
from autolog.records import KINDS, Record

from . import _backend_parts as parts
from ._backend_base import ONE, OTHER, RUN, TWO, SuiteBase
from ._backend_parts import exact, light_series, record, series


class RecordTests(SuiteBase):
    """Records come back exactly, once, in order; what cannot be kept is refused."""

    def test_an_empty_store_has_no_runs(self, backend: Backend) -> None:
        assert backend.run_ids() == []
        assert backend.acked(RUN) == {}
        assert backend.artifacts(RUN) == []
        with pytest.raises(NotFound):
            backend.records(RUN)

    def test_every_kind_is_kept(self, backend: Backend) -> None:
        batch = [
            record(RUN, ONE, seq, {"n": seq}, kind=kind, key=f"k{seq}", info={"set": True})
            for seq, kind in enumerate(KINDS)
        ]
        backend.write(batch)
        self.check(backend, RUN, batch)
        assert backend.run_ids() == [RUN]

    @pytest.mark.parametrize("name", list(parts.HARD_VALUES))
    def test_hard_values_come_back(self, backend: Backend, name: str) -> None:
        value = parts.HARD_VALUES[name]
        sent = record(RUN, ONE, 0, value, info={"value": value})
        backend.write([sent])
        self.check(backend, RUN, [sent])
        (found,) = backend.records(RUN)
        assert repr(from_wire(found.value)) == repr(value)

    @pytest.mark.parametrize("key", parts.HARD_KEYS, ids=ascii)
    def test_any_text_is_a_key(self, backend: Backend, key: str) -> None:
        sent = [record(RUN, ONE, 0, 1, key=key), record(RUN, ONE, 1, 2, key=key.upper())]
        backend.write(sent)
        self.check(backend, RUN, sent)
        assert next(iter(backend.records(RUN))).key == escape_text(key)

    @pytest.mark.parametrize("step", [0, -1, 2**63 - 1, -(2**63), 0.5, 1.0, -0.0, 1e300])
    def test_steps_are_exact(self, backend: Backend, step: float) -> None:
        sent = record(RUN, ONE, 0, 1.0, step=step)
        backend.write([sent])
        self.check(backend, RUN, [sent])

    def test_times_are_exact(self, backend: Backend) -> None:
        times = [0.0, 1.7e9 + 1e-6, 1700000000.123456, -1.0, 2.0**40 + 2.0**-10]
        sent = [Record(RUN, ONE, seq, time, "tag", "t") for seq, time in enumerate(times)]
        backend.write(sent)
        self.check(backend, RUN, sent)

    def test_records_twice_count_once(self, backend: Backend) -> None:
        batch = series(RUN, ONE, 0, 5)
        backend.write(batch)
        backend.write(batch)
        backend.write(batch[4:])
        backend.write([*batch[:2], *batch[:2]])
        self.check(backend, RUN, batch)

    def test_an_overlapping_batch_adds_its_new_part(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 5))
        backend.write(series(RUN, ONE, 3, 9))
        self.check(backend, RUN, series(RUN, ONE, 0, 9))

    def test_a_new_instance_knows_what_is_held(self, shared: Backend) -> None:
        shared.write(series(RUN, ONE, 0, 5))
        again = type(self).opener(shared.uri)
        again.write(series(RUN, ONE, 3, 9))
        shared.write(series(RUN, ONE, 4, 12))
        again.close()
        self.check(shared, RUN, series(RUN, ONE, 0, 12))

    def test_writers_and_runs_may_be_mixed(self, backend: Backend) -> None:
        streams = [series(run, writer, 0, 6) for run in (RUN, OTHER) for writer in (ONE, TWO)]
        mixed = [one for four in zip(*streams, strict=True) for one in four]
        backend.write(mixed[:7])
        backend.write(mixed[7:])
        self.check(backend, RUN, streams[0] + streams[1])
        self.check(backend, OTHER, streams[2] + streams[3])
        assert sorted(backend.run_ids()) == [RUN, OTHER]

    def test_each_writer_is_read_in_order(self, backend: Backend) -> None:
        for seq in range(6):
            for writer in (TWO, ONE):
                backend.write(series(RUN, writer, seq, seq + 1))
        found = [(one.writer, one.seq) for one in backend.records(RUN)]
        for writer in (ONE, TWO):
            assert [seq for owner, seq in found if owner == writer] == list(range(6))

    def test_a_gap_is_refused(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 2))
        with pytest.raises(BackendError):
            backend.write(series(RUN, ONE, 3, 5))
        assert backend.acked(RUN) == {ONE: 2}
        backend.write(series(RUN, ONE, 2, 5))
        self.check(backend, RUN, series(RUN, ONE, 0, 5))

    def test_a_run_that_does_not_begin_is_refused(self, backend: Backend) -> None:
        with pytest.raises(BackendError):
            backend.write(series(RUN, ONE, 1, 3))
        assert backend.acked(RUN).get(ONE, 0) == 0

    def test_a_prefix_may_be_stored_and_a_resend_completes_it(self, backend: Backend) -> None:
        whole = series(RUN, ONE, 0, 6)
        with pytest.raises(BackendError):
            backend.write([*whole[:3], *whole[4:]])
        held = self.raw_records(backend, RUN)
        assert exact(held) == exact(whole[: len(held)])
        assert len(held) <= 3
        backend.write(whole)
        self.check(backend, RUN, whole)

    def test_what_is_not_in_wire_form_is_refused(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 1))
        for value in (object(), {"a": {1, 2}.__iter__()}, "\ud800"):
            with pytest.raises(BackendError):
                backend.write([Record(RUN, ONE, 1, 0.0, "tag", "t", value)])
        backend.write(series(RUN, ONE, 1, 2))
        self.check(backend, RUN, series(RUN, ONE, 0, 2))

    @pytest.mark.parametrize("bad", ["", "..", "A" * 32, "a" * 31, "a" * 32 + "\n", "/" * 32])
    def test_an_id_is_32_hexadecimal_digits(self, backend: Backend, bad: str) -> None:
        calls = (
            lambda: backend.write(series(bad, ONE, 0, 1)),
            lambda: backend.write(series(RUN, bad, 0, 1)),
            lambda: list(backend.records(bad)),
            lambda: backend.acked(bad),
            lambda: backend.artifacts(bad),
            lambda: backend.open_artifact(bad, "a"),
            lambda: backend.delete(bad),
            lambda: backend.create_artifact(bad, "a").__enter__(),
        )
        for call in calls:
            with pytest.raises(BackendError):
                call()
        assert backend.run_ids() == []

    def test_later_changes_of_a_value_do_not_show(self, backend: Backend) -> None:
        value = {"a": [1]}
        sent = Record(RUN, ONE, 0, 0.0, "tag", "t", value)
        backend.write([sent])
        value["a"].append(2)
        assert next(iter(backend.records(RUN))).value == {"a": [1]}

    def test_blocks_hold_what_records_gives(self, backend: Backend) -> None:
        for seq in range(3):
            for writer in (TWO, ONE):
                backend.write(series(RUN, writer, 40 * seq, 40 * (seq + 1)))
        found = [
            (writer, entry.seq, entry.value)
            for writer, entries in backend.blocks(RUN)
            for entry in entries
        ]
        assert found == [(one.writer, one.seq, one.value) for one in backend.records(RUN)]
        with pytest.raises(NotFound):
            backend.blocks(OTHER)

    def test_blocks_go_on_from_what_was_seen(self, backend: Backend) -> None:
        """Some keys come often, one now and then, and one only at first."""

        def part(writer: str, start: int, stop: int) -> list[Record]:
            keys = ["loss" if seq % 7 else f"k{seq % 3}" for seq in range(stop)]
            keys[:3] = ["first"] * 3
            made = (record(RUN, writer, seq, seq * 0.5, key=keys[seq]) for seq in range(stop))
            return [*made][start:]

        written = [*part(ONE, 0, 900), *part(TWO, 0, 5)]
        backend.write(written)
        with pytest.raises(NotFound):
            list(backend.blocks_since(OTHER, {}))
        for more in ([], part(ONE, 900, 901), part(TWO, 5, 300), part(ONE, 901, 1600)):
            backend.write(more)
            written += more
            for one, two in ((0, 0), (1, 3), (300, 5), (899, 0), (901, 299), (10**6, 10**6)):
                seen = {ONE: one, TWO: two}
                found = [
                    record(RUN, writer, entry.seq, entry.value, key=entry.key)
                    for writer, entries in backend.blocks_since(RUN, seen)
                    for entry in entries
                ]
                names = [(x.writer, x.seq) for x in found]
                assert sorted(names, key=lambda name: name[0]) == sorted(names)
                assert exact(found) == exact(x for x in written if x.seq >= seen[x.writer])

    def test_versions_tell_runs_that_changed(self, backend: Backend) -> None:
        """Where the store has such; None for a run says that it is to be read each time."""
        if backend.versions() is None:
            pytest.skip("this store tells no versions")

        def versions(memo: object = None) -> tuple[dict[str, Any], Any]:
            told = backend.versions(memo)
            assert told is not None
            found: tuple[dict[str, Any], Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(told))
            return found

        backend.write([*series(RUN, ONE, 0, 3), *light_series(OTHER, TWO, 3)])
        before, memo = versions()
        assert versions(memo)[0] == versions()[0] == before
        assert sorted(before) == [RUN, OTHER]
        backend.write(series(RUN, ONE, 3, 4))
        after, _ = versions(memo)
        assert after[RUN] is None or after[RUN] != before[RUN]
        assert after[OTHER] == before[OTHER]
        backend.write(series(OTHER, TWO, 3, 4))
        backend.delete(RUN)
        last, _ = versions(memo)
        assert list(last) == [OTHER]
        assert last[OTHER] is None or last[OTHER] != before[OTHER]
        assert versions([])[0] == last

    def test_an_empty_batch_is_nothing(self, backend: Backend) -> None:
        backend.write([])
        assert backend.run_ids() == []

    def test_light_runs_are_runs(self, backend: Backend) -> None:
        runs = [f"{n:032x}" for n in range(20)]
        sent = {run: light_series(run, ONE, 6) for run in runs}
        for of_one_seq in zip(*sent.values(), strict=True):
            backend.write(of_one_seq)
        backend.write(sent[runs[3]])
        for run in runs:
            self.check(backend, run, sent[run])
        assert sorted(backend.run_ids()) == runs
        assert backend.delete(runs[7]) > 0
        assert sorted(backend.run_ids()) == runs[:7] + runs[8:]
        backend.write(series(runs[8], ONE, len(sent[runs[8]]), 12))
        for run in runs[:7] + runs[9:]:
            self.check(backend, run, sent[run])

    def test_close_may_be_called_twice(self, backend: Backend) -> None:
        backend.write(series(RUN, ONE, 0, 1))
        backend.close()
        backend.close()

    def test_many_runs(self, backend: Backend) -> None:
        runs = [f"{n:032x}" for n in range(200)]
        for seq in range(3):
            for run in runs:
                backend.write(series(run, ONE, seq, seq + 1))
        assert sorted(backend.run_ids()) == runs
        for run in runs[::20]:
            self.check(backend, run, series(run, ONE, 0, 3))
