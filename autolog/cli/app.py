"""The verbs and their options; what they do stands in the modules beside this one."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ..errors import AutologError, UsageError
from .serving import server

app = typer.Typer(
    name="autolog",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Runs that autolog recorded: list, show, compare, export and remove them.",
)

app.add_typer(server, name="server")

Filter = Annotated[str, typer.Argument(help="As metrics.rmse < 1 and params.C > 0.1.")]
Run = Annotated[str, typer.Argument(help="An id or its beginning, @latest, or @1, @2, ….")]
Backend = Annotated[str | None, typer.Option(help="The store: a folder or a name.")]
Experiment = Annotated[str | None, typer.Option("--experiment", "-e", help="Only this one.")]
Order = Annotated[str | None, typer.Option(help="As 'metrics.rmse desc, name'.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Probable = Annotated[bool, typer.Option(help="Let metrics of probable link take part.")]


def call(words: list[str]) -> int:
    """Run the verb that `words` name; the exit code."""
    return guarded(lambda: app(words, prog_name="autolog", standalone_mode=True))


def guarded(work: Callable[[], Any]) -> int:
    """Do `work`; the exit code, after one message on stderr for an error of use or of a store."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        code = _code(work)
        sys.stdout.flush()
    except AutologError as error:
        _say(str(error))
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EINVAL):
            where = f"{error.filename}: " if error.filename else ""
            _say(f"{where}{error.strerror or error}")
        # Whoever read our output has gone, or its disk is full: nothing may be flushed at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _code(work: Callable[[], Any]) -> int:
    try:
        code = work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    return code if isinstance(code, int) else 0


def _say(text: str) -> None:
    from ..rendering.text import clean

    print("autolog: " + "\n".join(map(clean, text.split("\n"))), file=sys.stderr)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"autolog {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    install_completion: Annotated[
        bool, typer.Option("--install-completion", help="For bash, zsh or fish (named, or yours).")
    ] = False,
    show_completion: Annotated[
        bool, typer.Option("--show-completion", help="Print the shell's script for it.")
    ] = False,
) -> None:
    """Nothing stands before the verb but these; completion is done before they are looked at."""


@app.command()
def ls(
    filter: Filter = "",
    experiment: Experiment = None,
    order: Order = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most lines; 0 for all.")] = 30,
    columns: Annotated[str, typer.Option(help="Show these: 'C, metrics.rmse'.")] = "",
    expand: Annotated[str | None, typer.Option(help="Show a group's runs: its line.")] = None,
    probable: Probable = False,
    json: Json = False,
    backend: Backend = None,
) -> None:
    """List runs, newest first: what differs as columns, what is equal said once."""
    from . import reading

    reading.ls(
        backend,
        {
            "filter": filter,
            "experiment": experiment,
            "order_by": order,
            "include_probable": probable,
        },
        limit=limit or None,
        columns=[name.strip() for name in columns.split(",") if name.strip()],
        expand=expand,
        as_json=json,
    )


@app.command()
def show(
    run: Run = "@latest",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Everything.")] = False,
    json: Json = False,
    backend: Backend = None,
) -> None:
    """Show one run in full, and what changed since the one before it."""
    from . import reading

    reading.show(backend, run, verbose=verbose, as_json=json)


@app.command()
def compare(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Two runs or more; one with the run before it.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", "-m", help="Say why this one changed.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Everything.")] = False,
    json: Json = False,
    backend: Backend = None,
) -> None:
    """Say how runs differ, what they have in common, and why a number changed."""
    from . import reading

    reading.compare_runs(backend, runs or [], metric=metric, verbose=verbose, as_json=json)


@app.command()
def tail(
    run: Run = "@latest",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the run ends.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Records to begin with.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    backend: Backend = None,
) -> None:
    """Print a run's newest records, and with -f those that come."""
    from . import tailing

    tailing.tail(backend, run, follow=follow, lines=lines, as_json=json)


@app.command()
def export(
    filter: Filter = "",
    to: Annotated[str, typer.Option(help="A file, or - for the standard output.")] = "-",
    format: Annotated[
        str | None, typer.Option(help="jsonl, csv or parquet; else by the file's name.")
    ] = None,
    points: Annotated[bool, typer.Option(help="Every point of every metric.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
    experiment: Experiment = None,
    order: Order = None,
    backend: Backend = None,
) -> None:
    """Write runs, or the points of their metrics, as JSON lines, CSV or Parquet."""
    from . import exporting

    question: dict[str, Any] = {"filter": filter, "experiment": experiment, "order_by": order}
    exporting.export(backend, question, to=to, form="jsonl" if json else format, points=points)


@app.command()
def rm(
    runs: Annotated[list[str] | None, typer.Argument(help="The runs to remove.")] = None,
    filter: Annotated[str | None, typer.Option(help="All that match, but those running.")] = None,
    yes: Yes = False,
    json: Json = False,
    backend: Backend = None,
) -> None:
    """Remove runs with their children and files, for good."""
    from . import removing

    raise typer.Exit(removing.rm(backend, runs or (), filter=filter, yes=yes, as_json=json))


@app.command()
def gc(
    older_than: Annotated[str | None, typer.Option(help="Runs older than 30d, 12h, ….")] = None,
    quota: Annotated[str | None, typer.Option(help="What may stay in all: 10GB, ….")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; else it is only said.")] = False,
    json: Json = False,
    backend: Backend = None,
) -> None:
    """Say, and with --yes remove, what is too old, over the quota, or serves nobody."""
    from . import removing

    code = removing.gc(backend, older_than=older_than, quota=quota, yes=yes, as_json=json)
    raise typer.Exit(code)


@app.command()
def sync(
    path: Annotated[str, typer.Argument(help="The store to bring over; else all owed.")] = "",
    source: Annotated[str | None, typer.Option("--from", help="The store to bring over.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="Where to; else your own.")] = None,
    json: Json = False,
) -> None:
    """Send what waits for your remote stores, or bring one store's runs to another."""
    from . import syncing

    raise typer.Exit(syncing.sync(source or path or None, target, as_json=json))


@app.command()
def doctor(
    explain: Annotated[bool, typer.Option("--explain", help="Each hook, each option.")] = False,
    json: Json = False,
) -> None:
    """Say what is recorded here and why, and what went wrong."""
    from ..doctor import main as examine

    raise typer.Exit(examine(explain, json))


@app.command()
def version(json: Json = False) -> None:
    """Print the version, also of Python."""
    from .. import __version__
    from ..environment import python_version

    if json:
        from .terminal import print_json

        print_json({"autolog": __version__, "python": python_version()})
    else:
        print(f"autolog {__version__} (Python {python_version()})")


@app.command(
    "run",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def run_program(context: typer.Context) -> None:
    """Run a program as `python` would, and record its trainings."""
    from ..launcher import main as launch

    raise typer.Exit(launch(context.args))
