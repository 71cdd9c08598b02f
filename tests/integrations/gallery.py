"""The gallery: programs as people write them, and what they would have logged.

What a person who reads a program would log of it stands in `<program>.facts` beside it, one fact in
a line: run (its number or `*` for all), kind, names, and the value as an expression over the
program's own variables, which is worked out where it runs without autolog.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import autolog
from autolog.view import RunView

HOME = Path(__file__).parent / "programs" / "gallery"
"""Where what all galleries share stands, and the programs with scikit-learn."""


def stems(home: Path) -> tuple[str, ...]:
    """The programs of the gallery in a folder."""
    return tuple(sorted(path.stem for path in home.glob("*.facts")))


NAMES = stems(HOME)
ALL = "THOROUGH" in os.environ
"""Whether the programs are all played, which takes minutes: `make thorough`."""


def sampled(names: tuple[str, ...], *kept: str, every: int = 3) -> tuple[str, ...]:
    """Every third of the programs, and those `kept`; all of them where that is asked for."""
    return tuple(name for i, name in enumerate(names) if ALL or i % every == 0 or name in kept)


SKLEARN = ("calibration", "cluster", "compose", "experimental.enable_halving_search_cv")
SKLEARN += ("ensemble", "feature_selection", "inspection", "mixture", "multioutput")
IMPORTED = ("pandas", *(f"sklearn.{name}" for name in SKLEARN))
"""What is imported once for the programs with scikit-learn, XGBoost and LightGBM."""

MARK = "# AUTOLOG"
FOUND, WRONG, MISSING = "found", "wrong", "missing"
WAYS = ("plain", "line", "run")


class Played(NamedTuple):
    """What could be seen of a program: what it said and left, its random state among the files."""

    code: int
    out: str
    err: str
    files: dict[str, str]


Ways = dict[str, dict[str, Played]]
"""What was seen of programs in each of the ways that they were played, by name."""


class Checked(NamedTuple):
    """A fact and what became of it."""

    fact: list[Any]
    outcome: str
    probable: bool
    recorded: Any


def names() -> tuple[str, ...]:
    """The programs that this scikit-learn can run."""
    import sklearn

    here = tuple(map(int, sklearn.__version__.split(".")[:2]))
    return tuple(name for name in NAMES if _needed(name) <= here)


def _needed(name: str) -> tuple[int, ...]:
    for line in (HOME / f"{name}.py").read_text("utf-8").splitlines():
        if line.startswith("# sklearn: "):
            return tuple(map(int, line.removeprefix("# sklearn: ").split(".")))
    return (0,)


def play(
    folder: Path,
    way: str,
    wanted: tuple[str, ...],
    home: Path = HOME,
    imported: tuple[str, ...] = IMPORTED,
    **variables: str,
) -> dict[str, Played]:
    """Run programs plainly, with one line added, or by `autolog run`; always at the same place.

    All are forked from one process that has `imported` already. What each records goes to
    `folder/<way>/stores/<program>`; by `autolog run` all into one store.
    """
    place, target = folder / "programs", folder / way
    (target / "stores").mkdir(parents=True)
    shutil.rmtree(place, ignore_errors=True)
    for name in wanted:
        _lay_out(place / name, home / name, way)
    environment = {
        **os.environ, "AUTOLOG_STRICT": "1", "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
        "GALLERY_VALUES": "1" if way == "plain" else "",
        "GALLERY_IMPORTED": " ".join(imported), **variables,
    }  # fmt: skip
    begin = ["-m", "autolog", "run", "--backend", str(target / "stores")] if way == "run" else []
    command = [sys.executable, *begin, str(HOME / "nursery.py"), str(target), *wanted]
    subprocess.run(command, cwd=place, env=environment, check=True, timeout=500)
    return {name: _seen(place / name, target, name) for name in wanted}


def _lay_out(place: Path, program: Path, way: str) -> None:
    place.mkdir(parents=True)
    shutil.copy(HOME / "ending.py", place)
    shutil.copy(program.with_suffix(".facts"), place)
    text = program.with_suffix(".py").read_text("utf-8")
    line = "; from autolog import autolog; autolog()" if way == "line" else ""
    assert text.count(MARK) == 1
    (place / f"{program.name}.py").write_text(text.replace(MARK, f"import ending{line}"), "utf-8")


def _seen(place: Path, target: Path, name: str) -> Played:
    given = {"ending.py", f"{name}.py", f"{name}.facts"}
    files = {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name not in given
    }
    code, out, err = ((target / f"{name}.{kind}").read_text() for kind in ("code", "out", "err"))
    return Played(int(code), out, err, files)


def played_the_same(played: Ways, name: str, *, printed: bool = True) -> None:
    """A program did something, and the same in all ways; `printed` the same, too."""
    plain = played["plain"][name]
    assert plain.code == 0, plain.err
    assert plain.out
    assert "random.txt" in plain.files
    for way in WAYS[1:]:
        found = played[way][name]
        assert (found if printed else found._replace(out=plain.out)) == plain


def all_found(folder: Path, way: str, name: str) -> None:
    """Each of a program's facts, which are enough, stands in its runs."""
    facts = check(folder, way, name)
    assert len(facts) >= 10
    assert not [fact for fact in facts if fact.outcome != FOUND]


def stands_in_the_docs(folder: Path, names: tuple[str, ...], page: str) -> None:
    """The score of the programs with one line added is what the page says."""
    score = score_table({name: check(folder, "line", name) for name in names})
    assert score in (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")


# -- the score ---------------------------------------------------------------------------------


def check(folder: Path, way: str, name: str) -> list[Checked]:
    """What became of the facts of a program that was played plainly and in `way`."""
    facts = json.loads((folder / "plain" / f"{name}.json").read_text("utf-8"))
    runs = runs_of(folder, way, name)
    return [checked(fact, runs) for fact in facts]


def runs_of(folder: Path, way: str, name: str) -> list[RunView]:
    """What a program recorded, oldest first."""
    store = folder / way / "stores"
    runs = autolog.search_runs(backend=store if way == "run" else store / name)
    return [run for run in runs if (run.site or "").startswith(f"{name}.py:")][::-1]


def checked(fact: list[Any], runs: list[RunView]) -> Checked:
    """What became of one fact."""
    number, kind, path, value = fact
    if number == "*":
        names = [run.name for run in runs]
        return Checked(fact, FOUND if names == value else WRONG, False, names)
    own = runs[int(number)] if int(number) < len(runs) else None
    if kind == "absent":
        there = [k for k, v in own.metrics.items() if _equal(v, value)] if own else []
        return Checked(fact, WRONG if there else FOUND, False, there)
    recorded = None if own is None else _recorded(own, kind, path)
    if own is not None and _equal(recorded, value):
        series = own.series.get(path[0]) if kind in ("metrics", "history") else None
        return Checked(fact, FOUND, _link(series) == "probable", recorded)
    elsewhere = any(_equal(_recorded(run, kind, path), value) for run in runs if run is not own)
    misplaced = kind in ("metrics", "history") and elsewhere
    return Checked(fact, MISSING if recorded is None and not misplaced else WRONG, False, recorded)


def _link(series: Any) -> Any:
    return (series.info or {}).get("link") if series is not None else None


def _recorded(run: RunView, kind: str, path: list[str]) -> Any:
    """What stands in a run at a fact's place; None for nothing."""
    try:
        if kind in ("history", "steps"):
            return [p.value if kind == "history" else p.step for p in run.history(path[0])]
        if kind == "artifacts":
            return run.artifact(path[0]).text()
        value: Any = run.series if kind == "info" else getattr(run, kind)
        for i, key in enumerate(path):
            if kind == "tables" and i == 1:
                value = value["columns"]
            elif kind == "info" and i == 1:
                value = value.info
            value = value[int(key) if isinstance(value, list) else key]
        return value
    except (KeyError, IndexError, TypeError, autolog.errors.NotFound):
        return None


def _equal(one: Any, other: Any) -> bool:
    """Whether they are the same; the program may have reckoned a number in another order."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and (math.isclose(one, other, rel_tol=1e-12) or (one != one != other))
    return bool(one == other)


def score_table(score: dict[str, list[Checked]]) -> str:
    """Found, wrong and missing for each program and in all, as a Markdown table."""
    lines = [
        "| program | facts | found | of them probable | wrong | missing |",
        "|---|---|---|---|---|---|",
    ]
    whole: Counter[str] = Counter()
    for name, facts in score.items():
        count = Counter(fact.outcome for fact in facts)
        count["probable"] = sum(fact.probable for fact in facts)
        count["facts"] = len(facts)
        whole += count
        lines.append(_row(f"`{name}`", count))
    return "\n".join([*lines, _row("in all", whole)])


def _row(name: str, count: Counter[str]) -> str:
    cells = [count[kind] for kind in ("facts", FOUND, "probable", WRONG, MISSING)]
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"
