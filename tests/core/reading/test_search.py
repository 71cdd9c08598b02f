"""One run by its name, and the errors of a name that is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from autolog.backends.memory import MemoryBackend

from autolog.errors import BackendError, NotFound
from autolog.records import Record
from autolog.search import get_run, search_runs, short_ids

from .conftest import Story, run_id


@pytest.fixture
def three(story: Story) -> Any:
    story.run("7f3c1", ago=300).opens("Ridge").ends()
    story.run("7f3c2", ago=200).opens("Lasso\x1b[31m").ends()
    story.run("51d0", ago=100).opens("Net").ends()
    return story.backend


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (run_id("51d0"), "Net"),
        ("5", "Net"),
        ("51D0", "Net"),
        ("7f3c1", "Ridge"),
        ("@latest", "Net"),
        ("@1", "Net"),
        ("@3", "Ridge"),
    ],
)
def test_names_of_runs(three: Any, name: str, found: str) -> None:
    assert get_run(three, name).name == found


def test_an_ambiguous_beginning_lists_the_candidates(three: Any) -> None:
    with pytest.raises(NotFound) as caught:
        get_run(three, "7f")
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 runs begin with '7f':"
    assert lines[1:] == ["  7f3c10000000  Ridge  finished", "  7f3c20000000  Lasso  finished"]


def test_many_candidates_are_counted(story: Story) -> None:
    for i in range(12):
        story.run(f"a{i:03}").opens().ends()
    with pytest.raises(NotFound) as caught:
        get_run(story.backend, "a")
    assert str(caught.value).splitlines()[-1] == "  … and 4 more"


def test_an_unknown_id_shows_the_nearest_and_a_name_the_run(three: Any) -> None:
    with pytest.raises(NotFound, match=r"no run '51e0'.*did you mean\n  51d000000000  Net"):
        get_run(three, "51e0")
    with pytest.raises(NotFound, match=r"did you mean\n  7f3c10000000  Ridge"):
        get_run(three, "Ridge")
    with pytest.raises(NotFound, match="`autolog ls` lists them"):
        get_run(three, "zzzzzz")


@pytest.mark.parametrize("name", ["", "@", "@0", "@4", "@x", "@-1"])
def test_names_that_name_nothing(three: Any, name: str) -> None:
    with pytest.raises(NotFound):
        get_run(three, name)


def test_an_empty_store_says_so(story: Story) -> None:
    with pytest.raises(NotFound, match="no runs in"):
        get_run(story.backend, "abcd")


def test_short_ids_are_the_shortest_that_differ() -> None:
    ids = [run_id("7f3c1a"), run_id("7f3c1b"), run_id("51d0"), run_id("7f3")]
    assert list(short_ids(ids).values()) == ["51d0", "7f30", "7f3c1a", "7f3c1b"]
    assert short_ids([]) == {}
    assert short_ids([ids[0], ids[0]]) == {ids[0]: "7f3c"}


class Broken(MemoryBackend):
    """A store of which one run cannot be read."""

    def records(self, run: str) -> Iterator[Record]:
        if run.startswith("bad"):
            raise BackendError("disk on fire")
        return super().records(run)


def test_a_run_that_cannot_be_read_hides_only_itself() -> None:
    story = Story(Broken("memory:broken"))
    story.run("bad").opens().ends()
    story.run("a").opens("Ridge", integration=None).ends()
    assert [run.name for run in search_runs(story.backend)] == ["Ridge"]
    assert get_run(story.backend, "a").children()[:] is not None
    with pytest.raises(BackendError, match="disk on fire"):
        get_run(story.backend, "bad")
