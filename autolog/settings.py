"""Every setting of the project in one table, and how its value is found.

Environment beats the call, the call beats `[tool.autolog]` in `pyproject.toml`, that beats the
default; exclusions add up, so that an operator's veto always holds. `docs/settings.md` and
`autolog doctor` are made from this table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .excluding import Exclusions


class Setting(NamedTuple):
    """One row of the table: the name in calls, the variable, the default, the type, a sentence."""

    name: str
    variable: str
    default: Any
    type: type
    says: str


SETTINGS: tuple[Setting, ...] = (
    Setting("enabled", "AUTOLOG", True, bool, "`0` makes everything a no-op that creates no file."),
    Setting(
        "backend",
        "AUTOLOG_BACKEND",
        (),
        tuple,
        "Where runs go, one or several separated by white space: a folder, `file:FOLDER`, "
        "`memory:`. Default: the nearest folder `autolog-runs` upwards, else the git root's, "
        "else the working directory's.",
    ),
    Setting(
        "experiment",
        "AUTOLOG_EXPERIMENT",
        None,
        str,
        "The experiment of new runs. Default: `<repository or folder>/<program>`.",
    ),
    Setting("only", "AUTOLOG_ONLY", (), tuple, "Record these integrations alone."),
    Setting(
        "exclude",
        "AUTOLOG_EXCLUDE",
        (),
        tuple,
        "What is left out: integrations, classes by glob (`sklearn.*.KNN*`), `kind:GLOB` of "
        "estimators, `record:KIND[:GLOB]`, see below; `all` is off. Adds up over environment, "
        "call and file.",
    ),
    Setting("tags", "AUTOLOG_TAGS", {}, dict, "Tags for every new run: `key=value,key=value`."),
    Setting("run_id", "AUTOLOG_RUN_ID", None, str, "Id for the first outermost run: a resumption."),
    Setting(
        "run_name",
        "AUTOLOG_RUN_NAME",
        None,
        str,
        "Name of the process's first outermost run; child programs do not inherit it.",
    ),
    Setting("parent_run", "AUTOLOG_PARENT_RUN", None, str, "The run under which new runs stand."),
    Setting("strict", "AUTOLOG_STRICT", False, bool, "Raise autolog's own errors (for tests)."),
    Setting("silent", "AUTOLOG_SILENT", False, bool, "Print no line of autolog's on stderr."),
    Setting(
        "spool",
        "AUTOLOG_SPOOL",
        None,
        str,
        "Folder for what waits to be sent to a remote store. Default: `autolog/spool` in the "
        "user's state folder (`$XDG_STATE_HOME`, else `~/.local/state`).",
    ),
    Setting(
        "spool_quota",
        "AUTOLOG_SPOOL_QUOTA",
        10_000_000_000,
        int,
        "Bytes of spool beyond which models and artifacts are shed, which is recorded.",
    ),
    Setting(
        "spool_age",
        "AUTOLOG_SPOOL_AGE",
        0.0,
        float,
        "Days after which a run in the spool goes, sent or not, which is noted; 0: never.",
    ),
    Setting(
        "exit_timeout",
        "AUTOLOG_EXIT_TIMEOUT",
        5.0,
        float,
        "Seconds that a program waits at most, at its end or before it reads a remote store, for "
        "what is still being sent.",
    ),
    Setting("token", "AUTOLOG_TOKEN", None, str, "Token for a remote server."),
    Setting(
        "policy",
        "AUTOLOG_POLICY",
        False,
        bool,
        "Keep to what a server among the backends asks of its clients; it is waited for 2 s.",
    ),
    Setting("artifacts", "AUTOLOG_ARTIFACTS", None, str, "Store of artifacts beside a database."),
    Setting(
        "max_model_size",
        "AUTOLOG_MAX_MODEL_SIZE",
        256_000_000,
        int,
        "Bytes; a larger model is cut off while it is written and left out, which is recorded.",
    ),
    Setting(
        "store_quota",
        "AUTOLOG_STORE_QUOTA",
        10_000_000_000,
        int,
        "Bytes of local store beyond which models and artifacts are shed, which is recorded.",
    ),
    Setting(
        "free_space_floor",
        "AUTOLOG_FREE_SPACE_FLOOR",
        1_000_000_000,
        int,
        "Bytes that stay free on the disk: below it models and artifacts are shed.",
    ),
    Setting(
        "light_after",
        "AUTOLOG_LIGHT_AFTER",
        50,
        int,
        "Runs of one call site in one process that are kept in full; those after it are light.",
    ),
    Setting(
        "keep_models",
        "AUTOLOG_KEEP_MODELS",
        3,
        int,
        "Models kept of a group's light runs: the last ones, and the best where a metric orders.",
    ),
    Setting(
        "system_metrics",
        "AUTOLOG_SYSTEM_METRICS",
        0.0,
        float,
        "Seconds between samples of the use of CPU and memory, as metrics of open runs; 0: none.",
    ),
    Setting(
        "signing_key",
        "AUTOLOG_SIGNING_KEY",
        None,
        str,
        "Ed25519 private key (path, or the PEM text) that signs models. Default: the user's own "
        "key, made on first use.",
    ),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}
ADDED_UP = ("exclude",)


class Settings(dict[str, Any]):
    """The values in force, by name; attributes read the same entries."""

    sources: dict[str, str]
    options: dict[str, dict[str, Any]]
    exclusions: Exclusions = Exclusions()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def resolve(call: Mapping[str, Any] | None = None, *, folder: Path | None = None) -> Settings:
    """The settings in force for `call` in `folder` (the working directory by default).

    Raises UsageError for a value that does not fit its setting, naming the setting and source.
    """
    given, options = _split(dict(call or {}))
    table, file_options = _split(pyproject_table(folder or working_folder()))
    found = Settings()
    found.sources = {}
    found.options = _merged_options(file_options, options)
    for setting in SETTINGS:
        found[setting.name] = _choose(setting, given, table, found.sources)
    found.exclusions = Exclusions(found["exclude"])
    return found


def _split(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Settings apart from integration options (`sklearn={...}`)."""
    known = {key: value for key, value in values.items() if key in BY_NAME}
    options = {key: value for key, value in values.items() if key not in BY_NAME}
    for key, value in options.items():
        if not isinstance(value, Mapping):
            raise usage(f"autolog() has no setting {key!r}", f"one of {', '.join(BY_NAME)}")
    return known, {key: dict(value) for key, value in options.items()}


def _merged_options(
    below: dict[str, dict[str, Any]], above: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    merged = {name: dict(values) for name, values in below.items()}
    for name, values in above.items():
        merged.setdefault(name, {}).update(values)
    return merged


def _choose(
    setting: Setting, call: dict[str, Any], table: dict[str, Any], sources: dict[str, str]
) -> Any:
    found: list[tuple[str, Any]] = []
    if setting.variable in os.environ and os.environ[setting.variable] != "":
        found.append((setting.variable, os.environ[setting.variable]))
    if call.get(setting.name) is not None:
        found.append(("call", call[setting.name]))
    if setting.name in table:
        found.append(("pyproject.toml", table[setting.name]))
    if not found:
        sources[setting.name] = "default"
        return setting.default
    sources[setting.name] = found[0][0]
    values = [parse(setting.type, value, f"{setting.name} ({source})") for source, value in found]
    if setting.name in ADDED_UP:
        sources[setting.name] = " + ".join(source for source, _ in found)
        return tuple(dict.fromkeys(item for value in values for item in value))
    if setting.name == "tags":
        return {k: v for value in reversed(values) for k, v in value.items()}
    return values[0]


def parse(kind: type, value: Any, what: str) -> Any:
    """`value`, text or already typed, as `kind`; raises UsageError that names `what`."""
    try:
        return _PARSERS.get(kind, kind)(value)
    except (TypeError, ValueError):
        raise usage(f"{what}: {value!r} is not a {kind.__name__}", "see docs/settings.md") from None


def usage(problem: str, hint: str) -> Exception:
    """A UsageError of the two customary parts."""
    from .errors import UsageError

    return UsageError(f"{problem}; {hint}")


def _parse_bool(value: Any) -> bool:
    if isinstance(value, str):
        lowered = value.strip().lower()
        if lowered in ("1", "true", "yes", "on"):
            return True
        if lowered in ("0", "false", "no", "off", ""):
            return False
        raise ValueError(value)
    return bool(value)


def _parse_tuple(value: Any) -> tuple[str, ...]:
    if isinstance(value, os.PathLike):
        return (os.fspath(value),)
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(item) for item in value)


def _parse_dict(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        pairs = (item.partition("=") for item in value.split(",") if item.strip())
        return {key.strip(): text.strip() for key, _, text in pairs}
    return {str(key): str(item) for key, item in dict(value).items()}


def _parse_int(value: Any) -> int:
    return int(float(value)) if isinstance(value, str) else int(value)


_PARSERS: dict[type, Any] = {
    bool: _parse_bool,
    tuple: _parse_tuple,
    dict: _parse_dict,
    int: _parse_int,
}


def pyproject_table(folder: Path) -> dict[str, Any]:
    """`[tool.autolog]` of the nearest `pyproject.toml` upwards from `folder`; empty if none."""
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if there(path.is_file):
            import tomllib  # 5 ms that a program without such a file need not pay

            try:
                return dict(tomllib.loads(path.read_text("utf-8"))["tool"]["autolog"])
            except (OSError, ValueError, LookupError, TypeError):
                return {}
    return {}


def working_folder() -> Path:
    """The working directory; where it is gone, the root."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


def there(asked: Callable[[], bool]) -> bool:
    """The answer of `path.is_dir` and its kin; no, where the path may not be looked at."""
    try:
        return asked()
    except OSError:
        return False


def default_store(folder: Path | None = None) -> Path:
    """The local store: the nearest `autolog-runs` upwards, else the git root's, else here."""
    here = (folder or Path.cwd()).absolute()
    places = (here, *here.parents)
    for place in places:
        if there((place / "autolog-runs").is_dir):
            return place / "autolog-runs"
    for place in places:
        if there((place / ".git").exists):
            return place / "autolog-runs"
    return here / "autolog-runs"
