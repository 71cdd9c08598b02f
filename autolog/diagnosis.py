"""What is in force here, from where, and what is wrong with it: the facts behind `autolog doctor`.

Nothing is imported that the user did not import, no store and no key is made, and nothing stays
behind. A part that fails is a problem of its own and hides no other.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from . import __version__, explaining, kept_notes
from .diagnosis_delivery import delivery_facts
from .environment import also_known_as, normalised, packages, python_version
from .errors import AutologError, BackendError, UsageError
from .integration import Hook, Integration
from .models import keys
from .opening import open_backend
from .options import resolve_options, variable
from .reporting import notes
from .settings import SETTINGS, Settings, default_store, resolve
from .status import status_of
from .store import Store

Problems = list[str]


def report(explain: bool = False) -> dict[str, Any]:
    """All facts as plain lists, dicts, texts and numbers; `problems` says what needs attention.

    With `explain`, what each hook captures here stands with it, and why not.
    """
    problems: Problems = []
    settings = _guarded(problems, "settings", lambda _: _resolved(), Settings())
    parts: dict[str, Callable[[Problems], Any]] = {
        "versions": _versions,
        "settings": lambda _: list(_settings(settings)),
        "stores": lambda found: [_store(uri, settings, found) for uri in _stores(settings)],
        "delivery": lambda found: delivery_facts(_stores(settings), settings, found),
        "spills": _spills,
        "signing": _signing,
        "integrations": lambda found: _integrations(settings, found, explain),
        "backends": lambda found: _loadable("autolog.backends", found),
        "flavors": lambda found: _loadable("autolog.flavors", found),
        "process": _process,
    }
    facts = {name: _guarded(problems, name, part, None) for name, part in parts.items()}
    return {**facts, "problems": problems}


def _guarded(problems: Problems, what: str, part: Callable[[Problems], Any], default: Any) -> Any:
    try:
        return part(problems)
    except Exception as error:
        problems.append(f"{what}: {_line(error)}")
        return default


def _line(error: BaseException) -> str:
    """An error in one line; our own errors speak for themselves."""
    text = (str(error).splitlines() or [""])[0]
    return text if isinstance(error, AutologError) else f"{type(error).__name__}: {text}"


# -- versions and settings -----------------------------------------------------------------


def _versions(problems: Problems) -> dict[str, str]:
    for place in strangers():
        problems.append(
            f"{place} bears this project's name and is none of it: `pip uninstall autolog` where "
            "it is the unrelated package of that name (this one is `autolog-ml`), else rename it"
        )
    return {
        "autolog": __version__,
        "installed at": str(Path(__file__).parent),
        "python": f"{python_version()} {sys.executable}",
        "system": platform.platform(),
    }


def strangers() -> list[str]:
    """Modules and distributions on the path that bear this project's import name.

    The index has an unrelated `autolog` whose module `autolog.py` hides an editable install of
    ours, or lies hidden beside a plain one.
    """
    found = [str(Path(entry or ".", "autolog.py")) for entry in sys.path]
    files = [path for path in dict.fromkeys(found) if Path(path).is_file()]
    version = packages().get("autolog")
    return files + ([f"the distribution autolog {version}"] if version is not None else [])


def _resolved() -> Settings:
    from . import api

    enabled = api.state.watcher is not None
    return api.state.settings if enabled and api.state.settings else resolve({})


def _settings(settings: Settings) -> Iterator[dict[str, Any]]:
    for setting in SETTINGS:
        if setting.name in settings:
            value = settings[setting.name]
            yield {
                "name": setting.name,
                "variable": setting.variable,
                "value": _shown(setting.name, value),
                "source": settings.sources.get(setting.name, "default"),
            }


def _shown(name: str, value: Any) -> Any:
    """A setting's value for the eyes of whoever reads a bug report: no secret in it."""
    if name == "token" and value:
        return "(set)"
    if name == "signing_key" and value and "-----BEGIN" in value:
        return "(a key as text)"
    if name == "backend":
        return [without_password(uri) for uri in value]
    return list(value) if isinstance(value, tuple) else value


def without_password(uri: str) -> str:
    """A store's name with the password in it, if there is one, as `***`."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:***@", uri)


# -- stores --------------------------------------------------------------------------------


def _stores(settings: Settings) -> tuple[str, ...]:
    return tuple(settings.get("backend") or (str(default_store()),))


def _store(uri: str, settings: Settings, problems: Problems) -> dict[str, Any]:
    """One store: can it be read and written, what is in it, what is wrong with it."""
    shown = without_password(uri)
    facts: dict[str, Any] = {"uri": shown, "readable": False}
    try:
        backend = open_backend(uri)
        store = Store(backend)
        facts.update(_contents(store, shown, problems))
        facts["readable"] = True
        facts["notes"] = [*store.notes, *backend.notes()]
        root = store.root
    except Exception as error:
        told = _line(error).removeprefix(f"{shown}: ")
        facts.update(reason=told, remedy=_remedy(uri, error))
        problems.append(f"store {shown}: {told}: {facts['remedy']}")
        return facts
    if root is not None:
        facts.update(_folder(root, settings, problems))
        facts["earlier"] = kept_notes.latest(root)
    if facts["notes"]:
        problems.append(f"store {shown}: {len(facts['notes'])} parts could not be read")
    return facts


def _remedy(uri: str, error: Exception) -> str:
    """What to do about a store that cannot be read."""
    if isinstance(error, UsageError):
        return "correct AUTOLOG_BACKEND, or install the package that brings such a store"
    if not isinstance(error, BackendError):
        return "this is a fault of the backend: please report it"
    if "://" not in uri:
        return "look at the folder's owner and rights, or name another store"
    if error.permanent:
        return "what it asks for has to be done there or in your settings"
    return "is it running, and the address right? What is recorded meanwhile is sent later"


def _contents(store: Store, shown: str, problems: Problems) -> dict[str, Any]:
    runs = store.summaries()
    counts = Counter(status_of(run, store.root) for run in runs)
    lost = sum(run.lost for run in runs)
    if lost:
        problems.append(
            f"store {shown}: {lost} facts of runs were lost (`autolog show` says where)"
        )
    return {"runs": len(runs), "status": dict(counts), "facts lost": lost}


def _folder(root: Path, settings: Settings, problems: Problems) -> dict[str, Any]:
    """Whether files can be made at `root`, or where that will be, and how much room there is."""
    place = next(path for path in (root, *root.parents) if path.is_dir())
    facts: dict[str, Any] = {"exists": place == root, "writable": True}
    try:
        if root.exists() and place != root:
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder")
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
            Path(folder, "try").write_bytes(b"autolog")
    except OSError as error:
        facts["writable"] = False
        problems.append(f"store {root}: cannot be written: {error.strerror or error}")
    facts["free bytes"] = free = shutil.disk_usage(place).free
    floor = settings.get("free_space_floor", 0)
    if free < floor:
        problems.append(
            f"store {root}: {free / 1e9:.1f} GB are free, less than free_space_floor "
            f"({floor / 1e9:.1f} GB): models and artifacts are left out"
        )
    return facts


def _spills(problems: Problems) -> dict[str, str]:
    """Stores in the temporary folder that hold what the proper store would not take."""
    found = sorted(Path(tempfile.gettempdir()).glob("autolog-spill-*"))
    mine = [folder for folder in found if os.access(folder, os.R_OK | os.X_OK)]
    facts = {str(folder): f"{len(open_backend(folder).run_ids())} runs" for folder in mine}
    problems.extend(
        f"{folder} keeps {runs} that their store did not take: `autolog sync --from {folder}`"
        for folder, runs in facts.items()
    )
    return facts


# -- keys ----------------------------------------------------------------------------------


def _signing(problems: Problems) -> dict[str, Any]:
    """Which key signs, and whose are trusted; makes no key."""
    own = keys.folder() / "signing_key"
    facts: dict[str, Any] = {"folder": str(keys.folder()), "key": "made when it is first needed"}
    if os.environ.get("AUTOLOG_SIGNING_KEY"):
        facts["key"] = "AUTOLOG_SIGNING_KEY"
    elif own.exists():
        facts["key"] = str(own)
        if os.name == "posix" and own.stat().st_mode & 0o077:
            problems.append(f"{own} can be read by others: chmod 600 it, or make a new one")
    facts["trusted"] = sorted(
        f"{name} {keys.fingerprint(public)}" for public, name in keys.trusted_signers().items()
    )
    return facts


# -- integrations --------------------------------------------------------------------------


def _integrations(settings: Settings, problems: Problems, explain: bool) -> list[dict[str, Any]]:
    entries = sorted(entry_points(group="autolog.integrations"))
    problems.extend(explaining.strange_names(settings, [entry.name for entry in entries]))
    return [_integration(entry, settings, problems, explain) for entry in entries]


def _integration(
    entry: EntryPoint, settings: Settings, problems: Problems, explain: bool
) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": entry.name, "from": _origin(entry)}
    try:
        kind: type[Integration] = entry.load()
        facts["library"] = kind.library
        facts.update(_fitness(kind.library, kind.module or entry.name, problems))
        off = explaining.why_off(entry.name, facts["version"], settings)
        facts["on"] = not off
        facts["why"] = off
        facts["hooks"] = [_hook(hook) for hook in kind.hooks()]
        facts["options"] = list(_options(entry.name, kind, settings))
        if explain:
            facts["left_alone"] = explaining.left_alone(settings) if kind.captures else []
            facts["explained"] = explaining.explained(kind, facts["options"], off, settings)
    except Exception as error:
        facts["error"] = _line(error)
        problems.append(f"integration {entry.name} ({facts['from']}): {_line(error)}")
    return facts


def _origin(entry: EntryPoint) -> str:
    distribution = entry.dist
    return f"{distribution.name} {distribution.version}" if distribution else entry.value


def _fitness(library: str, module: str, problems: Problems) -> dict[str, str]:
    """Which version of an integration's library is installed, and whether it is old enough.

    A distribution of another name may bring the same module.
    """
    match = re.fullmatch(r"([A-Za-z0-9._-]+?)\s*(?:>=\s*([0-9][\w.]*))?", library)
    if match is None:
        raise ValueError(f"library {library!r} is not of the form `name>=version`")
    name, oldest = match[1], match[2]
    installed, known = packages(), normalised(name)
    if known not in installed:
        known = also_known_as(module) or ""
    version = installed.get(known)
    if version is None:
        return {"version": "not installed"}
    if oldest is not None and _release(version) < _release(oldest):
        problems.append(f"{name} {version} is older than {oldest}, the oldest that is tested")
    return {"version": version if known == normalised(name) else f"{version} ({known})"}


def _release(version: str) -> tuple[int, ...]:
    """The numbers at the head of a version."""
    head = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in head[0].split(".")) if head else ()


def _hook(hook: Hook) -> dict[str, str]:
    target = hook.target
    return {
        "name": hook.name,
        "target": ".".join(filter(None, (target.module, target.owner))),
        "kind": target.kind,
        "names": ", ".join(target.names),
        "opens a run": "yes" if hook.opens_run is True else str(hook.opens_run or "no"),
        "nested": hook.nested,
        "says": " ".join((hook.generator.__doc__ or "").split()),
    }


def _options(name: str, kind: type[Integration], settings: Settings) -> Iterator[dict[str, Any]]:
    given = getattr(settings, "options", {}).get(name, {})
    values = resolve_options(name, kind.options_type(), given)
    for field, value in vars(values).items():
        asked = os.environ.get(variable(name, field))
        source = variable(name, field) if asked else "call or file" if field in given else "default"
        yield {"name": field, "value": value, "source": source}


def _loadable(group: str, problems: Problems) -> list[dict[str, str]]:
    """The entry points of a group, each tried."""
    found = []
    for entry in sorted(entry_points(group=group)):
        facts = {"name": entry.name, "from": _origin(entry)}
        try:
            entry.load()
        except Exception as error:
            facts["error"] = _line(error)
            problems.append(f"{group} {entry.name} ({facts['from']}): {_line(error)}")
        found.append(facts)
    return found


# -- this process --------------------------------------------------------------------------


def _process(problems: Problems) -> dict[str, Any]:
    """What this very process has on and has had to report; of use when called from a program."""
    from . import api

    engine = api.state.engine
    said = [f"{note.place}: {note.text}" for note in notes()]
    problems.extend(said)
    return {
        "enabled": api.state.watcher is not None,
        "fired": {} if engine is None else {e.place: e.fired for e in engine.entries},
        "notes": said,
    }
