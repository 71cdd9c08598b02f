"""Why a number may have changed between two runs: what differs, the likeliest cause first.

A difference is no proof. What is said is what was recorded, and what to do to be sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import NotFound
from ..filters import text_of
from ..fold import Series
from ..rendering.facts import direction, library
from ..view import RunView
from .circumstances import threading_variable
from .differences import Comparison, Difference, mapping
from .figures import chance
from .params import worth_telling

IDLE = ("verbose", "memory", "pre_dispatch", "cache_size", "copy", "copy_X", "error_score")
"""Params (by their last part) that change no result."""
SEEDS = ("random_state", "seed", "random_seed")
JOBS = ("n_jobs", "nthread", "num_threads")
WHICH = ("first", "second")
ROUNDING = 1e-9
"""Relative change below which a number differs in its last digits alone."""


class Reason(NamedTuple):
    """One possible cause.

    Attributes:
        cause: One word for it: `measure`, `test data`, `params`, ….
        says: What differs.
        look: What to look at, or to do, to be sure.
        likely: False for what may have changed the number, but usually does not.
    """

    cause: str
    says: str
    look: str
    likely: bool = True


@dataclass(frozen=True)
class Explanation:
    """Why `metric` may differ between two runs.

    Attributes:
        runs: The two runs.
        metric: The metric's name, as the comparison calls it.
        values: What each has: of folds the mean, of candidates the best, else the last value.
        reasons: The likeliest first; empty where the metric is the same in both.
    """

    runs: tuple[RunView, RunView]
    metric: str
    values: tuple[float | None, float | None]
    reasons: list[Reason]


class Case:
    """What is known of the two runs, for the functions that look for one cause each."""

    def __init__(self, comparison: Comparison, metric: Difference) -> None:
        self.comparison = comparison
        self.runs = comparison.runs
        self.metric = metric
        self.key = metric.key
        own = (run.series.get(metric.name(i)) for i, run in enumerate(self.runs))
        self.series: list[Series | None] = list(own)
        self.judged = _judged(comparison, metric)

    def infos(self, key: str) -> list[Any]:
        """What each metric's record tells under `key`."""
        return [None if one is None else one.info.get(key) for one in self.series]

    @property
    def tiny(self) -> bool:
        """Whether the numbers differ in their last digits only."""
        before, after = _values(self.metric)
        if before is None or after is None:
            return False
        return 0 < abs(after - before) <= ROUNDING * max(abs(before), abs(after))


def explain(comparison: Comparison, metric: str | None = None) -> Explanation | None:
    """Why a metric of two runs differs; None where no metric that both have does.

    Without `metric`, the first one that changed: preferably one that the program computed, and
    whose name tells what is better. Raises NotFound where not both runs have `metric`.
    """
    runs = (comparison.runs[0], comparison.runs[1])
    chosen = _chosen(comparison, metric)
    if chosen is None:
        if metric is None:
            return None
        value = runs[0].metrics[metric]
        return Explanation(runs, metric, (value, value), [])
    case = Case(comparison, chosen)
    found = [reason for cause in CAUSES for reason in cause(case)]
    ranked = sorted(found, key=lambda reason: not reason.likely)
    if not any(reason.likely for reason in ranked):
        ranked = [*_nothing(case, ranked), *ranked]
    return Explanation(runs, chosen.key, _values(chosen), ranked)


def _chosen(comparison: Comparison, metric: str | None) -> Difference | None:
    both = [d for d in comparison.of("metrics") if None not in d.values]
    if metric is not None:
        found = next((d for d in both if metric in (d.key, d.name(0), d.name(1))), None)
        if found is None and not all(metric in run.metrics for run in comparison.runs):
            raise _unknown(comparison, metric)
        return found
    moved = [d for d in both if d.detail["changes"][1] is not None]
    return min(moved or both, key=lambda d: _dullness(comparison, d), default=None)


def _unknown(comparison: Comparison, metric: str) -> NotFound:
    common = set.intersection(*(set(run.metrics) for run in comparison.runs))
    common |= {d.key for d in comparison.of("metrics") if None not in d.values}
    have = f"they share {', '.join(sorted(common)[:8])}" if common else "they share none"
    return NotFound(f"--metric: not all of the runs have {metric!r}; {have}")


def _dullness(comparison: Comparison, difference: Difference) -> tuple[bool, ...]:
    series = [r.series.get(difference.name(i)) for i, r in enumerate(comparison.runs)]
    computed = all(one is not None and "site" in one.info for one in series)
    probable = any(one is not None and one.probable for one in series)
    return probable, not direction(difference.key), not computed


def _values(difference: Difference) -> tuple[float | None, float | None]:
    figures = difference.detail["figures"]
    before, after = (None if one is None else one["value"] for one in figures)
    return before, after


def _judged(comparison: Comparison, metric: Difference) -> list[str | None]:
    """The dataset of each run that the metric was measured on, by the end of the metric's name."""
    found: list[str | None] = []
    for i, run in enumerate(comparison.runs):
        names = [name for name in run.datasets if metric.name(i).endswith(f"_{name}")]
        found.append(max(names, key=len, default=None))
    return found


# -- the causes, the likeliest first -----------------------------------------------------------


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


def _test_data(case: Case) -> Iterator[Reason]:
    for difference in case.comparison.of("data"):
        if case.judged[1] is not None and difference.name(1) == case.judged[1]:
            shared = [p for p in difference.parts if p.key == "rows_shared"]
            if shared:
                counts = " → ".join(str(value) for value in shared[0].values)
                says = f"rows of {difference.key} that were trained on: {counts}"
                yield Reason("test data", says, "a number measured on them is too good")
            if not difference.key.startswith("train "):
                yield from _of_data(case, difference, "test data", "measure both on one set")


def _training_data(case: Case) -> Iterator[Reason]:
    for difference in case.comparison.of("data"):
        if difference.key.startswith("train "):
            look = "see DATA; train on the old data once more to be sure"
            yield from _of_data(case, difference, "training data", look)
    silent = _which(case, "data")
    if silent:
        look = "light runs record none (setting light_after): it may differ"
        yield Reason(
            "training data",
            f"{silent} {'tells' if silent == 'neither run' else 'does not tell'} of its data",
            look,
            likely=False,
        )


def _which(case: Case, section: str) -> str:
    """The runs that do not tell about a section: `the first run`."""
    silent = case.comparison.unknown.get(section, [])
    found = [w for run, w in zip(case.runs, WHICH, strict=True) if run.id in silent]
    return "neither run" if len(found) == 2 else f"the {found[0]} run" if found else ""


def _of_data(case: Case, difference: Difference, cause: str, look: str) -> Iterator[Reason]:
    state = difference.detail["changes"][1]
    if state == "unknown":
        says = f"{difference.key}: not known to be the same, the digests have different rules"
        yield Reason(cause, says, look, likely=False)
    elif None in difference.values:
        gone = "appeared" if difference.values[0] is None else "is gone"
        yield Reason(cause, f"{difference.key} {gone}", look, likely=False)
    elif state == "values":
        says = f"{difference.key}: {difference.note or 'other values'}"
        yield Reason(cause, says, _as_if(difference) or look)
    lineage = [p for p in difference.parts if p.key == "lineage"]
    if lineage and state in ("values", "unknown"):
        before, after = (lineage_text(value) for value in lineage[0].values)
        yield Reason(cause, f"prepared by {before} → {after}", "see the transformers' params")


def lineage_text(steps: Any) -> str:
    """The transformers behind data: `StandardScaler › PCA(n_components=2)`."""
    found = []
    for step in map(mapping, steps if isinstance(steps, list) else []):
        params = ", ".join(f"{k}={text_of(v)}" for k, v in mapping(step.get("params")).items())
        found.append(f"{step.get('class')}{f'({params})' if params else ''}")
    return " › ".join(found) or "nothing"


def _as_if(difference: Difference) -> str:
    """What the figures look like: the same rows in another order, or another random split."""
    shapes = [mapping(value).get("shape") for value in difference.values]
    parts = [p for p in difference.parts if p.detail.get("part") in ("column", "target")]
    changed = [p for p in parts if p.detail["change"] == "values"]
    if shapes[0] != shapes[1] or not changed or len(changed) != len(parts):
        return ""
    if all(p.detail.get("like") for p in changed):
        return "all figures are the same: perhaps the same rows in another order"
    rows = shapes[0][0] if isinstance(shapes[0], list) and shapes[0] else 0
    if isinstance(rows, int) and all(chance(p.values[0], p.values[1], rows) for p in changed):
        return "every shift is as small as chance makes it: perhaps another random split"
    return ""


def _model(case: Case) -> Iterator[Reason]:
    classes = [run.tags.get("estimator_class") or run.name for run in case.runs]
    names = [str(name).rpartition(".")[2] for name in classes]
    if classes[0] == classes[1]:
        names = [run.name for run in case.runs]
    if names[0] != names[1] and all(run.tags.get("estimator_class") for run in case.runs):
        look = "models of different kinds: compare them on the same data"
        yield Reason("model", f"{names[0]} → {names[1]}", look)


def _params(case: Case) -> Iterator[Reason]:
    told, seeds, jobs = _by_effect(case)
    if told:
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        says = ", ".join(_arrow(case, one) for one in told[:3]) + more
        look = "set it back and train again to be sure"
        if len(told) > 1:
            look = "set them back one by one to see which it is"
        yield Reason("params", says, look)
    for one in seeds:
        look = "train with several seeds to tell chance from effect"
        yield Reason("seed", _arrow(case, one), look)
    for one in jobs:
        look = "it may change the last digits"
        yield Reason("threads", _arrow(case, one), look, likely=case.tiny)


def _by_effect(case: Case) -> tuple[list[Difference], list[Difference], list[Difference]]:
    """Differing params: those that matter, seeds, and those that only say how to compute."""
    worth = worth_telling(case.comparison)
    found: tuple[list[Difference], ...] = ([], [], [])
    for difference in case.comparison.of("params"):
        last = difference.key.rpartition("__")[2]
        if worth(difference) and last not in IDLE:
            found[1 if last in SEEDS else 2 if last in JOBS else 0].append(difference)
    return found[0], found[1], found[2]


def _arrow(case: Case, difference: Difference) -> str:
    """`C 1.0 → 0.3`; of a run that has no such param `–`."""
    has = [difference.name(i) in run.params for i, run in enumerate(case.runs)]
    before, after = (
        text_of(value)[:60] if there else "–"
        for value, there in zip(difference.values, has, strict=True)
    )
    return f"{difference.key} {before} → {after}"


def _arguments(case: Case) -> Iterator[Reason]:
    found = [d for d in case.comparison.of("program") if d.key in ("arguments", "options", "name")]
    for difference in found:
        before, after = (words(value) for value in difference.values)
        look = "what differs above may come from it"
        yield Reason("command line", f"{before} → {after}", look)
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
        says = f"commit {before} → {after}, though the recorded sources are the same"
        yield Reason("code", says, f"git diff {before} {after}", likely=False)
    silent = _which(case, "code")
    if silent:
        says = f"{silent} {'has' if silent == 'neither run' else 'has no'} recorded sources"
        yield Reason("code", says, "whether the code differs is not known", likely=False)


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
            look = "where it draws random numbers, each training ends elsewhere: set it"
            yield Reason("chance", says, look, likely=not _others(case))
            return


def _others(case: Case) -> bool:
    """Whether anything likelier than chance was found."""
    return any(r.likely for cause in CAUSES[: CAUSES.index(_seedless)] for r in cause(case))


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
            look = "sums in another order differ in their last digits"
            look = look if cause == "threads" else "set them back to be sure"
            yield Reason(cause, says, look, likely=case.tiny and cause == "threads")
    host = [d for d in case.comparison.of("host") if d.key in ("name", "cpu", "gpus", "system")]
    if host:
        says = ", ".join(map(_moved, host[:2]))
        look = "other processors round otherwise; train again on one of them"
        yield Reason("machine", says, look, likely=case.tiny)


def _moved(difference: Difference) -> str:
    return " → ".join("–" if v is None else text_of(v)[:60] for v in difference.values)


def _nothing(case: Case, others: Sequence[Reason]) -> Iterator[Reason]:
    if case.tiny and not others:
        says = "nothing recorded differs; the numbers differ in their last digits alone"
        yield Reason("rounding", says, "sums in another order, by threads, round otherwise")
        return
    says = "nothing recorded differs" + (" that usually matters" if others else "")
    look = "the training is not deterministic, or depends on what was not recorded (files, clock)"
    yield Reason("unknown", says, look)


Cause = Callable[[Case], Iterator[Reason]]

CAUSES: tuple[Cause, ...] = (
    _unfinished,
    _measure,
    _test_data,
    _model,
    _training_data,
    _params,
    _arguments,
    _code,
    _library,
    _seedless,
    _machine,
)
