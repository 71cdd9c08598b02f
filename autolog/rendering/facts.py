"""What a run's records say of its circumstances, in the few words that are shown of them.

Whatever a store holds may have any shape: what is not as expected is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..view import RunView
from .text import clean

WAYS = {
    **dict.fromkeys(("accuracy", "auc", "f1", "precision", "r2", "recall", "score"), 1),
    **dict.fromkeys(("brier", "deviance", "error", "inertia", "loss", "perplexity"), -1),
    **dict.fromkeys(("mae", "mape", "mse", "rmse"), -1),
}


def direction(metric: str) -> int:
    """1 where more is better, -1 where less is, 0 where the name does not tell.

    The last word that is known decides (`brier_score_loss`), and `neg` turns it round.
    """
    words = re.split(r"[^a-z0-9]+", metric.lower())
    known = [WAYS[word] for word in words if word in WAYS]
    return (-known[-1] if "neg" in words else known[-1]) if known else 0


def structure(run: RunView) -> set[str]:
    """The params that are whole estimators or lists of them, whose own params stand beside them."""
    whole = {key.rpartition("__")[0] for key in run.params}
    return {key for key, value in run.params.items() if key in whole or _names(value, whole)}


def _names(value: Any, whole: set[str]) -> bool:
    """Whether it lists parts by name, as a pipeline's `steps` do."""
    parts = {name.rpartition("__")[2] for name in whole}
    items = value if isinstance(value, list) else []
    firsts = [item[0] for item in items if isinstance(item, list) and item]
    return any(isinstance(first, str) and first in parts for first in firsts)


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def git(run: RunView) -> str | None:
    """`4be1c02`, with `*` where files were changed since; None without a commit."""
    facts = mapping(run.system.get("git"))
    commit = facts.get("commit")
    if not isinstance(commit, str) or not re.fullmatch("[0-9a-f]{7,64}", commit):
        return None
    return commit[:7] + ("*" if facts.get("dirty") is True else "")


def changed_files(run: RunView) -> int:
    """How many files git saw as changed."""
    count = mapping(run.system.get("git")).get("changed_count")
    return count if isinstance(count, int) else 0


def version(run: RunView, name: str) -> str | None:
    """The version of a distribution (or `python`) that the run was made with."""
    for place in ("versions", "packages"):
        found = mapping(run.system.get(place)).get(name)
        if isinstance(found, str):
            return clean(found, 20)
    return None


def library(run: RunView) -> str | None:
    """The library that trained, with its version: `scikit-learn 1.9.0`."""
    for one in run.line:
        required = one.folded.facts.get("library")
        if isinstance(required, str) and required:
            name = re.split(r"[<>=!~;\[ ]", required, maxsplit=1)[0]
            return clean(" ".join(filter(None, (name, version(run, name)))), 40)
    return None


def packages(run: RunView) -> dict[str, str]:
    """Versions by distribution, Python's own among them."""
    found = {**mapping(run.system.get("packages")), **mapping(run.system.get("versions"))}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def digest(facts: Mapping[str, Any], digits: int = 6) -> str | None:
    """The first digits of a dataset's digest, without the name of its rule."""
    text = facts.get("digest")
    return clean(text.rpartition(":")[2][:digits]) if isinstance(text, str) and text else None


def datasets(run: RunView, role: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The run's datasets of one role."""
    pairs = ((name, mapping(facts)) for name, facts in run.datasets.items())
    return [(name, facts) for name, facts in pairs if facts.get("role") == role]


def training_data(run: RunView) -> str | None:
    """The digest of what it was trained on; None where there is none, or not just one."""
    found = [digest(facts) for _, facts in datasets(run, "train")]
    return found[0] if len(found) == 1 else None


def shared_rows(facts: Mapping[str, Any]) -> str | None:
    """How many rows of a dataset were trained on, where that is known."""
    shared, compared = facts.get("rows_shared"), facts.get("rows_compared")
    if not isinstance(shared, int):
        return None
    of = f" of {compared:,}" if isinstance(compared, int) else ""
    return f"{shared:,}{of} row{'' if shared == 1 and not of else 's'} shared with train"


def overhead(run: RunView) -> float | None:
    """Seconds of autolog's own work in the run."""
    seconds = run.system.get("autolog.overhead")
    return float(seconds) if isinstance(seconds, int | float) else None


def error_line(run: RunView) -> str | None:
    """Why the run failed, in one line."""
    return clean(str(run.error), 200) if run.error else None


def signature(model: Mapping[str, Any]) -> str:
    """Whose signature the record claims: `signed: you`; it is checked when the model is loaded."""
    signer = model.get("signer")
    if not isinstance(signer, str) or not signer:
        return "unsigned"
    from ..models import keys

    names = {keys.shown(key): name for key, name in keys.trusted_signers().items()}
    return f"signed: {clean(names.get(signer) or f'unknown key {signer[:12]}…', 60)}"
