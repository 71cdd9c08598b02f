"""Runs as rows: children below their parents, many runs of one call site as one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ..view import RunView

GROUP_FROM = 10
"""Runs of one call site from which on they are shown as one line."""


@dataclass(frozen=True)
class Row:
    """One run; `covers` counts it, and its only child where it stands for that too."""

    run: RunView
    depth: int = 0
    covers: int = 1


@dataclass(frozen=True)
class Group:
    """The runs of one call site, newest first; `covers` counts them and all below them."""

    runs: tuple[RunView, ...]
    depth: int = 0
    covers: int = 1

    @property
    def name(self) -> str:
        """The name of its newest run."""
        return self.runs[0].name

    @property
    def site(self) -> str:
        """The call site, as `train.py:41`."""
        return self.runs[0].site or ""

    @property
    def line(self) -> str:
        """The line of the call site, or all of it where it has none."""
        return self.site.rpartition(":")[2]

    def answers_to(self, handle: str | None) -> bool:
        """Whether `--expand handle` means this group: its line, its site, or `all`."""
        return handle in ("all", self.site, self.line)


def arrange(
    runs: list[RunView], expand: str | None = None, limit: int | None = None
) -> list[Row | Group]:
    """The rows for `runs`, in their order, each child below its parent; at most `limit`."""
    return list(islice(_Tree(runs, expand).rows(), limit))


class _Tree:
    def __init__(self, runs: list[RunView], expand: str | None) -> None:
        self.expand = expand
        self.below: dict[str | None, list[RunView]] = {}
        by_id = {run.id: run for run in runs}
        for run in runs:
            parent = run.parent
            parent = parent if parent and _hangs(run, by_id) else None
            self.below.setdefault(parent, []).append(run)

    def rows(self, parent: str | None = None, depth: int = 0) -> Iterator[Row | Group]:
        runs = self.below.get(parent, [])
        groups = self.groups(runs, depth)
        for run in runs:
            group = groups.get(run.id)
            if group is None:
                yield from self.single(run, depth)
            elif group.runs[0] is run:
                yield group

    def single(self, run: RunView, depth: int) -> Iterator[Row | Group]:
        children = self.below.get(run.id, [])
        if len(children) == 1 and run.only_child == children[0]:
            yield Row(run, depth, 2)
            yield from self.rows(children[0].id, depth + 1)
        else:
            yield Row(run, depth)
            yield from self.rows(run.id, depth + 1)

    def groups(self, runs: list[RunView], depth: int) -> dict[str, Group]:
        """For the id of each run that is shown as part of a group, that group."""
        sites: dict[tuple[str, str], list[RunView]] = {}
        for run in runs:
            site = run.site
            if site:
                group = run.summary.facts.get("group")
                sites.setdefault((site, str(group)), []).append(run)
        found: dict[str, Group] = {}
        for members in sites.values():
            group = Group(tuple(members), depth, sum(map(self.size, members)))
            if len(members) >= GROUP_FROM and not group.answers_to(self.expand):
                found.update((run.id, group) for run in members)
        return found

    def size(self, run: RunView) -> int:
        return 1 + sum(map(self.size, self.below.get(run.id, [])))


def _hangs(run: RunView, by_id: dict[str, RunView]) -> bool:
    """Whether it stands below one of the runs; those that are each other's parents do not."""
    seen = {run.id}
    above = by_id.get(run.parent or "")
    found = above is not None
    while above is not None:
        if above.id in seen:
            return False
        seen.add(above.id)
        above = by_id.get(above.parent or "")
    return found
