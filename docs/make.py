"""Fills the tables in `docs/` from the code's own tables: `python docs/make.py`, or `--check`.

A page says where a table goes by a pair of comments, `<!-- table: NAME -->` and `<!-- end -->`.
What stands between them is replaced; with `--check` nothing is written, and the exit code is 1
where a page is out of date.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
import runpy
import sys
import tomllib
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import autolog
from autolog.errors import AutologError
from autolog.integration import Integration
from autolog.options import variable
from autolog.settings import SETTINGS

FOLDER = Path(__file__).resolve().parent
SLOT = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TESTS = ("autolog.testing", "autolog.integrations", "autolog.backends", "autolog._site")
"""Packages that the errors' table does not load: their libraries may be missing."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n"
                   for line in lines)  # fmt: skip


def code(value: Any) -> str:
    """A default as a person would write it."""
    if value is None or value in ((), {}, ""):
        return "–"
    return f"`{value}`"


def ours(group: str) -> list[EntryPoint]:
    """The project's own entry points of a group, by name."""
    config = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))
    entries = config["project"]["entry-points"][group]
    return [EntryPoint(name, value, group) for name, value in sorted(entries.items())]


def settings() -> str:
    """Every setting: in calls and files, as variable, its default, what it does."""
    rows = [
        (f"`{s.name}`", f"`{s.variable}`", s.type.__name__, code(s.default), s.says)
        for s in SETTINGS
    ]
    return table(("name", "variable", "type", "default", "what it does"), rows)


def integrations() -> str:
    """Every integration: library, oldest version, what it hooks."""
    rows = []
    for entry in ours("autolog.integrations"):
        kind = entry.load()
        names = {name for hook in kind.hooks() for name in hook.target.names}
        hooked = ", ".join(f"`{name}`" for name in sorted(names))
        rows.append((f"`{entry.name}`", kind.library, _says(kind), hooked))
    return table(("integration", "library", "what it records", "hooks"), rows)


def integration(name: str) -> type[Integration]:
    """The project's own integration of that name."""
    (entry,) = (entry for entry in ours("autolog.integrations") if entry.name == name)
    kind: type[Integration] = entry.load()
    return kind


def captures(name: str) -> str:
    """What each hook of an integration records, as `autolog doctor --explain` says it."""
    kind = integration(name)
    places: dict[str, list[str]] = {}
    for hook in kind.hooks():
        place = ".".join(filter(None, (hook.target.module, hook.target.owner)))
        places.setdefault(hook.name, []).extend(f"`{place}.{one}`" for one in hook.target.names)
    rows = [
        (", ".join(dict.fromkeys(places[hook])), one.kind, one.says, code(one.option))
        for hook, all_of_it in kind.captures.items()
        for one in all_of_it
    ]
    rows += [
        (f"`{place}`", one.kind, one.says, code(one.option))
        for place, all_of_it in kind.installed.items()
        for one in all_of_it
    ]
    return table((f"read at ({kind.library})", "record", "what it says", "option"), rows)


def options(name: str) -> str:
    """The options of one integration."""
    kind = integration(name).options_type()
    hints = get_type_hints(kind)
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(kind)
    rows = [
        (
            f"`{field.name}`",
            f"`{variable(name, field.name)}`",
            _type(hints[field.name]),
            code(field.default),
            field.metadata["says"],
        )
        for field in fields
    ]
    return table(("option", "variable", "type", "default", "what it does"), rows)


def _type(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return " or ".join(map(_type, kinds))
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    choices = [arg for arg in get_args(hint) if isinstance(arg, str)]
    return " or ".join(f"`{choice}`" for choice in choices) or str(getattr(hint, "__name__", hint))


def backends() -> str:
    """Every scheme of `AUTOLOG_BACKEND`."""
    rows = [
        (f"`{entry.name}:`", _says(entry.load()), "yes" if entry.load().direct else "no")
        for entry in ours("autolog.backends")
    ]
    return table(("scheme", "store", "written in the call"), rows)


def errors() -> str:
    """Every error class that a public call may raise."""
    for module in pkgutil.walk_packages(autolog.__path__, "autolog.", onerror=lambda _: None):
        if not module.name.startswith(TESTS) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows = [
        (
            f"`{error.__module__}.{error.__qualname__}`",
            f"`{error.__bases__[0].__name__}`",
            _says(error),
        )
        for error in _below(AutologError)
    ]
    return table(("error", "is a", "what it says"), rows)


def calls() -> str:
    """Every public name, its signature without types, and what it does."""
    rows = []
    for name in sorted(set(autolog.PUBLIC) - {"autolog"}):
        function = getattr(autolog, name)
        parameters = [
            parameter.replace(annotation=inspect.Parameter.empty)
            for parameter in inspect.signature(function).parameters.values()
        ]
        rows.append((f"`autolog.{name}{inspect.Signature(parameters)}`", _says(function)))
    return table(("call", "what it does"), rows)


def example() -> str:
    """The example of a third party's integration, whole."""
    file = FOLDER.parent / "examples" / "thirdparty" / "autolog_tinyboost.py"
    return f"```python no-run\n{file.read_text('utf-8')}```\n"


def neutrality() -> str:
    """What the tests of other libraries came to, package by package."""
    file = FOLDER.parent / "tests" / "neutrality" / "figures.py"
    heads, rows = runpy.run_path(str(file))["rows"]()
    return table(heads, rows)


def _below(error: type[AutologError]) -> Iterator[type[AutologError]]:
    yield error
    for kind in sorted(error.__subclasses__(), key=lambda kind: kind.__qualname__):
        if kind.__module__.startswith("autolog."):
            yield from _below(kind)


def _says(kind: Any) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split())


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "integrations": integrations,
    "backends": backends,
    "errors": errors,
    "calls": calls,
    "example": example,
    "neutrality": neutrality,
}


OF_ONE: dict[str, Callable[[str], str]] = {"options": options, "captures": captures}
"""Tables of one integration, by the first word of their names."""


def filled(text: str) -> str:
    """`text` with every table made anew; raises KeyError for a table that there is not."""
    return SLOT.sub(lambda slot: f"{slot[1]}\n{_made(slot[2])}\n{slot[3]}", text)


def _made(name: str) -> str:
    kind, _, which = name.partition("-")
    return OF_ONE[kind](which) if kind in OF_ONE else TABLES[name]()


def main(words: Sequence[str]) -> int:
    """Write the pages, or with `--check` only compare them."""
    stale = []
    for page in sorted(FOLDER.rglob("*.md")):
        text = page.read_text("utf-8")
        made = filled(text)
        if made != text:
            stale.append(page.name)
            if "--check" not in words:
                page.write_text(made, "utf-8")
    if stale and "--check" in words:
        print(f"out of date: {', '.join(stale)}; run `python docs/make.py`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
