"""What a program says is a moment to look at its numbers; its streams are left as they were."""

from __future__ import annotations

import contextlib
import io
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autolog

torch = pytest.importorskip("torch")

PROGRAM = """
import torch

def fit(model, optimizer, epochs):
    data = torch.ones(4, 2)
    rates = []
    for epoch in range(epochs):
        for batch in torch.utils.data.DataLoader(data, 2):
            loss = model(batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        final = float(model.weight.detach().sum())
        rates.append(final / 2)
        print(epoch, final, f"size: {len(rates)}")
    return rates

def run():
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    return fit(model, torch.optim.SGD(model.parameters(), lr=0.1), 3)
"""


@pytest.fixture
def program(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "loops.py"
    file.write_text(textwrap.dedent(PROGRAM))
    scope: dict[str, Any] = {"__name__": "loops"}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    return scope


@pytest.fixture
def stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), write_through=True)


@contextlib.contextmanager
def recorded(stream: io.TextIOWrapper) -> Iterator[None]:
    """Pytest puts streams of its own in place before each test, so that ours comes here."""
    with contextlib.redirect_stdout(stream):
        autolog.autolog(backend="memory:")
        try:
            yield
        finally:
            autolog.disable()


def values(name: str) -> list[float]:
    return [point.value for point in autolog.get_run("@latest", backend="memory:").history(name)]


def test_the_last_turn_of_a_function_is_read_when_it_is_printed(
    program: dict[str, Any], stream: io.TextIOWrapper
) -> None:
    with recorded(stream):
        rates = program["run"]()
    assert values("rates") == rates
    printed = stream.buffer.getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert values("final") == [float(line.split()[1]) for line in printed]


def test_streams_are_left_as_they_were(program: dict[str, Any], stream: io.TextIOWrapper) -> None:
    before = dict(vars(stream))
    with recorded(stream):
        program["run"]()
        assert "write" in vars(stream)
    assert vars(stream) == before


def test_somebody_elses_write_stays(program: dict[str, Any], stream: io.TextIOWrapper) -> None:
    texts: list[str] = []
    theirs = stream.write = texts.append  # type: ignore[assignment, method-assign]
    with recorded(stream):
        program["run"]()
    assert vars(stream)["write"] is theirs
    assert "".join(texts).startswith("0 ")


def test_an_error_of_the_stream_shows_nothing_of_us(
    program: dict[str, Any], stream: io.TextIOWrapper
) -> None:
    with recorded(stream):
        program["run"]()
        stream.close()
        with pytest.raises(ValueError, match="closed") as caught:
            print("more")
    assert len(caught.traceback) == 1
