"""The project's own files, as the guards read them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "autolog": "autolog",
    "integrations": "autolog.integrations",
    "backends": "autolog.backends",
    "server": "autolog.server",
}
OTHERS = ("tests", "docs", "examples", "benchmarks")


@dataclass(frozen=True)
class Import:
    """One module that a file imports, by its absolute name."""

    module: str
    line: int
    top: bool
    """It runs when the file is imported: outside functions and outside `if TYPE_CHECKING:`."""
    typing: bool
    relative: bool


@dataclass(frozen=True)
class Source:
    """One Python file of the tree."""

    path: Path
    module: str

    @property
    def name(self) -> str:
        """The path below the repository's root."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """The file."""
        return self.path.read_text("utf-8")

    @cached_property
    def syntax(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text, self.name)

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        if self.path.name == "__init__.py":
            return self.module
        return self.module.rpartition(".")[0]

    def imports(self) -> list[Import]:
        """Every import statement of the file, wherever it stands."""
        return list(_imports(self, self.syntax.body, top=True, typing=False))


def _imports(source: Source, body: list[ast.stmt], top: bool, typing: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, top and not typing, typing, False)
        elif isinstance(node, ast.ImportFrom):
            for module in _modules(source, node):
                yield Import(module, node.lineno, top and not typing, typing, bool(node.level))
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            typed = typing or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
            for part in ("body", "orelse", "finalbody", "handlers"):
                parts = getattr(node, part, [])
                yield from _imports(source, parts, top and not inside, typed)


def _modules(source: Source, node: ast.ImportFrom) -> Iterator[str]:
    """`from .. import x` names a submodule where there is one, else the package itself."""
    base = node.module or ""
    if node.level:
        steps = source.package.split(".")
        above = ".".join(steps[: len(steps) - node.level + 1])
        base = f"{above}.{base}".rstrip(".")
    submodules = [f"{base}.{alias.name}" for alias in node.names if _exists(f"{base}.{alias.name}")]
    yield from submodules or [base]


def _exists(module: str) -> bool:
    for folder, package in sorted(ROOMS.items(), key=lambda item: -len(item[1])):
        if module.startswith(package + "."):
            path = ROOT / folder / module[len(package) + 1 :].replace(".", "/")
            return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
    return False


class Tree:
    """The repository's files."""

    root = ROOT

    @cached_property
    def product(self) -> list[Source]:
        """All that is installed: the core, the integrations, the backends, the server."""
        return [source for folder in ROOMS for source in self.room(folder)]

    @cached_property
    def others(self) -> list[Source]:
        """Tests, tools and examples."""
        paths = [path for folder in OTHERS for path in sorted((ROOT / folder).rglob("*.py"))]
        return [Source(path, "") for path in paths if "build" not in path.parts]

    def room(self, folder: str) -> list[Source]:
        """The sources of one of the rooms."""
        return [
            Source(path, self._module(path, folder))
            for path in sorted((ROOT / folder).rglob("*.py"))
            if "_site" not in path.parts
        ]

    def _module(self, path: Path, folder: str) -> str:
        parts = path.relative_to(ROOT / folder).with_suffix("").parts
        return ".".join((ROOMS[folder], *(part for part in parts if part != "__init__")))

    def tracked(self) -> list[Path]:
        """The files that git keeps; all text and source files where this is no git checkout."""
        listing = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
        )
        if listing.returncode == 0 and listing.stdout:
            paths = [ROOT / name for name in listing.stdout.split("\0") if name]
            return [path for path in paths if path.is_file()]
        return [*(s.path for s in [*self.product, *self.others]), *ROOT.glob("docs/**/*.md")]


@pytest.fixture(scope="session")
def tree() -> Tree:
    """The repository's files."""
    return Tree()


@pytest.fixture(scope="session")
def python() -> list[str]:
    """A fresh interpreter that has what this one has."""
    return [sys.executable]
