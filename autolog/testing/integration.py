"""`IntegrationSuite`: the promises of the project, as tests that an integration's author inherits.

The author says how the library trains; the suite trains with and without the recording, in this
process and in fresh ones, and compares all that a program can see.
"""

from __future__ import annotations

import gc
import inspect
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

import autolog
from autolog import opening, reporting
from autolog.view import RunView

from . import breaking, child, observing, undoing
from .observing import Targets, fingerprint

THREADS = 8


class IntegrationSuite:
    """Subclass it as `class TestYourLibrary(IntegrationSuite)` and say how the library trains.

    The subclass stands at the top of a file that can be imported alone (no relative imports, no
    fixtures of `conftest.py` in the methods below), for parts of the suite run it in fresh
    processes. Import the library inside the methods or at the top, as you like.

    Class attributes:
        library: The integration's name, which is the library's import name.
        runs: How many runs one call of `train` leaves.
        expected_failures: Test name → reason, for promises that this library makes impossible;
            each must then fail.
    """

    library: ClassVar[str]
    runs: ClassVar[int] = 1
    expected_failures: ClassVar[dict[str, str]] = {}
    pytestmark: ClassVar[Any] = pytest.mark.filterwarnings("ignore")

    # -- what the author gives -------------------------------------------------------------

    def train(self) -> Any:
        """A small seeded training, equal at each call and safe in threads, that reaches every hook.

        Gives back what came of it: arrays, bytes, models. It may warn.
        """
        raise NotImplementedError

    def train_badly(self) -> Any:
        """A training that the library refuses with an exception."""
        raise NotImplementedError

    def targets(self) -> Targets:
        """What the hooks are put on: `(class or module, name)`, each where it is defined."""
        raise NotImplementedError

    def model_of(self, result: Any) -> Any:
        """The trained model in what `train` gave; None if it is not there."""
        return None

    def seen_as(self, part: Any) -> Any:
        """What an instance or argument is compared by, for those whose pickle holds the date."""
        return part

    def state(self) -> Any:
        """Further state of the process that must stay equal, such as a library's own generator."""
        return None

    # -- set-up ----------------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def _alone(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        """Each test in a folder and with settings of its own, our errors raised, then undone."""
        reason = self.expected_failures.get(request.node.originalname)
        if reason is not None:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        autolog.disable()
        for name in [name for name in os.environ if name.startswith("AUTOLOG")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AUTOLOG_STRICT", "1")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        (tmp_path / "work").mkdir()
        (tmp_path / "tmp").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        monkeypatch.setitem(opening.BUILT_IN, breaking.SCHEME, breaking.CLASS_PATH)
        self.folder = tmp_path
        reporting.clear_notes()
        yield
        autolog.disable()
        reporting.clear_notes()

    def enable(self, backend: str | None = None, **settings: Any) -> str:
        """Record into a new store in memory, or `backend`; gives the store's name."""
        uri = backend or f"memory:{self.folder}"
        autolog.autolog(uri, **settings)
        return uri

    def seen(self, scenario: str) -> child.Seen:
        """What a fresh process saw; each scenario is played once for a class."""
        played: dict[str, child.Seen] = _played.setdefault(type(self), {})
        if scenario not in played:
            subject = (inspect.getfile(type(self)), type(self).__qualname__, self.library)
            folder = self.folder / "process"  # of one name for all, since programs see it
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            env = {**os.environ, "AUTOLOG_BACKEND": "file:autolog-runs", "PYTHONHASHSEED": "0"}
            played[scenario] = child.play(subject, scenario, folder / "out", env)
        assert not played[scenario].died, played[scenario].died
        return played[scenario]

    def expected(self) -> str:
        """The fingerprint of what `train` gives in a process without us."""
        return str(self.seen("plain").facts["result"])

    def compare(self, *keys: str) -> None:
        """Findings that must be equal with and without us."""
        plain, recorded = self.seen("plain").facts, self.seen("recorded").facts
        for key in keys:
            assert recorded[key] == plain[key], key

    # -- neutral ---------------------------------------------------------------------------

    def test_results_are_equal_bit_for_bit(self) -> None:
        """The same numbers, with us and without, also where a training has gone before."""
        self.compare("result")
        assert fingerprint(self.train()) == self.expected(), "train() itself is not reproducible"

    def test_process_is_left_as_it_is(self) -> None:
        """Random states, warnings filters, logging, signal handlers, environment, threads."""
        plain, recorded = self.seen("plain").facts, self.seen("recorded").facts
        for name, value in plain["state"].items():
            assert recorded["state"][name] == value, name

    def test_no_framework_is_imported(self) -> None:
        """None by enabling, none by a training that does not import it itself."""
        assert self.seen("enable_first").facts["frameworks"] == []
        self.compare("frameworks")

    def test_warnings_are_equal(self) -> None:
        """Category, text, file and line of each; and what is printed of them by default."""
        self.compare("warnings")
        assert self.seen("recorded").output == self.seen("plain").output

    def test_errors_are_equal(self) -> None:
        """Type, arguments, message, notes, cause, context and the traceback as it is read."""
        assert self.seen("plain").facts["error"], "train_badly() raised nothing"
        self.compare("error")

    def test_model_is_not_called(self) -> None:
        """We call nothing that is named like a prediction more often than the program does."""
        self.compare("predictions")

    def test_functions_look_the_same(self) -> None:
        """Signature, source, documentation and kind of what is hooked."""
        plain, recorded = self.seen("plain").facts["looks"], self.seen("recorded").facts["looks"]
        for name, look in plain.items():
            assert recorded[name] == look, name

    def test_functions_travel_the_same(self) -> None:
        """Copies and pickles of what is hooked, bound and unbound, and to joblib's workers."""
        plain, recorded = self.seen("plain").facts, self.seen("recorded").facts
        for name, facts in plain["travels"].items():
            assert recorded["travels"][name] == facts, name

    def test_model_names_nothing_of_ours(self) -> None:
        """A model that was trained under us is pickled as if it had not been."""
        self.compare("model")
        modules = self.seen("recorded").facts["model"]
        assert [name for name in modules if name.startswith(("autolog", "wrapt"))] == []

    def test_arguments_are_not_changed(self) -> None:
        """Neither half of a hook changes the instance or an argument of the call."""
        problems: list[str] = []
        self.enable()
        self.train()
        for entry in breaking.entries(self.library):
            with breaking.replaced(
                entry, breaking.noting_changes(problems, entry.place, self.seen_as)
            ):
                self.train()
        assert problems == []

    # -- undoable --------------------------------------------------------------------------

    def test_enabling_before_the_import(self) -> None:
        """What is imported later is hooked, and undone, and hooked again."""
        facts = self.seen("enable_first").facts
        every = [observing.title(owner, name) for owner, name in self.targets()]
        assert every, "targets() names nothing"
        assert facts["hooked"] == facts["hooked again"] == every
        assert facts["result"] == self.expected()
        assert facts["runs"] == facts["runs while off"] == self.runs
        assert facts["runs after again"] == 2 * self.runs
        assert facts["left"] == []
        assert facts["finders"], "sys.meta_path was not put back"

    def test_enabling_after_the_import(self) -> None:
        """What is there already is hooked, once however often we are called, and undone."""
        facts = self.seen("import_first").facts
        every = [observing.title(owner, name) for owner, name in self.targets()]
        assert facts["hooked"] == facts["hooked again"] == every
        assert facts["result"] == facts["result again"] == self.expected()
        assert (facts["runs"], facts["runs again"]) == (self.runs, 2 * self.runs)

    def test_undo_is_complete(self) -> None:
        """Every attribute is the very object that it was, and what was absent is absent."""
        facts = self.seen("import_first").facts
        assert facts["changed"] == facts["changed again"] == []
        assert facts["environment"], "os.environ was not put back"

    # -- recording -------------------------------------------------------------------------

    def test_one_run_for_each_training(self) -> None:
        """Finished, with params and a dataset each, and the model saved if `model_of` gives one."""
        runs = self.trained_runs()
        assert len(runs) == self.runs
        for run in runs:
            assert run.status == "finished"
            assert run.params, f"{run.name} has no params"
            assert run.datasets, f"{run.name} has no dataset"
        saved = any("path" in model for run in runs for model in run.models.values())
        assert saved or self.model_of(self.train()) is None, "no run saved a model"
        assert autolog.active_run() is None

    def test_every_hook_is_reached(self) -> None:
        """What `train` does not reach, the other tests say nothing about."""
        self.enable()
        self.train()
        assert [entry.place for entry in breaking.entries(self.library) if not entry.fired] == []

    def test_failed_training(self) -> None:
        """One run, failed, with the error's type, message and the end of its traceback."""
        uri = self.enable()
        error = observing.error_of(self.train_badly)
        assert error["type"] == self.seen("plain").facts["error"]["type"]
        (run,) = autolog.search_runs(backend=uri)
        assert run.status == "failed"
        assert run.error is not None
        assert (run.error.type, run.error.message) == (error["type"], error["message"])
        assert "train_badly" in run.error.traceback
        assert autolog.active_run() is None

    def test_trainings_in_threads(self) -> None:
        """Eight at once leave eight times the runs of one, each complete."""
        alone = Counter(_shape(run) for run in self.trained_runs())
        autolog.disable()
        uri = self.enable(f"memory:{self.folder}/threads")
        barrier = threading.Barrier(THREADS)

        def work() -> str:
            barrier.wait()
            return fingerprint(self.train())

        with ThreadPoolExecutor(THREADS) as pool:
            results = [future.result() for future in [pool.submit(work) for _ in range(THREADS)]]
        assert set(results) == {self.expected()}
        together = Counter(_shape(run) for run in autolog.search_runs(backend=uri))
        assert together == Counter({shape: n * THREADS for shape, n in alone.items()})

    def test_paused(self) -> None:
        """Inside the block nothing is recorded, after it everything."""
        uri = self.enable()
        with autolog.paused():
            assert fingerprint(self.train()) == self.expected()
        assert len(autolog.search_runs(backend=uri)) == 0
        self.train()
        assert len(autolog.search_runs(backend=uri)) == self.runs

    @pytest.mark.parametrize("variable", ["AUTOLOG=0", "AUTOLOG_EXCLUDE=all"])
    def test_off_by_the_environment(self, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The operator's veto: nothing is hooked and no file made."""
        name, _, value = variable.partition("=")
        monkeypatch.setenv(name, value)
        before = undoing.state_of(self.library, self.targets())
        autolog.autolog(self.folder / "store")
        autolog.log_param("by hand", 1)
        with autolog.start_run("by hand"):
            self.train()
        assert undoing.differences(before, self.targets()) == []
        assert not (self.folder / "store").exists()
        assert list(Path.cwd().iterdir()) == []

    def test_excluded(self) -> None:
        """An integration that the settings exclude hooks nothing and records nothing."""
        autolog.autolog(f"memory:{self.folder}", exclude=[self.library])
        assert undoing.hooked(self.targets()) == []
        self.train()
        runs = autolog.search_runs(backend=f"memory:{self.folder}")
        assert [run for run in runs if run.folded.facts.get("integration") == self.library] == []

    def test_memory_is_released(self) -> None:
        """Model, data and all else that was handed over die with the program's own references."""
        assert self.seen("recorded").facts["handed over"] > 0
        assert self.seen("recorded").facts["alive"] == []

    # -- harmless --------------------------------------------------------------------------

    def test_failing_hooks(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Each hook raises before and after its `yield`: one line, one note, the same result."""
        monkeypatch.delenv("AUTOLOG_STRICT")
        expected = self.expected()
        self.enable()
        self.train()
        for entry in breaking.entries(self.library):
            for moment in ("before", "after"):
                reporting.clear_notes()
                capsys.readouterr()
                broken = breaking.raising(moment, lambda: LookupError("on purpose"))
                with breaking.replaced(entry, broken):
                    assert fingerprint(self.train()) == expected, (entry.place, moment)
                lines = _our_lines(capsys)
                assert len(lines) == 1, (entry.place, moment, lines)
                assert "on purpose" in lines[0]
                places = [note.place for note in reporting.notes() if "on purpose" in note.text]
                assert places == [entry.place]
                assert autolog.active_run() is None

    def test_interrupts_pass_through_hooks(self) -> None:
        """Ctrl-C is not swallowed, whatever hook it meets, and leaves no run open."""
        uri = self.enable()
        self.train()
        for entry in breaking.entries(self.library):
            if "__del__" in entry.hook.target.names:  # Python lets nothing out of a finalizer
                continue
            for moment in ("before", "after"):
                interrupted = breaking.raising(moment, KeyboardInterrupt)
                with breaking.replaced(entry, interrupted), pytest.raises(KeyboardInterrupt):
                    self.train()
                assert autolog.active_run() is None, (entry.place, moment)
        gc.collect()
        assert {run.status for run in autolog.search_runs(backend=uri)} <= {"finished", "killed"}
        before = len(autolog.search_runs(backend=uri))
        assert fingerprint(self.train()) == self.expected()
        assert len(autolog.search_runs(backend=uri)) == before + self.runs

    @pytest.mark.parametrize("trouble", [*breaking.TROUBLES, "slow"])
    def test_store_in_trouble(
        self, trouble: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A store that raises, is full or slow changes no result and no error."""
        monkeypatch.delenv("AUTOLOG_STRICT")
        plain = self.seen("plain").facts
        uri = self.enable(f"{breaking.SCHEME}:{trouble}:{self.folder}")
        assert fingerprint(self.train()) == plain["result"]
        assert observing.error_of(self.train_badly)["message"] == plain["error"]["message"]
        autolog.disable()
        lines = _our_lines(capsys)
        if trouble == "slow":
            assert lines == []
            runs = autolog.search_runs(backend=breaking.inner_uri(uri))
            assert len(runs) == self.runs + 1
        else:
            assert 1 <= len(lines) <= 4, lines
            assert reporting.notes()

    # -- of the suite itself ---------------------------------------------------------------

    def test_expected_failures_are_tests(self) -> None:
        """A name in `expected_failures` that is no test would excuse nothing."""
        assert [name for name in self.expected_failures if not hasattr(self, name)] == []

    def trained_runs(self) -> list[RunView]:
        """The runs that one training leaves in a new store."""
        uri = self.enable()
        assert fingerprint(self.train()) == self.expected()
        gc.collect()
        return list(autolog.search_runs(backend=uri))


_played: dict[type, dict[str, child.Seen]] = {}


def _our_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("autolog:")]


def _shape(run: RunView) -> tuple[Any, ...]:
    """What is there of a run, without what differs from one to the next."""
    return (
        run.name, run.status, run.parent, tuple(sorted(run.params)), tuple(sorted(run.metrics)),
        tuple(sorted(run.datasets)), tuple(sorted(run.models)), tuple(sorted(run.tables)),
        tuple(run.artifacts),
    )  # fmt: skip
