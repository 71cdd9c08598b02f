"""The causes that another number may have, each a search of its own, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..filters import text_of
from ..rendering.facts import library, mapping
from . import causes_data
from .case import WHICH, Case, Reason
from .circumstances import threading_variable
from .differences import Difference
from .params import worth_telling

IDLE = ("verbose", "memory", "pre_dispatch", "cache_size", "copy", "copy_X", "error_score")
"""Params (by their last part) that change no result."""
SEEDS = ("random_state", "seed", "random_seed")
JOBS = ("n_jobs", "nthread", "num_threads")


def _unfinished(case: Case) -> Iterator[Reason]:
    for run, which in zip(case.runs, WHICH, strict=True):
        if run.status != "finished":
            words = {"running": "is still running", "failed": "failed"}.get(run.status)
            says = f"the {which} run {words or f'was {run.status}'}"
            yield Reason("unfinished", says, "its number is the one that it had got to")


def _measure(case: Case) -> Iterator[Reason]:
    """Whether the two numbers were measured in one way, on as many steps."""
    args, calls, links = (case.infos(key) for key in ("args", "call", "link"))
    if args[0] != args[1] and None not in case.series:
        says = " → ".join(_call(*pair) for pair in zip(calls, args, strict=True))
        yield Reason("measure", says, "the two calls measure different things")
    elif calls[0] != calls[1] and None not in calls:
        says = f"{text_of(calls[0])} → {text_of(calls[1])}"
        yield Reason("measure", says, "check that the two calls measure the same", likely=False)
    if "probable" in links:
        says = "the number's link with the run is only probable"
        yield Reason("measure", says, "it may belong to another model: check the call")
    counts = [one.count for one in case.series if one is not None]
    if len(set(counts)) > 1:
        unit = next((one.unit for one in case.series if one is not None and one.unit), "point")
        says = f"{counts[0]:,} → {counts[1]:,} {unit}s"
        yield Reason("steps", says, "the number was taken after another number of steps")


def _call(call: Any, args: Any) -> str:
    if isinstance(call, str):
        return call
    return ", ".join(f"{k}={text_of(v)}" for k, v in mapping(args).items()) or "the defaults"


def _model(case: Case) -> Iterator[Reason]:
    classes = [run.tags.get("estimator_class") or run.name for run in case.runs]
    names = [str(name).rpartition(".")[2] for name in classes]
    if classes[0] == classes[1]:
        names = [run.name for run in case.runs]
    if names[0] != names[1] and all(run.tags.get("estimator_class") for run in case.runs):
        look = "another kind of model gives another number"
        yield Reason("model", f"{names[0]} → {names[1]}", look)


def _params(case: Case) -> Iterator[Reason]:
    told, seeds, jobs = _by_effect(case)
    if told:
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        says = ", ".join(_arrow(one) for one in told[:3]) + more
        look = "set it back and train again to be sure"
        if len(told) > 1:
            look = "set them back one by one to see which it is"
        yield Reason("params", says, look)
    for one in seeds:
        look = "train with several seeds to tell chance from effect"
        yield Reason("seed", _arrow(one), look)
    for one in jobs:
        look = "it may change the last digits"
        yield Reason("threads", _arrow(one), look, likely=case.tiny)


def _by_effect(case: Case) -> tuple[list[Difference], list[Difference], list[Difference]]:
    """Differing params: those that matter, seeds, and those that only say how to compute."""
    worth = worth_telling(case.comparison)
    found: tuple[list[Difference], ...] = ([], [], [])
    for difference in case.comparison.of("params"):
        last = difference.key.rpartition("__")[2]
        if worth(difference) and last not in IDLE:
            found[1 if last in SEEDS else 2 if last in JOBS else 0].append(difference)
    return found[0], found[1], found[2]


def _arrow(difference: Difference) -> str:
    """`C 1.0 → 0.3`; of a run that has no such param `–`."""
    has = difference.detail.get("has") or (True, True)
    pairs = zip(difference.values, has, strict=True)
    before, after = (text_of(value)[:60] if there else "–" for value, there in pairs)
    return f"{difference.key} {before} → {after}"


def _arguments(case: Case) -> Iterator[Reason]:
    found = [d for d in case.comparison.of("program") if d.key in ("arguments", "options", "name")]
    for difference in found:
        before, after = (words(value) for value in difference.values)
        yield Reason(
            "command line", f"{before} → {after}", "the other differences may come from it"
        )
    for difference in case.comparison.of("program"):
        if difference.key == "folder":
            look = "files that the program reads by relative names are others"
            yield Reason("folder", " → ".join(map(str, difference.values)), look, likely=False)


def words(value: Any) -> str:
    """A command line's arguments as one text."""
    if isinstance(value, list):
        return " ".join(map(str, value)) or "no arguments"
    return "no arguments" if value is None else str(value)


def _code(case: Case) -> Iterator[Reason]:
    found = case.comparison.of("code")
    files = [d for d in found if d.detail.get("kind") != "commit"]
    site = str(case.runs[1].site).partition(":")[0]
    files.sort(key=lambda d: not d.key.endswith(site))
    if files:
        says = ", ".join(f"{d.key} {d.note}".strip() for d in files[:3])
        says += f" and {len(files) - 3} more" if len(files) > 3 else ""
        yield Reason("code", says, "read the lines in CODE; -v shows them all")
    elif found:
        before, after = (str(value)[:7] for value in found[0].values)
        same = "code" in case.comparison.same
        says = f"commit {before} → {after}" + (
            ", the recorded sources are the same" if same else ""
        )
        yield Reason("code", says, f"git diff {before} {after}", likely=not same)


def _library(case: Case) -> Iterator[Reason]:
    versions = [d for d in case.comparison.of("environment") if None not in d.values]
    packages = [d for d in versions if not d.key.startswith("$")]
    own = (library(case.runs[1]) or "").partition(" ")[0]
    main = next((d for d in packages if d.key == own), None)
    if main is not None:
        says = f"{main.key} {main.values[0]} → {main.values[1]}"
        look = f"train again with {main.key}=={main.values[0]} to be sure"
        yield Reason("library", says, look)
    others = [d for d in packages if d is not main]
    if others:
        says = ", ".join(f"{d.key} {d.values[0]} → {d.values[1]}" for d in others[:4])
        says += f" and {len(others) - 4} more" if len(others) > 4 else ""
        yield Reason("versions", says, "train again under the old ones to be sure", likely=False)


def _seedless(case: Case) -> Iterator[Reason]:
    """Params that leave the random numbers to chance."""
    for run in reversed(case.runs):
        loose = [
            key
            for key, value in run.params.items()
            if value is None and key.rpartition("__")[2] in SEEDS
        ]
        if loose:
            says = f"{', '.join(loose[:3])} not set"
            look = "if it draws random numbers, each training ends elsewhere: set it"
            yield Reason("chance", says, look, likely=not _others(case))
            return


def _others(case: Case) -> bool:
    """Whether anything likelier than chance was found; another version is not."""
    return any(r.likely for cause in CAUSES[: CAUSES.index(_library)] for r in cause(case))


def _machine(case: Case) -> Iterator[Reason]:
    threads = [d for d in case.comparison.of("environment") if threading_variable(d.key)]
    others = [
        d
        for d in case.comparison.of("environment")
        if d.key.startswith("$") and not threading_variable(d.key)
    ]
    for found, cause in ((threads, "threads"), (others, "variables")):
        if found:
            says = ", ".join(f"{d.key[1:]} {_moved(d)}" for d in found[:3])
            look = "sums in another order round otherwise"
            look = look if cause == "threads" else "set them back to be sure"
            yield Reason(cause, says, look, likely=case.tiny and cause == "threads")
    host = [d for d in case.comparison.of("host") if d.key in ("name", "cpu", "gpus", "system")]
    if host:
        says = ", ".join(map(_moved, host[:2]))
        look = "other processors round otherwise; train again on one of them"
        yield Reason("machine", says, look, likely=case.tiny)


def _moved(difference: Difference) -> str:
    return " → ".join("–" if v is None else text_of(v)[:60] for v in difference.values)


def _untold(case: Case) -> Iterator[Reason]:
    """What a run does not tell, so that it may differ."""
    for section, runs in case.comparison.unknown.items():
        silent = [w for run, w in zip(case.runs, WHICH, strict=True) if run.id in runs]
        of = "of both runs" if len(silent) > 1 else f"of the {''.join(silent)} run"
        yield Reason("not recorded", f"{section} {of} not known", "may differ too", likely=False)


Cause = Callable[[Case], Iterator[Reason]]

CAUSES: tuple[Cause, ...] = (
    _unfinished,
    _measure,
    causes_data.test_data,
    _model,
    causes_data.training_data,
    _params,
    _arguments,
    _code,
    _library,
    _seedless,
    _machine,
    _untold,
)
