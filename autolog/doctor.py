"""`autolog doctor`: what is in force and what is wrong, as aligned text or JSON."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .diagnosis import report

__all__ = ["main", "report"]


def main(explain: bool = False, json: bool = False) -> int:
    """Print the report; 1 where something needs attention, else 0.

    With `explain`, each hook is shown with what it captures, and each option with its value.
    """
    facts = report(explain)
    if json:
        import json as encoder

        text = encoder.dumps(facts, indent=2, default=str) + "\n"
    else:
        text = "\n".join(_text(facts, explain)) + "\n"
    sys.stdout.write(text)
    return 1 if facts["problems"] else 0


def _text(facts: dict[str, Any], explain: bool) -> Iterator[str]:
    yield from _block("VERSIONS", _pairs(facts["versions"]))
    yield from _block("SETTINGS", map(_setting, _interesting(facts["settings"] or (), explain)))
    for store in facts["stores"] or ():
        yield from _block("STORE", _pairs(_store(store)))
        yield from _block("NOTES OF EARLIER PROGRAMS", map(_note, store.get("earlier", ())))
    for one in facts["delivery"] or ():
        yield from _block("DELIVERY", _pairs(one))
    yield from _block("SIGNING", _pairs(facts["signing"]))
    yield from _block("INTEGRATIONS", map(_integration, facts["integrations"] or ()))
    if explain:
        for integration in facts["integrations"] or ():
            yield from _explained(integration)
    offers = [*(facts["backends"] or ()), *(facts["flavors"] or ())]
    yield from _block("BACKENDS AND FLAVORS", ([o["name"], o["from"], _state(o)] for o in offers))
    process = facts["process"] or {}
    fired = [[place, f"{count} calls"] for place, count in process.get("fired", {}).items()]
    yield from _block("THIS PROCESS", fired)
    yield from _block("KEPT ASIDE", _pairs(facts["spills"]))
    yield "PROBLEMS" if facts["problems"] else "No problem was found."
    yield from (f"  ! {problem}" for problem in facts["problems"])


def _block(title: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A headed table with columns as wide as they need to be; nothing where it has no rows."""
    rows = list(rows)
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    yield title
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join([*cells, row[-1]]).rstrip()
    yield ""


def _pairs(facts: dict[str, Any] | None) -> Iterator[list[str]]:
    for name, value in (facts or {}).items():
        yield [name, _value(value)]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{item} {key}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def _interesting(settings: Iterable[dict[str, Any]], explain: bool) -> Iterator[dict[str, Any]]:
    """What somebody set, and the defaults that matter to everybody; all of them with `explain`."""
    for setting in settings:
        always = setting["name"] in ("enabled", "experiment")
        if explain or always or setting["source"] != "default":
            yield setting


def _setting(setting: dict[str, Any]) -> list[str]:
    return [setting["name"], _value(setting["value"]), f"({setting['source']})"]


def _store(store: dict[str, Any]) -> dict[str, Any]:
    free = store.get("free bytes")
    shown = {**store, "free": f"{free / 1e9:.1f} GB"} if free is not None else dict(store)
    for hidden in ("free bytes", "earlier"):
        shown.pop(hidden, None)
    return shown


def _note(note: dict[str, Any]) -> list[str]:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(note["time"]))
    times = f" (×{note['times']})" if note["times"] != 1 else ""
    told = f"{note['place']}: {note['text']}{times}"
    return [when, _printable(str(note["program"])), _printable(told)]


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _integration(facts: dict[str, Any]) -> list[str]:
    hooks = f"{len(facts['hooks'])} hooks" if "hooks" in facts else ""
    return [facts["name"], facts["from"], _library(facts), hooks, _state(facts)]


def _library(facts: dict[str, Any]) -> str:
    return f"{facts.get('library', '')}: {facts.get('version', 'unknown')}"


def _state(facts: dict[str, Any]) -> str:
    if "error" in facts:
        return f"fails: {facts['error']}"
    if facts.get("on", True):
        return "on"
    return f"off: {facts['why']}" if facts.get("why") else "off"


# -- what each hook captures -------------------------------------------------------------------


def _explained(facts: dict[str, Any]) -> Iterator[str]:
    """One integration: hook by hook what it captures here (+) or does not (-), and why."""
    yield f"WHAT {facts['name']} RECORDS  {_library(facts)}, {_state(facts)}"
    for alone in facts.get("left_alone", ()) if facts.get("on") else ():
        yield f"  - trainings of {alone} are left alone"
    for hook in facts.get("explained", ()):
        yield from _hook(hook)
    yield ""
    options = facts.get("options", ())
    yield from _block(
        f"OPTIONS {facts['name']}",
        ([option["name"], _value(option["value"]), f"({option['source']})"] for option in options),
    )


def _hook(hook: dict[str, Any]) -> Iterator[str]:
    opens = "  opens a run" if hook["opens a run"] else ""
    nested = "" if hook["nested"] == "skip" else f"  inside another hook: {hook['nested']}"
    yield ""
    yield f"  {hook['name'].upper()}{opens}{nested}"
    for place, names in hook["round"].items():
        yield from _wrapped(f"round {', '.join(names)} of {place}", "    ")
    for name in hook["missing"]:
        yield from _wrapped(f"! not in the installed version: {name}", "    ")
    for one in hook["captures"]:
        why = f"  [{one['why']}]" if one["why"] else ""
        mark = "+" if one["here"] else "-"
        yield from _wrapped(f"{mark} {one['kind']:<8} {one['says']}{why}", "    ", 11)
    yield from _wrapped(hook["says"], "    ")


def _wrapped(text: str, indent: str, hang: int = 2) -> Iterator[str]:
    width = max(40, min(110, shutil.get_terminal_size((110, 24)).columns))
    yield from textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent + " " * hang
    )
