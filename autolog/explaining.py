"""What each hook would capture here and why not: the facts behind `autolog doctor --explain`.

Whether a library has what a hook is put round is read off its source; nothing is imported.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from .excluding import near
from .integration import Captured, Hook, Integration, Target
from .settings import BY_NAME, Settings, parse, pyproject_table, working_folder


def source_of(setting: str, word: str) -> str:
    """Where a word of a list comes from: the variable, the file, or else the call."""
    variable = BY_NAME[setting].variable
    if word in os.environ.get(variable, "").split():
        return variable
    given = pyproject_table(working_folder()).get(setting, ())
    return "pyproject.toml" if word in parse(tuple, given, setting) else "call"


def why_off(name: str, version: str, settings: Settings) -> str:
    """Why an integration records nothing here; empty where it does."""
    if not settings or not settings.enabled:
        return f"autolog is off ({settings.sources['enabled'] if settings else 'settings'})"
    for word in ("all", name):
        if word in settings.exclude:
            return f"left out by exclude={word} ({source_of('exclude', word)})"
    if settings.only and name not in settings.only:
        return f"only={' '.join(settings.only)} ({settings.sources['only']})"
    return "its library is not installed" if version == "not installed" else ""


def left_alone(settings: Settings) -> list[str]:
    """The trainings that `exclude` leaves alone, each with where that is said."""
    kinds = [f"kind {w[5:]} ({source_of('exclude', w)})" for w in _words(settings, "kind:")]
    classes = [
        f"class {word} ({source_of('exclude', word)})"
        for word in settings.exclusions.classes
        if not _may_be_integration(word)
    ]
    return [*kinds, *classes]


def _words(settings: Settings, prefix: str) -> list[str]:
    return [word for word in settings.get("exclude", ()) if word.startswith(prefix)]


def _may_be_integration(word: str) -> bool:
    return word.isidentifier() and word.islower()


def strange_names(settings: Settings, offered: list[str]) -> Iterator[str]:
    """Names in `only` and `exclude` that may be meant as integrations, which are not there."""
    for setting in ("only", "exclude"):
        for word in settings.get(setting, ()):
            named = setting == "only" or _may_be_integration(word)
            if named and word not in (*offered, "all"):
                where = source_of(setting, word)
                yield (
                    f"{setting}={word} ({where}) names no integration that is installed; "
                    f"did you mean {near(word, offered)}? There are: {', '.join(offered)}"
                )


# -- hooks -------------------------------------------------------------------------------------


def explained(
    kind: type[Integration], options: list[dict[str, Any]], off: str, settings: Settings
) -> list[dict[str, Any]]:
    """Each hook of an integration: what it is put round, what it captures here, and why not."""
    found: dict[str, dict[str, Any]] = {}
    for hook in kind.hooks():
        facts = found.setdefault(hook.name, _hook(hook))
        places = facts["round"].setdefault(_place(hook.target), [])
        places += [name for name in hook.target.names if name not in places]
        if not off:
            facts["missing"] += missing(hook.target)
    for name, facts in found.items():
        facts["captures"] = [
            _captured(one, options, off, settings) for one in kind.captures.get(name, ())
        ]
    for place, all_of_it in kind.installed.items():
        owner, _, name = place.rpartition(".")
        facts = {"name": name, "opens a run": False, "nested": "join", "round": {owner: [name]}}
        told = [_captured(one, options, off, settings) for one in all_of_it]
        found[place] = {**facts, "missing": [], "says": "", "captures": told}
    return list(found.values())


def _hook(hook: Hook) -> dict[str, Any]:
    return {
        "name": hook.name,
        "opens a run": hook.opens_run is not False,
        "nested": hook.nested,
        "round": {},
        "missing": [],
        "says": " ".join((hook.generator.__doc__ or "").split()),
    }


def _place(target: Target) -> str:
    place = ".".join(filter(None, (target.module, target.owner)))
    return f"every {place}" if target.kind == "subclasses" else place


def _captured(
    one: Captured, options: list[dict[str, Any]], off: str, settings: Settings
) -> dict[str, Any]:
    why = off
    for option in options if not why else ():
        if option["name"] == one.option and not option["value"]:
            why = f"option {one.option} is off ({option['source']})"
    globs = settings.exclusions.records.get(one.kind, ()) if settings else ()
    said = [w for w in _words(settings, "record:") if w.split(":")[1].rstrip("s") == one.kind]
    where = ", ".join(f"{word} ({source_of('exclude', word)})" for word in said)
    if not why and "*" in globs:
        why = f"left out by {where}"
    part = f"in part left out by {where}" if globs and not why else ""
    return {"kind": one.kind, "says": one.says, "here": not why, "why": why or part}


# -- is it there -------------------------------------------------------------------------------


def missing(target: Target) -> list[str]:
    """The names of a target that the installed library has not; empty where that is not known."""
    place = f"{target.module}.{target.owner}".rstrip(".")
    module = sys.modules.get(target.module)
    if module is not None:
        owner = getattr(module, target.owner, None) if target.owner else module
        if owner is None:
            return [place]
        names = () if target.kind == "subclasses" else target.names
        return [f"{place}.{name}" for name in names if not hasattr(owner, name)]
    tree = _tree(target.module)
    if tree is None:
        return []
    if not target.owner:
        return [f"{place}.{name}" for name in target.names if name not in _defined(tree.body)]
    if target.owner not in _defined(tree.body):
        return [place]
    return []


@cache
def _tree(module: str) -> ast.Module | None:
    """The syntax tree of a module that need not be imported; None where it has no source."""
    top, *rest = module.split(".")
    for entry in sys.path:
        package = Path(entry or ".", top)
        if (package / "__init__.py").is_file():
            path = package.joinpath(*rest)
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            try:
                return ast.parse(file.read_bytes())
            except (OSError, ValueError, SyntaxError):
                return None
    return None


def _defined(body: list[ast.stmt]) -> set[str]:
    """The names that a module's top level defines or imports, also under a condition."""
    found: set[str] = set()
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                found.update(alias.asname or alias.name for alias in aliases)
            case ast.Assign(targets=targets):
                found.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.If(body=inner, orelse=other):
                found |= _defined(inner) | _defined(other)
            case ast.Try(body=inner, handlers=handlers):
                found |= _defined(inner).union(*(_defined(one.body) for one in handlers))
    return found
