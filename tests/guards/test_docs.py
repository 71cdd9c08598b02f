"""The documentation is complete, up to date and true: its programs run, its links lead on."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import autolog
from autolog.options import variable
from autolog.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^( *)```(python|console)([^\n]*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#([^)\s]+))?\)")


class Block(NamedTuple):
    """A piece of a page that is run."""

    page: Path
    language: str
    flags: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """The page's programs and terminal sessions, in order."""
    text = page.read_text("utf-8")
    for match in BLOCK.finditer(text):
        indent, language, flags, body = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        plain = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
        yield Block(page, language, flags.strip(), plain, line)


@cache
def written() -> str:
    """All pages as one text."""
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def missing(names: list[str]) -> list[str]:
    """Those of `names` that stand nowhere in the pages as code."""
    return [name for name in names if f"`{name}" not in written() and f"{name}`" not in written()]


def maker() -> Any:
    """`docs/make.py` as a module."""
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- complete ------------------------------------------------------------------------------


def test_the_made_tables_are_up_to_date() -> None:
    assert maker().main(["--check"]) == 0


def test_a_stale_table_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = maker()
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    (tmp_path / "page.md").write_text("<!-- table: settings -->\nold\n<!-- end -->\n")
    assert make.main(["--check"]) == 1


def test_every_setting_has_its_place() -> None:
    assert missing([s.name for s in SETTINGS] + [s.variable for s in SETTINGS]) == []


def test_every_integration_backend_and_option_has_its_place() -> None:
    make = maker()
    integrations: list[EntryPoint] = make.ours("autolog.integrations")
    names = [entry.name for entry in integrations]
    names += [f"{entry.name}:" for entry in make.ours("autolog.backends")]
    for entry in integrations:
        fields = entry.load().options_type().__dataclass_fields__
        names += [name for field in fields for name in (field, variable(entry.name, field))]
    assert "model_format" in names
    assert missing(names) == []


def test_every_verb_and_its_options_have_their_place() -> None:
    import typer.main

    from autolog.cli import RESERVED
    from autolog.cli.app import app

    command: Any = typer.main.get_command(app)
    words = [f"autolog {verb}" for verb in command.commands]
    for verb in command.commands.values():
        words += [max(p.opts, key=len) for p in verb.params if p.opts[0].startswith("-")]
    assert "autolog ls" in words
    assert [word for word in words if word not in written()] == []
    assert missing(list(RESERVED)) == []


def test_every_error_has_its_place() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert [
        kind for kind in maker()._below(maker().AutologError) if kind.__name__ not in page
    ] == []


def test_every_public_name_has_its_place() -> None:
    names = [name for name in autolog.PUBLIC if name != "autolog"]
    assert [name for name in names if not re.search(rf"\b{name}\b", written())] == []


# -- true ----------------------------------------------------------------------------------


def test_every_program_compiles() -> None:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "python":
                ast.parse(block.text, f"{page.name}:{block.line}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_programs_and_sessions_run(page: Path, tmp_path: Path) -> None:
    """All of one page in one folder, in which a user's program `train.py` waits."""
    found = [block for block in blocks(page) if "no-run" not in block.flags]
    if not found:
        pytest.skip("nothing to run")
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "train.py").write_text(_plain_program(), "utf-8")
    environment = _environment(tmp_path)
    _program(page, [block for block in found if block.language == "python"], folder, environment)
    for block in found:
        if block.language == "console":
            _session(block, folder, environment)


def _plain_program() -> str:
    """The demo as its author had it before he heard of autolog."""
    text = (ROOT / "examples" / "demo.py").read_text("utf-8")
    return "".join(line for line in text.splitlines(True) if "autolog" not in line)


def _environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AUTOLOG")}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(folder / "config"),
        "AUTOLOG_STRICT": "1",
        "COLUMNS": "110",
    }


def _program(page: Path, parts: list[Block], folder: Path, environment: dict[str, str]) -> None:
    """The page's Python as one program, each line with the number that it has on the page."""
    lines: list[str] = []
    for part in parts:
        lines += [""] * (part.line - len(lines)) + part.text.splitlines()
    program = folder / f"{page.stem}.page.py"
    program.write_text("\n".join(lines), "utf-8")
    done = _run([sys.executable, program.name], folder, environment)
    assert done.returncode == 0, done.stderr


def _session(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Each command succeeds; capital words of the shown output are in the real one too."""
    output = ""
    for line in block.text.splitlines():
        if line.startswith("$ "):
            done = _run(["bash", "-c", line[2:]], folder, environment)
            assert done.returncode == 0, f"{block.page.name}: {line}\n{done.stderr}"
            output += done.stdout
    shown = [line for line in block.text.splitlines() if not line.startswith("$ ")]
    heads = set(re.findall(r"\b[A-Z]{2,}\b", "\n".join(shown)))
    assert {head for head in heads if head not in output} == set(), output


def _run(
    command: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target, anchor in LINK.findall(page.read_text("utf-8")):
            place = (page.parent / target).resolve()
            if "://" not in target and not place.exists():
                broken.append(f"{page.name}: {target}")
            elif anchor and place.suffix == ".md" and anchor not in _anchors(place):
                broken.append(f"{page.name}: {target}#{anchor}")
    assert broken == []


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_no_file_names_a_developers_machine(tree: Any) -> None:
    words = ["/wo" + "rk/(main|shared)", "/ro" + "ot/", "/opt/py" + "pi", "pyp" + "i-more"]
    pattern = re.compile("|".join(words))
    offenders = []
    for path in tree.tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        offenders += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert offenders == []


def test_the_first_screen_of_the_readme_says_what_a_newcomer_needs() -> None:
    screen = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:70])
    needed = ["pip install autolog-ml", "unrelated", "autolog run train.py", "autolog ls"]
    needed += ["from autolog import autolog\nautolog()", "make demo", "make test", "limits"]
    assert [words for words in needed if words not in screen] == []


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## {autolog.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
