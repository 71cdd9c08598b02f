"""The command `autolog`; what a verb needs is imported when that verb is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMPLETION = ("__complete", "--show-completion", "--install-completion")
"""First words of which the rest concerns a shell and not a verb."""

RESERVED = ("rerun", "serve", "ui", "project")
"""Verbs that later versions will have."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words after `autolog` ask for; the exit code.

    0: done. 1: it could not be done, one line on stderr says why. 2: the words make no sense.
    `autolog run` gives the exit code of the program.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    first = words[0] if words else ""
    if first == "run":
        from ..launcher import main as launch

        return launch(words[1:])
    if first in RESERVED:
        print(f"autolog {first}: not in this version", file=sys.stderr)
        return 2
    from .app import call, guarded

    if first in COMPLETION:
        from . import completing

        return guarded(lambda: completing.main(words))
    return call(words)
