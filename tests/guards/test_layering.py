"""Who may import whom: the core knows no framework and no backend, nobody goes in circles."""

from __future__ import annotations

import ast
import fnmatch
import sys
from typing import Any

CONTRACT = {
    "autolog",
    "autolog.callsite",
    "autolog.context",
    "autolog.data",
    "autolog.data.*",
    "autolog.drawing",
    "autolog.drawing.*",
    "autolog.environment",
    "autolog.errors",
    "autolog.following",
    "autolog.following.*",
    "autolog.forking",
    "autolog.integration",
    "autolog.live",
    "autolog.models.*",
    "autolog.quiet",
    "autolog.reporting",
    "autolog.session",
    "autolog.values",
    "autolog.wrapping",
}
"""What an integration may import of the core: a third party can do no more than ours."""

STORAGE = {
    "autolog.backend",
    "autolog.codec",
    "autolog.digests",
    "autolog.errors",
    "autolog.filters",
    "autolog.fold",
    "autolog.forking",
    "autolog.journal",
    "autolog.journal_read",
    "autolog.localtoken",
    "autolog.paths",
    "autolog.points",
    "autolog.protocol",
    "autolog.query",
    "autolog.records",
    "autolog.reporting",
    "autolog.series",
    "autolog.settings",
    "autolog.staging",
    "autolog.status",
    "autolog.summary",
}
"""What a backend may import of the core."""

LIBRARIES = {
    "wrapt": {"autolog.integration", "autolog.inplace", "autolog.methods", "autolog.wrapping"},
    "msgspec": {
        "autolog.data.*",
        "autolog.index",
        "autolog.journal*",
        "autolog.protocol",
        "autolog.recorder",
        "autolog.records",
        "autolog.summary",
        "autolog.cli.*",
        "autolog.testing.*",
    },
    "cryptography": {"autolog.models.*"},
    "xxhash": {"autolog.data.*"},
    "typer": {"autolog.cli", "autolog.cli.*"},
    "click": {"autolog.cli", "autolog.cli.*"},
    "rich": {"autolog.cli", "autolog.cli.*", "autolog.rendering.*"},
    "numpy": {
        "autolog.data",
        "autolog.data.*",
        "autolog.drawing.weights",
        "autolog.following.*",
        "autolog.testing.*",
    },
    "pytest": {"autolog.testing", "autolog.testing.*"},
    "hypothesis": {"autolog.testing", "autolog.testing.*"},
}
"""Which modules of the core may import which libraries at all, at the head of the file or below."""

WHERE_LOADED = {
    "pandas": {"autolog.columns", "autolog.view", "autolog.data.*"},
    "polars": {"autolog.columns", "autolog.view", "autolog.data.*"},
    "pyarrow": {"autolog.columns", "autolog.view", "autolog.data.*"},
    "cloudpickle": {"autolog.models.pickling", "autolog.testing.*"},
    "joblib": {"autolog.testing.*"},
    "yaml": {"autolog.models.yamltext"},
    "psutil": {"autolog.process", "autolog.sampling"},
    "IPython": {"autolog.notebook"},
    "matplotlib": {"autolog.drawing.figures"},
}
"""Libraries that a function asks for where the user has them or asked for their type."""

HEAVY = {"asyncio", "http", "sqlite3", "ssl", "urllib", "urllib3", "xml", "multiprocessing"}
"""Parts of the standard library that no file of the core imports at its head."""


def matches(name: str, patterns: set[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def libraries(source: Any) -> list[Any]:
    """The imports of `source` that are neither ours nor the standard library's."""
    return [
        found
        for found in source.imports()
        if not found.typing
        and found.module.partition(".")[0] not in {*sys.stdlib_module_names, "autolog"}
    ]


def test_the_core_never_names_an_integration_or_a_backend(tree: Any) -> None:
    offenders = [
        f"{source.name}:{found.line} {found.module}"
        for source in tree.room("autolog")
        for found in source.imports()
        if matches(found.module, {"autolog.integrations*", "autolog.backends*"})
    ]
    assert offenders == []


def test_the_core_imports_the_listed_libraries_alone_and_where_it_may(tree: Any) -> None:
    offenders = [
        f"{source.name}:{found.line} {found.module}"
        for source in tree.room("autolog")
        for found in libraries(source)
        if not matches(source.module, LIBRARIES.get(found.module.partition(".")[0], set()))
        and (
            found.top
            or not matches(source.module, WHERE_LOADED.get(found.module.partition(".")[0], set()))
        )
    ]
    assert offenders == []


def test_no_file_of_the_core_loads_the_heavy_standard_modules_at_its_head(tree: Any) -> None:
    offenders = [
        f"{source.name}:{found.line} {found.module}"
        for source in tree.room("autolog")
        if not matches(source.module, {"autolog.testing*", "autolog.cli*"})
        for found in source.imports()
        if found.top
        and found.module.partition(".")[0] in HEAVY
        and found.module not in {"urllib.parse"}
    ]
    assert offenders == []


def test_integrations_use_the_authors_contract_alone(tree: Any) -> None:
    assert _strangers(tree, "integrations", CONTRACT) == []


def test_backends_use_the_storage_contract_alone(tree: Any) -> None:
    assert _strangers(tree, "backends", STORAGE) == []


def test_the_server_is_loaded_by_its_command_alone(tree: Any) -> None:
    offenders = [
        f"{source.name}:{found.line} {found.module}"
        for room in ("autolog", "integrations", "backends")
        for source in tree.room(room)
        for found in source.imports()
        if matches(found.module, {"autolog.server*"})
        if found.top or source.module != "autolog.cli.serving"
    ]
    assert offenders == []


def test_the_server_and_its_client_share_what_they_say_to_each_other(tree: Any) -> None:
    """The client has no types of its own for answers, nor the server for what it answers with."""
    offenders = [
        f"{source.name}:{node.lineno} {node.name}"
        for room, modules in (("backends", {"autolog.backends.http*"}), ("server", {"*"}))
        for source in tree.room(room)
        if matches(source.module, modules)
        for node in ast.walk(source.syntax)
        if isinstance(node, ast.ClassDef)
        and any("Struct" in ast.dump(base) for base in node.bases)
        and node.name not in {"Principal", "Rule", "Limits", "Config", "Place"}
    ]
    assert offenders == []


DANGEROUS = {
    "eval", "exec", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads",
    "yaml.load", "yaml.unsafe_load", "tarfile.open", "zipfile.ZipFile", "shutil.unpack_archive",
    "joblib.load", "torch.load", "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads",
}  # fmt: skip
"""What runs code that it is given, or writes where a file tells it to."""

TRUSTED = {
    "autolog/integration.py": "annotations of an integration's own options",
    "autolog/models/yamltext.py": "with the loader that makes plain values alone",
    "autolog/testing/": "tests",
}


def test_nothing_that_runs_code_is_called_but_where_it_is_meant(tree: Any) -> None:
    """No shell, no unpickling, no archive, whatever a store, a server or a file says."""
    offenders = []
    for source in (*tree.room("autolog"), *tree.room("backends"), *tree.room("server")):
        if any(source.name.startswith(place) for place in TRUSTED):
            continue
        for node in ast.walk(source.syntax):
            if isinstance(node, ast.Call):
                shell = any(k.arg == "shell" for k in node.keywords)
                if shell or ast.unparse(node.func) in DANGEROUS:
                    offenders.append(f"{source.name}:{node.lineno} {ast.unparse(node.func)}")
    assert offenders == []


def test_the_server_names_no_backend_and_no_integration(tree: Any) -> None:
    offenders = [
        f"{source.name}:{found.line} {found.module}"
        for source in tree.room("server")
        for found in source.imports()
        if matches(found.module, {"autolog.integrations*", "autolog.backends*"})
    ]
    assert offenders == []


def _strangers(tree: Any, folder: str, allowed: set[str]) -> list[str]:
    """Imports of the core beyond `allowed`, and siblings that are not imported relatively."""
    own = f"autolog.{folder}"
    return [
        f"{source.name}:{found.line} {found.module}"
        for source in tree.room(folder)
        for found in source.imports()
        if not found.typing and found.module.partition(".")[0] == "autolog"
        if not (
            found.relative
            if found.module == own or found.module.startswith(own + ".")
            else not found.relative and matches(found.module, allowed)
        )
    ]


STANDS_ON = {"lightning": "torch", "fastai": "torch", "transformers": "torch"}
"""Integrations that use another's parts, since their library is made of the other's."""


def test_an_integration_stays_within_its_folder(tree: Any) -> None:
    offenders = []
    for source in tree.room("integrations"):
        own = source.module.split(".")[2:3]
        allowed = [own, [STANDS_ON.get("".join(own))]]
        for found in source.imports():
            if found.relative and found.module.split(".")[2:3] not in allowed:
                offenders.append(f"{source.name}:{found.line} {found.module}")
    assert offenders == []


def test_nobody_imports_the_folders_by_their_names_in_the_repository(tree: Any) -> None:
    offenders = [
        f"{source.name}:{found.line} {found.module}"
        for source in [*tree.product, *tree.others]
        for found in source.imports()
        if found.module.partition(".")[0] in ("integrations", "backends", "tests")
    ]
    assert offenders == []


def test_no_circle_of_imports(tree: Any) -> None:
    graph = {
        source.module: {found.module for found in source.imports() if found.top}
        for source in tree.product
    }
    circles = [module for module in graph if module in _reachable(graph, graph[module])]
    assert circles == []


def _reachable(graph: dict[str, set[str]], start: set[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(graph.get(module, ()))
    return seen


def test_the_guard_sees_what_it_should(tree: Any) -> None:
    """A guard that finds no import at all would pass for ever."""
    modules = {source.module: source for source in tree.product}
    engine = {found.module for found in modules["autolog.engine"].imports() if found.top}
    assert {"autolog.callsite", "autolog.wrapping", "time"} <= engine
    assert "autolog.recorder" not in engine
    assert any(found.typing for found in modules["autolog.engine"].imports())
    assert any(
        found.module == "autolog.integration"
        for found in modules["autolog.integrations.sklearn"].imports()
    )
