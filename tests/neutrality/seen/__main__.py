"""All that a program can see of itself and of scikit-learn, question by question.

`python seen FILE` answers every question into FILE, `autolog run seen FILE` must give the same;
`test_seen.py` compares them. Answers are plain values that hold no address.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import doing
import looking
import process
from asking import QUESTIONS

__all__ = ["doing", "looking", "process"]


def main() -> None:
    """Answer every question, a line for each."""
    for ask in QUESTIONS:
        with Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps({ask.__name__: ask()}, default=repr) + "\n")


if __name__ == "__main__":
    main()
