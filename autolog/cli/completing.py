"""Completion in shells: their scripts, and the words that may stand where the cursor is.

The shell hands over the line up to the cursor; verbs, options, runs, experiments and names of
metrics and params are answered, whatever goes wrong stays silent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError

WORD = "__complete"
"""The verb that the shells' scripts call."""

MOST_RUNS = 50

SCRIPTS = {
    "bash": """\
_autolog_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(COMP_WORDBREAKS="$COMP_WORDBREAKS" "$1" __complete bash \\
        "${COMP_LINE:0:$COMP_POINT}" 2>/dev/null)
}
complete -o default -o nosort -F _autolog_completion autolog 2>/dev/null ||
    complete -o default -F _autolog_completion autolog
""",
    "zsh": """\
#compdef autolog
_autolog_completion() {
    local value says
    local -a values shown
    while IFS=$'\\t' read -r value says; do
        values+=("$value")
        shown+=("$value${says:+  -- $says}")
    done < <("${words[1]}" __complete zsh "${(j: :)words[1,CURRENT]}" 2>/dev/null)
    if (( $#values )); then
        compadd -U -V autolog -d shown -a values
    else
        _files
    fi
}
if [ "$funcstack[1]" = "_autolog" ]; then
    _autolog_completion "$@"
else
    compdef _autolog_completion autolog
fi
""",
    "fish": """\
function __autolog_completion
    set -l line (commandline -cp)
    set -l found (autolog __complete fish "$line" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command autolog --no-files --keep-order --arguments '(__autolog_completion)'
""",
}

PLACES = {
    "bash": ".local/share/bash-completion/completions/autolog",
    "zsh": ".zfunc/_autolog",
    "fish": ".config/fish/completions/autolog.fish",
}
"""Where each shell looks, below the home folder."""


def main(words: Sequence[str]) -> int:
    """Answer a shell (`__complete SHELL LINE`), or show or install its script."""
    if words[0] == WORD:
        shell, line = (*words[1:3], "", "")[:2]
        _answer(shell, line)
        return 0
    shell = words[1] if len(words) > 1 else _shell()
    if shell not in SCRIPTS:
        raise UsageError(f"no completion for {shell!r}; name one of {', '.join(SCRIPTS)}")
    if words[0] == "--show-completion":
        print(SCRIPTS[shell], end="")
    else:
        _install(shell)
    return 0


def _shell() -> str:
    return Path(os.environ.get("SHELL", "")).name


def _install(shell: str) -> None:
    """Put the script where the shell finds it by itself, and say what else it needs."""
    path = Path.home() / PLACES[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SCRIPTS[shell], "utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; see --show-completion") from error
    print(f"{shell} completion is now in {path}; open a new shell")
    if shell == "zsh":
        print("~/.zshrc needs the line: fpath+=~/.zfunc; autoload -Uz compinit; compinit")
    if shell == "bash":
        print("where bash-completion is not installed, ~/.bashrc needs the line: . " + str(path))


def _answer(shell: str, line: str) -> None:
    """Print what may stand at the end of `line`, one a line; a tab before what it is."""
    try:
        before, current, quote = split(line)
        found = [
            (value, says)
            for value, says in dict(candidates(before[1:], current)).items()
            if _bare(value).startswith(_bare(current)) and value.isprintable()
        ]
    except Exception:
        return
    if shell == "bash":
        cut = 0 if quote else _cut(current, os.environ.get("COMP_WORDBREAKS", ""))
        lines = [_protected(value[cut:], quote) for value, _ in found]
    else:
        lines = [f"{value}\t{says}" if says else value for value, says in found]
    print(*lines, sep="\n", end="\n" if lines else "")


def _bare(text: str) -> str:
    """Without the quotes of odd names, which need not be typed to find them."""
    return text.replace("`", "")


def _protected(value: str, quote: str) -> str:
    """As bash wants it within the quote that is open; the other shells do that themselves."""
    special = {"": r"([^\w@%+=:,./~-])", '"': r"([\"$`\\])"}.get(quote)
    return re.sub(special, r"\\\1", value) if special else value


def _cut(current: str, breaks: str) -> int:
    """How much of the word bash holds for words of its own: `=` and `:` part words there.

    So do `@` and `$`, but these begin the next word.
    """
    ends = (current.rfind(char) + (char not in "@$") for char in breaks if char in current)
    return max(ends, default=0)


def split(line: str) -> tuple[list[str], str, str]:
    """The words before the cursor, the one at it, and the quote that is open there."""
    words, current, quote, begun = list[str](), "", "", False
    rest = iter(line)
    for char in rest:
        if char == "\\" and quote != "'":
            current += next(rest, "")
        elif quote:
            quote, current = ("", current) if char == quote else (quote, current + char)
        elif char in "'\"":
            quote, begun = char, True
        elif char.isspace():
            if current or begun:
                words.append(current)
            current, begun = "", False
        else:
            current += char
    return words, current, quote


# -- what may stand there ----------------------------------------------------------------------


def candidates(before: Sequence[str], current: str) -> Iterator[tuple[str, str]]:
    """What may stand after the words `before` in place of `current`, each with what it is."""
    import typer.main

    from .app import app

    command: Any = typer.main.get_command(app)
    if not before:
        if current.startswith("-"):
            yield from _options(command)
        yield from ((name, verb.get_short_help_str(60)) for name, verb in command.commands.items())
        return
    verb = command.commands.get(before[0])
    if verb is None or before[0] == "run":  # what follows `run` is the program's
        return
    option = _awaiting(verb, before[1:])
    if option is not None:
        yield from _values(option, before, current)
    elif current.startswith("-"):
        yield from _options(verb)
    else:
        arguments = [param.name for param in verb.params if param.param_type_name == "argument"]
        yield from _values(arguments[0], before, current) if arguments else ()


def _options(command: Any) -> Iterator[tuple[str, str]]:
    for param in command.params:
        if param.param_type_name == "option":
            yield max(param.opts, key=len), param.help or ""
    yield "--help", "Show this message and exit."


def _awaiting(verb: Any, words: Sequence[str]) -> str | None:
    """The option that the last word is and that still wants its value."""
    for param in verb.params:
        if words and words[-1] in param.opts and not getattr(param, "is_flag", False):
            return str(max(param.opts, key=len))
    return None


def _values(what: str, before: Sequence[str], current: str) -> Iterator[tuple[str, str]]:
    """Values of an option or argument."""
    if what in ("run", "runs"):
        yield from _runs(before)
    elif what == "--format":
        yield from ((form, "") for form in ("jsonl", "csv", "parquet"))
    elif what == "--experiment":
        yield from ((name, "") for name in dict.fromkeys(r.experiment for r in _views(before)))
    elif what in ("--order", "--columns"):
        yield from _in_list(before, current)
    elif what in ("filter", "--filter"):
        yield from _in_filter(before, current)


def _views(before: Sequence[str]) -> list[Any]:
    """The runs of the store that is meant, newest first."""
    from ..view import RunView
    from .terminal import open_store

    named = [word for at, word in enumerate(before) if before[at - 1] == "--backend"]
    store = open_store(named[-1] if named else None)
    return [RunView(store, one.id) for one in store.summaries()]


def _runs(before: Sequence[str]) -> Iterator[tuple[str, str]]:
    from ..rendering.text import age, clean
    from ..search import short_ids

    views = _views(before)
    ids = short_ids([run.id for run in views])
    told = [f"{clean(run.name, 40)} {age(run.summary.started)}" for run in views[:MOST_RUNS]]
    yield from zip(("@latest", "@1", "@2", "@3"), (*told[:1], *told), strict=False)
    yield from ((ids[run.id], says) for run, says in zip(views, told, strict=False))


def _keys(before: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Fields as a filter names them."""
    from ..parsing import ATTRIBUTES
    from .hints import names

    seen: dict[str, None] = {}
    for run in _views(before):
        for entity in ("metric", "param", "tag"):
            seen.update((f"{entity}s.{_quoted(key)}", None) for key in names(run, entity))
    yield from ((key, "") for key in seen)
    yield from ((key, "") for key in dict.fromkeys(ATTRIBUTES.values()))


def _quoted(key: str) -> str:
    """As the filter language wants a name: odd ones in backquotes."""
    return key if re.fullmatch(r"\w[\w.]*", key) else "`" + key.replace("`", "``") + "`"


def _in_list(before: Sequence[str], current: str) -> Iterator[tuple[str, str]]:
    """Fields after the last comma."""
    done = re.match(r"(?:.*,\s*)?", current, re.DOTALL)
    lead = done[0] if done else ""
    yield from ((lead + key, says) for key, says in _keys(before))


def _in_filter(before: Sequence[str], current: str) -> Iterator[tuple[str, str]]:
    """Fields at the end of a filter, where one may begin."""
    done = re.match(r"(?:.*(?:\band\b|\bor\b|\bnot\b|\())?\s*", current, re.DOTALL | re.IGNORECASE)
    lead = done[0] if done else ""
    yield from ((lead + key, says) for key, says in _keys(before))
