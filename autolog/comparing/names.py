"""One name for what several runs call differently: `clf__C` and `C`, `SVC_score`, `Ridge_score`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..rendering.facts import structure
from ..series import Series
from ..view import RunView
from .differences import NOTHING, alike

Names = Sequence[Mapping[str, str]]
"""For each run, what it calls the things that are known by another name here."""

Called = Callable[[str], Mapping[str, Any]]
"""The detail `names` of a thing, where the runs do not call it the same."""

BEST = "best_"


def params(runs: Sequence[RunView]) -> tuple[list[dict[str, Any]], Called]:
    """Each run's params under common names.

    A param that not all runs have takes its last part as name (`clf__C` → `C`), if several runs
    have just one such; of a search that is what it found best.
    """
    common = set.intersection(*(set(run.params) for run in runs))
    shorts = [_shorts(run, common) for run in runs]
    counts = Counter(short for row in shorts for short in row)
    names = [{k: own for k, own in row.items() if counts[k] > 1} for row in shorts]
    return _renamed([run.params for run in runs], names)


def _shorts(run: RunView, common: set[str]) -> dict[str, str]:
    """The run's own params by their last part, where that names just one."""
    parts, facts = structure(run), run.facts("param")
    found: dict[str, list[str]] = {}
    for key in run.params:
        if key not in common and key not in parts:
            found.setdefault(key.removeprefix(BEST).rpartition("__")[2], []).append(key)
    return {
        short: one
        for short, keys in found.items()
        if short not in common and (one := _chosen_one(keys, lambda k: facts[k].set is not False))
    }


def _chosen_one(keys: list[str], chosen: Callable[[str], bool]) -> str | None:
    """The one that counts: what a search found best, else the only one, else the only chosen."""
    for some in ([k for k in keys if k.startswith(BEST)], keys, list(filter(chosen, keys))):
        if len(some) == 1:
            return some[0]
    return None


def metrics(
    runs: Sequence[RunView], datasets: Sequence[Mapping[str, str]]
) -> tuple[list[dict[str, Series]], Called]:
    """Each run's metrics under common names.

    Args:
        runs: The runs.
        datasets: For each run the names of its datasets that go by another name here. A metric
            bears the name of what was judged, and `score` that of the model's class.
    """
    one_kind = alike([run.tags.get("estimator_kind") for run in runs])
    names: list[dict[str, str]] = []
    for run, renamed in zip(runs, datasets, strict=True):
        model = run.tags.get("estimator_name") if one_kind else None
        row = {_common(key, model, renamed): key for key in run.measures}
        names.append({common: key for common, key in row.items() if common != key})
    wanted = _shared(names, [run.measures for run in runs])
    return _renamed([run.measures for run in runs], wanted)


def _common(key: str, model: Any, datasets: Mapping[str, str]) -> str:
    for own, name in datasets.items():
        if key.endswith(f"_{own}"):
            key = f"{key.removesuffix(own)}{name}"
            break
    if isinstance(model, str) and model and key.startswith(f"{model}_score"):
        key = key.removeprefix(f"{model}_")
    return key


def _shared(names: Names, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The names that bring something together: for what not all runs call the same."""
    found: list[dict[str, str]] = []
    for i, row in enumerate(names):
        others = [(names[j], rows[j]) for j in range(len(rows)) if j != i]
        found.append(
            {
                common: key
                for common, key in row.items()
                if common not in rows[i]
                and not all(key in known for known in rows)
                and any(common in name or common in known for name, known in others)
            }
        )
    return found


def _renamed(
    rows: Sequence[Mapping[str, Any]], names: Names
) -> tuple[list[dict[str, Any]], Called]:
    found = []
    for row, own in zip(rows, names, strict=True):
        back = {key: common for common, key in own.items()}
        found.append({back.get(key, key): value for key, value in row.items()})

    def called(key: str) -> Mapping[str, Any]:
        given = _each(key, names, found)
        return {"names": given} if len({*given} - {None}) > 1 else NOTHING

    return found, called


def _each(key: str, names: Names, rows: Iterable[Mapping[str, Any]]) -> list[str | None]:
    return [own.get(key, key) if key in row else None for own, row in zip(names, rows, strict=True)]
