"""One fresh process of the suite: `python -m autolog.testing.child SCENARIO OUT FILE CLASS LIB`.

It loads the author's class from its file, plays the scenario and leaves what it saw in OUT.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import pickletools
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import autolog

from . import breaking, observing, undoing
from .observing import fingerprint

if TYPE_CHECKING:
    from .integration import IntegrationSuite

Load = Callable[[], "IntegrationSuite"]
SUBJECT = "integration_suite_subject"
"""The module's name under which the author's file is loaded."""


class Seen(NamedTuple):
    """What a process left: its findings, what it printed, and how it died if it did."""

    facts: dict[str, Any]
    output: list[str]
    died: str = ""


def play(subject: Sequence[str], scenario: str, out: Path, env: Mapping[str, str]) -> Seen:
    """Run `scenario` in a fresh process.

    `subject`: the file and the name of the author's class, and its library.
    """
    command = [sys.executable, "-m", __name__, scenario, str(out), *subject]
    done = subprocess.run(
        command, env=dict(env), cwd=out.parent, capture_output=True, text=True, timeout=300
    )
    output = [*done.stdout.splitlines(), "-- stderr:", *done.stderr.splitlines()]
    if done.returncode != 0:
        died = [f"{scenario} exited {done.returncode}:", *output[-30:]]
        return Seen({}, output, "\n".join(died))
    return Seen(pickle.loads(out.read_bytes()), output)


def plain(library: str, load: Load) -> dict[str, Any]:
    """The training without us."""
    return _observed(library, load())


def recorded(library: str, load: Load) -> dict[str, Any]:
    """The same, recorded."""
    autolog.autolog()
    return _observed(library, load())


def _observed(library: str, suite: IntegrationSuite) -> dict[str, Any]:
    import_module(library)
    observing.seed()
    held = _held(library, suite)  # first of all, for the first call may be what is remembered
    gc.collect()
    alive = [repr(ref()) for ref in held if ref() is not None]
    result = suite.train()
    facts: dict[str, Any] = {
        "handed over": len(held),
        "alive": alive,
        "result": fingerprint(result),
        "state": {**observing.process_state(), "the author's": suite.state()},
        "frameworks": observing.frameworks(),
        "model": _named_in(pickle.dumps(suite.model_of(result), 2)),
        "looks": observing.looks(suite.targets()),
        "travels": observing.travels(suite.targets(), suite.model_of(result)),
        "error": observing.error_of(suite.train_badly),
        "warnings": observing.warnings_of(suite.train),
    }
    with observing.counted_predictions() as counts:
        suite.train()
    return {**facts, "predictions": dict(counts)}


def _held(library: str, suite: IntegrationSuite) -> list[weakref.ref[Any]]:
    """Weak references to the model of a training and to all that its hooks were given."""
    held: list[weakref.ref[Any]] = []
    with contextlib.ExitStack() as stack:
        for entry in breaking.entries(library):
            stack.enter_context(breaking.replaced(entry, breaking.noting_arguments(held)))
        model = suite.model_of(suite.train())
    return held if model is None else [*held, weakref.ref(model)]


def _named_in(content: bytes) -> list[str]:
    """Modules that a pickle of protocol 2 names."""
    return sorted(
        {str(arg).partition(" ")[0] for op, arg, _ in pickletools.genops(content)
         if op.name == "GLOBAL"}
    )  # fmt: skip


def enable_first(library: str, load: Load) -> dict[str, Any]:
    """Enabled before anything of the library is imported; undone; enabled again."""
    finders = list(sys.meta_path)
    autolog.autolog()
    facts: dict[str, Any] = {"frameworks": observing.frameworks()}
    suite = load()
    import_module(library)
    facts["hooked"] = undoing.hooked(suite.targets())
    facts["result"] = fingerprint(suite.train())
    facts["runs"] = len(autolog.search_runs())
    autolog.disable()
    facts["left"] = undoing.leftovers(library, suite.targets())
    facts["finders"] = [f for f in sys.meta_path if f in finders] == finders and not any(
        type(finder).__module__.startswith("autolog") for finder in sys.meta_path
    )
    suite.train()
    facts["runs while off"] = len(autolog.search_runs())
    autolog.autolog()
    facts["hooked again"] = undoing.hooked(suite.targets())
    suite.train()
    facts["runs after again"] = len(autolog.search_runs())
    return facts


def import_first(library: str, load: Load) -> dict[str, Any]:
    """Everything imported, trained and held by name before; enabled and disabled twice each."""
    import_module(library)
    suite = load()
    targets = suite.targets()
    suite.train()
    before, environment = undoing.state_of(library, targets), dict(os.environ)
    facts: dict[str, Any] = {}
    for turn in ("", " again"):
        autolog.autolog()
        autolog.autolog()
        facts["hooked" + turn] = undoing.hooked(targets)
        facts["result" + turn] = fingerprint(suite.train())
        facts["runs" + turn] = len(autolog.search_runs())
        autolog.disable()
        autolog.disable()
        facts["changed" + turn] = undoing.differences(before, targets)
    facts["environment"] = dict(os.environ) == environment
    return facts


SCENARIOS = {f.__name__: f for f in (plain, recorded, enable_first, import_first)}


def _loader(path: str, name: str) -> Load:
    def load() -> IntegrationSuite:
        spec = spec_from_file_location(SUBJECT, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[SUBJECT] = module_from_spec(spec)
        spec.loader.exec_module(module)
        suite: IntegrationSuite = attrgetter(name)(module)()
        return suite

    return load


def main(scenario: str, out: str, path: str, name: str, library: str) -> None:
    """Play one scenario and write what was seen."""
    facts = SCENARIOS[scenario](library, _loader(path, name))
    Path(out).write_bytes(pickle.dumps(facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
