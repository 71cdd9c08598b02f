"""What a notebook knows of itself: its name and the cell that is running.

IPython is never imported: where it runs, it is there already.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any


def notebook() -> dict[str, Any] | None:
    """Facts of the notebook or IPython session that this process is; None elsewhere.

    `kind` is `notebook` (a kernel) or `ipython` (a terminal). `name` and `path` are there where
    the front end says them (Jupyter Server and VS Code do; nbclient does not).
    `cell` counts the cells run since the kernel's start, `cell_id` is the running cell's id in
    the file.
    """
    shell = _shell()
    if shell is None:
        return None
    path = _path(shell)
    found = {
        "kind": "notebook" if hasattr(shell, "kernel") else "ipython",
        "name": Path(path).name if path else None,
        "path": path,
        "cell": len(_cells(shell)) - 1 or None,
        "cell_id": _cell_id(shell),
    }
    return {key: value for key, value in found.items() if value is not None}


def cell_group() -> str | None:
    """What all runs of the cell that is running have in common; None outside of notebooks.

    The cell's id in the file, which outlives edits; where the front end sends none, a digest of
    the cell's text.
    """
    shell = _shell()
    if shell is None:
        return None
    cell = _cell_id(shell)
    if cell is not None:
        return f"cell {cell}"
    text = _cells(shell)[-1].encode("utf-8", "replace")
    return f"cell {hashlib.sha256(text).hexdigest()[:12]}"


def code_name(filename: str) -> str | None:
    """What IPython's tracebacks call the code of a cell: `In[3]`; None for all other code.

    Code that a magic command has compiled (`%%time`) belongs to the cell that is running.
    """
    shell = _shell()
    if shell is None:
        return None
    named = getattr(shell.compile, "format_code_name", None)  # IPython 8
    known = named(filename) if named is not None else None
    if known is not None:
        return str(known[1])
    return f"In[{len(_cells(shell)) - 1}]" if filename.startswith("<") else None


def source() -> tuple[str, bytes] | None:
    """The cells run so far, in order, as one redacted script; None outside of notebooks."""
    from . import redact

    shell = _shell()
    if shell is None:
        return None
    parts = [f"# In [{i}]\n{text}\n" for i, text in enumerate(_cells(shell)) if text]
    return "cells.py", redact.redact("", "\n".join(parts).encode("utf-8", "replace"))


def _shell() -> Any:
    """IPython's shell, if it is what runs this program."""
    module = sys.modules.get("IPython")
    get = getattr(module, "get_ipython", None)
    return get() if get is not None else None


def _path(shell: Any) -> str | None:
    # VS Code leaves a variable in the notebook, Jupyter Server one in the kernel's environment.
    for found in (shell.user_ns.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(found, str) and found.endswith(".ipynb"):
            return found
    return None


def _cell_id(shell: Any) -> str | None:
    """The id that the front end sent with the request that is being executed."""
    parent: Any = getattr(shell, "get_parent", dict)()
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    cell = metadata.get("cellId") if isinstance(metadata, dict) else None
    return cell if isinstance(cell, str) else None


def _cells(shell: Any) -> list[str]:
    """The text of every cell run so far, the running one last; at index 0 stands none."""
    found = shell.user_ns.get("_ih")
    return [str(text) for text in found] if isinstance(found, list) and found else [""]
