"""How far a run has come: what is known of it, the line that shows it, and `tail -f`."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len

from autolog import process
from autolog.rendering.progress import Progress, live_line, progress_of
from autolog.search import find_run
from autolog.store import Store

from .conftest import Story
from .test_cli_verbs import AUTOLOG, in_terminal

Command = Callable[..., tuple[int, str, str]]


def searching(
    story: Story, done: int = 30, total: Any = 90, name: str = "GridSearchCV", **facts: Any
) -> Any:
    writer = story.run("a", ago=10).opens(name, **facts)
    writer("system", "progress_total", {"total": total, "unit": "fit"})
    for i in range(1, done + 1):
        writer("metric", "progress", i, i, at=i / 10)
    return writer


def view(story: Story) -> Any:
    return find_run(Store(story.backend), "a")


def test_a_recorded_total_counts(story: Story) -> None:
    searching(story)
    assert progress_of(view(story)) == Progress(30, 90, "fit")


@pytest.mark.parametrize("total", [0, -1, "90", None, True, float("nan"), float("inf")])
def test_a_total_that_is_none_counts_nothing(story: Story, total: Any) -> None:
    searching(story, total=total)
    assert progress_of(view(story)) is None
    assert "30" not in live_line(view(story), 80, story.now).plain


def test_a_bound_among_the_params_is_a_bound(story: Story) -> None:
    story.run("a").opens().params({"clf__max_iter": 200}).metric("loss", 3, 2, 1, unit="epoch")
    assert progress_of(view(story)) == Progress(3, 200, "epoch", bound=True)


@pytest.mark.parametrize(
    ("params", "unit"),
    [
        ({}, "epoch"),
        ({"max_iter": 200}, "fold"),
        ({"max_iter": -1}, "epoch"),
        ({"a__max_iter": 10, "b__n_estimators": 20}, "epoch"),
    ],
)
def test_what_is_not_known_is_not_guessed(story: Story, params: Any, unit: str) -> None:
    story.run("a").opens().params(params).metric("loss", 3, 2, unit=unit)
    assert progress_of(view(story)) is None


@pytest.mark.parametrize("width", [10, 20, 40, 80, 200])
def test_the_line_fits_any_width(story: Story, width: int) -> None:
    searching(story, name="ü" * 99).metric("mean_test_score", 0.5, 0.75, unit="candidate")
    line = live_line(view(story), width, story.now)
    assert cell_len(line.plain) <= width
    if width >= 40:
        assert "30/90 fits" in line.plain
    if width >= 80:
        assert "~20.0s left" in line.plain
        bar = line.plain.count("━"), line.plain.count("─")
        assert 0 < bar[0] < bar[1] < 3 * bar[0]  # a third is done
    if width >= 200:
        assert "mean_test_score 0.7500" in line.plain


def test_progress_is_no_result(told: Story, command: Command) -> None:
    searching(told).metric("loss", 0.5).ends()
    told.run("b", ago=1).opens("GridSearchCV").metric("loss", 0.5).metric("progress", 3.0).ends()
    other = told.run("c").opens("GridSearchCV").metric("loss", 0.5)
    other("system", "progress_total", {"total": 7, "unit": "fit"}).metric("progress", 7.0).ends()
    for words in (["show", "a"], ["compare", "a", "c"]):
        assert "progress" not in command(*words)[1]
    assert "progress" in command("show", "b")[1]  # there it is the user's own metric
    _, out, _ = command("ls", "id LIKE 'a%'")
    assert "progress" not in out
    _, out, _ = command("show", "a", "--json")
    assert '"progress": 30' in out


def test_on_a_terminal_a_line_stands_below_and_goes(told: Story) -> None:
    writer = searching(told, **process.this_process())

    def end() -> None:
        writer.metric("loss", 0.25).ends()

    ending = threading.Timer(4, end)
    ending.start()
    shown = in_terminal(["tail", "-f", "a"], COLUMNS="100").decode()
    ending.join()
    assert "30/90 fits" in shown
    assert "progress" not in shown.replace("progress_total", "")
    assert shown.rindex("finished") > shown.rindex("\x1b[2K", 0, shown.rindex("finished"))
    assert "\x1b[2K" in shown[shown.rindex("30/90 fits") :]  # the line is wiped out


def test_on_a_pipe_lines_are_plain(told: Story) -> None:
    searching(told, 3).ends()
    done = subprocess.run(
        [*AUTOLOG, "tail", "-f"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "\x1b" not in done.stdout
    assert "progress  3  step 3" in done.stdout


def test_it_waits_for_the_first_run(told: Story) -> None:
    with subprocess.Popen(
        [*AUTOLOG, "tail", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stderr is not None
        assert "no runs in ./autolog-runs yet; waiting" in tail.stderr.readline()
        told.run("a", ago=0).opens("Ridge").ends()
        out, err = tail.communicate(timeout=60)
    assert (tail.returncode, err) == (0, "")
    assert "finished" in out
