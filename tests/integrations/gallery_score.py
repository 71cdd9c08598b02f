"""Plays the gallery and prints its score: `python tests/integrations/gallery_score.py`.

Names of programs may be given; else all are played.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import gallery


def main(*asked: str) -> int:
    """Print the table, and on stderr each fact that was not found; 1 where there is one."""
    wanted = asked or gallery.names()
    with tempfile.TemporaryDirectory() as folder:
        for way in ("plain", "line"):
            gallery.play(Path(folder), way, wanted)
        checked = {name: gallery.check(Path(folder), "line", name) for name in wanted}
    print(gallery.score_table(checked))
    lost = [(n, f) for n, facts in checked.items() for f in facts if f.outcome != gallery.FOUND]
    for name, (fact, outcome, _, recorded) in lost:
        print(f"{name}: {outcome}: {fact}, recorded {recorded}", file=sys.stderr)
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
