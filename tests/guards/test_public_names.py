"""The public interface as text: whoever changes it changes `public_names.txt` on purpose.

`python tests/guards/test_public_names.py` writes the file anew.
"""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import autolog

SNAPSHOT = Path(__file__).with_name("public_names.txt")
ROOT = Path(__file__).resolve().parents[2]

CLASSES = {
    "Run": "autolog.live",
    "RunView": "autolog.view",
    "Runs": "autolog.view",
    "Point": "autolog.series",
    "Integration": "autolog.integration",
    "Call": "autolog.integration",
    "Backend": "autolog.backend",
}
"""What the public calls hand out, and what authors subclass."""

FUNCTIONS = {"autolog.integration": ("around", "subclasses", "method", "function", "option")}


def listing() -> str:
    """Every public name with its signature, one a line, and members by class."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    enable = importlib.import_module("autolog.api").enable
    yield f"autolog{inspect.signature(enable)}"
    for name in sorted(set(autolog.PUBLIC) - {"autolog"}):
        yield f"autolog.{name}{inspect.signature(getattr(autolog, name))}"
    for module, names in FUNCTIONS.items():
        for name in names:
            value = getattr(importlib.import_module(module), name)
            yield f"{module}.{name}{inspect.signature(value)}"
    for name, module in CLASSES.items():
        yield f"{module}.{name}"
        yield from _members(getattr(importlib.import_module(module), name))


def _members(cls: type) -> Iterator[str]:
    for name, member in sorted(vars(cls).items()):
        if name.startswith("_") or name == "state":
            continue
        plain = getattr(member, "__func__", member)
        if isinstance(plain, Callable):  # type: ignore[arg-type]
            yield f"    {name}{inspect.signature(plain)}"
        else:
            yield f"    {name}"


def test_the_public_interface_is_the_one_written_down() -> None:
    assert listing() == SNAPSHOT.read_text("utf-8")


def test_both_ways_of_importing_give_one_object() -> None:
    from autolog import autolog as called

    assert called is autolog
    assert autolog.autolog is autolog
    assert callable(autolog)
    assert set(autolog.PUBLIC) <= set(dir(autolog))


def test_no_submodule_bears_a_public_name() -> None:
    """Importing a submodule `autolog/start_run.py` would replace the function `start_run`."""
    folder = ROOT / "autolog"
    modules = {path.stem for path in folder.iterdir() if path.suffix in ("", ".py")}
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()} - {"autolog"}
    assert "engine" in modules
    assert (modules | rooms) & set(autolog.PUBLIC) == set()


def test_a_program_that_imports_every_submodule_still_has_the_public_calls(tree: Any) -> None:
    modules = [
        source.module
        for source in tree.product
        if not source.module.startswith(("autolog.testing", "autolog.integrations"))
        and not source.module.endswith("__main__")
    ]
    code = (
        "import importlib, sys, autolog\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(all(callable(getattr(autolog, name)) for name in autolog.PUBLIC))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *modules], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("True", "")


def test_unknown_names_are_refused_in_the_customary_words() -> None:
    assert not hasattr(autolog, "log_everything")


if __name__ == "__main__":
    SNAPSHOT.write_text(listing(), "utf-8")
