"""Telling when a module has been imported, whatever way it comes, and leaving no trace."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autolog.importing import ImportWatcher
from autolog.reporting import clear_notes, notes


@pytest.fixture
def watcher() -> Iterator[ImportWatcher]:
    finders = list(sys.meta_path)
    watcher = ImportWatcher()
    yield watcher
    watcher.close()
    watcher.close()
    assert sys.meta_path == finders


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on `sys.path`, whose modules (named `watched…`) are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("watched")]:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def assert_untouched(module: Any, plain: Any) -> None:
    """The module is what importlib alone makes of it."""
    assert vars(module).keys() == vars(plain).keys()
    assert type(module.__loader__) is type(plain.__loader__)
    assert module.__spec__.loader is module.__loader__
    assert vars(module.__loader__).keys() == vars(plain.__loader__).keys()
    assert vars(module.__spec__).keys() == vars(plain.__spec__).keys()
    assert re.sub("0x[0-9a-f]+", "", repr(module)) == re.sub("0x[0-9a-f]+", "", repr(plain))


def imported(name: str) -> ModuleType:
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_a_source_module(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_a.py", "before = dict(vars(__loader__))\nvalue = 1\n")
    plain = imported("watched_a")
    del sys.modules["watched_a"]
    seen: list[Any] = []
    watcher.watch("watched_a", lambda module: seen.append((module, module.value)))
    module = imported("watched_a")
    assert seen == [(module, 1)]
    assert_untouched(module, plain)
    assert module.before == plain.before
    importlib.import_module("watched_a")
    assert len(seen) == 1


def test_a_loaded_module_is_told_at_once(watcher: ImportWatcher) -> None:
    seen: list[Any] = []
    watcher.watch("json", seen.append)
    assert seen == [sys.modules["json"]]


@pytest.mark.parametrize("name", ["watched_pack", "watched_pack.sub.leaf"])
def test_packages_and_submodules(watcher: ImportWatcher, folder: Path, name: str) -> None:
    write(folder, "watched_pack/__init__.py", "from .sub import leaf\n")
    write(folder, "watched_pack/sub/__init__.py", "")
    write(folder, "watched_pack/sub/leaf.py", "value = 1\n")
    seen: list[str] = []
    watcher.watch(name, lambda module: seen.append(module.__name__))
    from watched_pack.sub.leaf import value

    assert (seen, value) == ([name], 1)


def test_an_extension_module(watcher: ImportWatcher) -> None:
    name = "_queue" if "_queue" not in sys.builtin_module_names else "_json"
    plain, seen = imported(name), []
    watcher.watch(name, seen.append)
    seen.clear()
    module = imported(name)
    assert seen == [module]
    assert_untouched(module, plain)


@pytest.mark.parametrize("name", ["_symtable", "__hello__"])
def test_built_in_and_frozen_modules(watcher: ImportWatcher, name: str) -> None:
    plain, seen = imported(name), []
    del sys.modules[name]
    watcher.watch(name, seen.append)
    module = imported(name)
    assert seen == [module]
    assert module.__loader__ is plain.__loader__ is module.__spec__.loader
    assert repr(module) == repr(plain)


def test_a_namespace_package(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_space/inner.py", "value = 2\n")
    plain, seen = imported("watched_space"), []
    del sys.modules["watched_space"]
    watcher.watch("watched_space", seen.append)
    module = imported("watched_space")
    assert seen == [module]
    assert_untouched(module, plain)
    assert list(module.__path__) == list(plain.__path__)
    assert module.__file__ is plain.__file__ is None
    assert imported("watched_space.inner").value == 2


def test_a_zip_archive(watcher: ImportWatcher, folder: Path) -> None:
    archive = folder / "archive.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("watched_zip.py", "value = 1\n")
        made.writestr("watched_zip_other.py", "value = 2\n")
    sys.path.insert(0, str(archive))
    try:
        seen: list[Any] = []
        watcher.watch("watched_zip", seen.append)
        module, other = imported("watched_zip"), imported("watched_zip_other")
        assert seen == [module]
        assert type(module.__loader__) is type(other.__loader__)
        assert module.__spec__.loader is module.__loader__
        assert "exec_module" not in vars(module.__loader__)
    finally:
        sys.path.remove(str(archive))


def lazily(name: str) -> ModuleType:
    """The recipe of the importlib documentation."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lazy_module(watcher: ImportWatcher, folder: Path, when: str) -> None:
    write(folder, "watched_lazy.py", "value = 1\n")
    seen: list[Any] = []
    if when == "before":
        watcher.watch("watched_lazy", lambda module: seen.append(module.value))
    module: Any = lazily("watched_lazy")
    if when == "after":
        watcher.watch("watched_lazy", lambda module: seen.append(module.value))
    assert seen == []
    assert module.value == 1
    assert seen == [1]
    assert type(module) is ModuleType
    assert "exec_module" not in vars(module.__spec__.loader)


def test_looking_for_a_module_imports_and_tells_nothing(
    watcher: ImportWatcher, folder: Path
) -> None:
    write(folder, "watched_found.py", "value = 1\n")
    seen: list[Any] = []
    watcher.watch("watched_found", seen.append)
    assert importlib.util.find_spec("watched_found") is not None
    assert importlib.util.find_spec("watched_absent") is None
    assert seen == []
    assert "watched_found" not in sys.modules


def test_a_copy_that_is_loaded_by_hand(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_copy.py", "value = 1\n")
    seen: list[Any] = []
    watcher.watch("watched_copy", seen.append)
    spec = importlib.util.find_spec("watched_copy")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert seen == []


def test_a_module_that_fails_and_is_imported_again(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_bad.py", "raise ValueError('bad')\n")
    seen: list[Any] = []
    watcher.watch("watched_bad", seen.append)
    with pytest.raises(ValueError, match="bad"):
        imported("watched_bad")
    assert seen == []
    assert "watched_bad" not in sys.modules
    write(folder, "watched_bad.py", "value = 'good now'\n")
    assert seen == [imported("watched_bad")]


@pytest.mark.parametrize("kind", ["source", "zip"])
def test_the_traceback_of_a_failing_import(tmp_path: Path, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as made:
        made.writestr("watched_bad.py", "raise ValueError('bad')\n")
    if kind == "source":
        (tmp_path / "watched_bad.py").write_text("raise ValueError('bad')\n")
    watching = (
        "from autolog.importing import ImportWatcher\nImportWatcher().watch('watched_bad', print)\n"
    )
    said = []
    for text in ("\n\n", watching):
        (tmp_path / "program.py").write_text(
            f"import sys\nsys.path.append('archive.zip')\n{text}import watched_bad\n"
        )
        command = [sys.executable, "program.py"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        said.append(done.stderr)
    assert said[0] == said[1]
    assert said[0].endswith("ValueError: bad\n")


def test_a_circular_import(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_one.py", "import watched_two\nvalue = 1\n")
    write(folder, "watched_two.py", "import watched_one\nvalue = 2\n")
    seen: list[Any] = []
    for name in ("watched_one", "watched_two"):
        watcher.watch(name, lambda module: seen.append((module.__name__, module.value)))
    imported("watched_one")
    assert seen == [("watched_two", 2), ("watched_one", 1)]


def test_a_reload_tells_again(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_again.py", "value = 1\n")
    seen: list[Any] = []
    watcher.watch("watched_again", lambda module: seen.append(module.value))
    module = imported("watched_again")
    write(folder, "watched_again.py", "value = 1234\n")
    importlib.invalidate_caches()
    assert importlib.reload(module) is module
    assert seen == [1, 1234]
    assert "exec_module" not in vars(module.__loader__)


def test_a_module_that_replaces_itself(watcher: ImportWatcher, folder: Path) -> None:
    text = "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(value=7)\n"
    write(folder, "watched_self.py", text)
    seen: list[Any] = []
    watcher.watch("watched_self", seen.append)
    module: Any = imported("watched_self")
    assert seen == [module]
    assert module.value == 7


def test_watching_while_the_module_is_being_imported(watcher: ImportWatcher, folder: Path) -> None:
    seen: list[Any] = []
    sys.modules["watched_hook"] = hook = ModuleType("watched_hook")
    hook.watch = lambda: watcher.watch("watched_now", lambda module: seen.append(module.value))
    text = "import watched_hook\nwatched_hook.watch()\nimport watched_other\nvalue = 1\n"
    write(folder, "watched_now.py", text)
    write(folder, "watched_other.py", "")
    write(folder, "watched_later.py", "")
    imported("watched_now")
    assert seen == []
    imported("watched_later")
    assert seen == [1]


def test_many_threads_at_once(watcher: ImportWatcher, folder: Path) -> None:
    for n in range(5):
        write(folder, f"watched_t{n}.py", "import time\ntime.sleep(0.01)\nvalue = 1\n")
    seen: list[str] = []
    for n in range(5):
        watcher.watch(f"watched_t{n}", lambda module: seen.append(module.__name__))
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for n in range(5):
            assert importlib.import_module(f"watched_t{n}").value == 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [f"watched_t{n}" for n in range(5)]


def test_a_failing_callback_does_not_break_the_import(
    watcher: ImportWatcher, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOLOG_STRICT", raising=False)
    monkeypatch.setenv("AUTOLOG_SILENT", "1")
    clear_notes()
    write(folder, "watched_a.py", "value = 1\n")
    seen: list[Any] = []
    watcher.watch("watched_a", lambda module: 1 / 0)
    watcher.watch("watched_a", seen.append)
    assert imported("watched_a").value == 1
    assert len(seen) == 1
    assert [note.text for note in notes()] == ["ZeroDivisionError: division by zero"]
    clear_notes()


def test_other_finders_and_loaders(watcher: ImportWatcher, folder: Path) -> None:
    """A finder of another tool that wraps loaders, in front of ours and behind it."""

    class Loader:
        def __init__(self, loader: Any) -> None:
            self.loader = loader

        def create_module(self, spec: Any) -> Any:
            return self.loader.create_module(spec)

        def exec_module(self, module: ModuleType) -> None:
            self.loader.exec_module(module)
            module.theirs = True

    class Finder:
        searching = False

        def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
            if not name.startswith("watched") or self.searching:
                return None
            self.searching = True
            spec = importlib.util.find_spec(name)
            self.searching = False
            if spec is not None:
                spec.loader = Loader(spec.loader)
            return spec

    seen: list[str] = []
    for name in ("watched_a", "watched_b"):
        write(folder, f"{name}.py", "value = 1\n")
        watcher.watch(name, lambda module: seen.append(module.__name__))
    finder: Any = Finder()
    for name, place in (("watched_a", 0), ("watched_b", len(sys.meta_path))):
        sys.meta_path.insert(min(place, 1) if place else 0, finder)
        module: Any = imported(name)
        assert module.theirs
        assert type(module.__spec__.loader) is Loader
        sys.meta_path.remove(finder)
    assert seen == ["watched_a", "watched_b"]


def test_an_exec_module_of_another_tool_stays(watcher: ImportWatcher, folder: Path) -> None:
    write(folder, "watched_a.py", "value = 1\n")

    class Finder:
        def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None and name == "watched_a":
                plain: Any = spec.loader.exec_module

                def theirs(module: Any) -> None:
                    plain(module)
                    module.value = 2

                spec.loader.exec_module = theirs
            return spec

    finder: Any = Finder()
    seen: list[Any] = []
    watcher.watch("watched_a", lambda module: seen.append(module.value))
    sys.meta_path.insert(1, finder)
    module = imported("watched_a")
    sys.meta_path.remove(finder)
    assert (module.value, seen) == (2, [2])
    assert type(module.__loader__).__name__ == "SourceFileLoader"


def test_the_first_foreign_import(folder: Path) -> None:
    write(folder, "watched_a.py", "import watched_b\n")
    write(folder, "watched_b.py", "")
    source = """
import sys
from autolog.importing import ImportWatcher
watcher, seen = ImportWatcher(), []
watcher.on_first_foreign_import(lambda: seen.append("watched_a" in sys.modules))
import wave, autolog.errors
print(seen)
import watched_a
watcher.on_first_foreign_import(lambda: seen.append("at once"))
print(seen)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["[]", "[False, 'at once']"]


def test_the_module_is_light() -> None:
    """Importing it loads little beyond what the guard itself needs."""
    program = (
        "import sys\nfrom autolog.reporting import guarded\nbefore = set(sys.modules)\n"
        "import autolog.importing\nprint(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    new = set(ast.literal_eval(done.stdout))
    new = {name for name in new if name.partition(".")[0] != "importlib"}
    assert new <= {"autolog.importing", "functools"}


def test_after_close_nothing_is_told(folder: Path) -> None:
    write(folder, "watched_a.py", "value = 1\n")
    watcher, seen = ImportWatcher(), []
    watcher.watch("watched_a", seen.append)
    spec = importlib.util.find_spec("watched_a")
    watcher.close()
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["watched_a"] = module
    spec.loader.exec_module(module)
    assert seen == []
    assert "exec_module" not in vars(spec.loader)
