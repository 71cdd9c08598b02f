"""Functions and files stay small enough to read in one go."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from typing import Any

MAX_FUNCTION = 60
MEDIAN_FUNCTION = 8
MAX_FILE = 400
MEDIAN_FILE = 150

ONE_SUBJECT = "one subject, whose many cases share their helpers"
LARGER = {
    "tests/core/test_engine.py": ONE_SUBJECT,
    "tests/core/test_importing.py": ONE_SUBJECT,
    "tests/core/test_inplace.py": ONE_SUBJECT,
    "tests/core/test_models.py": ONE_SUBJECT,
    "tests/core/test_wrapping_methods.py": ONE_SUBJECT,
    "tests/integrations/test_sklearn_models.py": ONE_SUBJECT,
}
"""Files above the bound, each with its reason."""


def functions(source: Any) -> Iterator[tuple[str, int]]:
    """Each function of a file with its lines, docstring left out, `def` line included."""
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{source.name}:{node.lineno} {node.name}", _lines(node)


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if documented and isinstance(first.value.value, str):  # type: ignore[attr-defined]
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def lines(source: Any) -> int:
    return len(source.text.splitlines())


def test_no_function_is_long(tree: Any) -> None:
    long = [
        f"{where}: {count} lines"
        for source in [*tree.product, *tree.others]
        for where, count in functions(source)
        if count > MAX_FUNCTION
    ]
    assert long == []


def test_most_functions_are_short(tree: Any) -> None:
    counts = [count for source in tree.product for _, count in functions(source)]
    assert len(counts) > 300
    assert statistics.median(counts) <= MEDIAN_FUNCTION


def test_no_file_is_long(tree: Any) -> None:
    long = [
        f"{source.name}: {lines(source)} lines"
        for source in [*tree.product, *tree.others]
        if lines(source) > MAX_FILE and source.name not in LARGER
    ]
    assert long == []


def test_most_files_are_short(tree: Any) -> None:
    assert statistics.median(lines(source) for source in tree.product) <= MEDIAN_FILE


def test_an_exception_is_still_one(tree: Any) -> None:
    sizes = {source.name: lines(source) for source in [*tree.product, *tree.others]}
    assert [name for name in LARGER if sizes.get(name, 0) <= MAX_FILE] == []
