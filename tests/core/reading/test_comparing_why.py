"""`autolog compare`: data by column, and why a number changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from autolog.backends.memory import MemoryBackend
from hypothesis import given, settings
from hypothesis import strategies as st

from autolog.comparing import compare, explain
from autolog.rendering.comparing import comparison_lines
from autolog.rendering.jsonform import comparison_json
from autolog.search import get_run

from .conftest import Command, Story, causes, code, column, dataset, facts, pair

# -- data --------------------------------------------------------------------------------------


def datasets(story: Story, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    a, b = pair(story)
    a.metric("acc_X_test", 0.9, site="t.py:3")("dataset", "X", before)
    b.metric("acc_X_test", 0.8, site="t.py:3")("dataset", "X", after)


def test_columns_that_came_went_and_changed(told: Story, command: Command) -> None:
    datasets(
        told,
        dataset(
            column("kept", "0", mean=1.0, std=1.0),
            column("gone", "1", mean=1.0, std=1.0),
            column("moved", "2", mean=10.0, std=2.0),
            column("named", "3"),
            column("typed", "4"),
            column("holes", "5", mean=0.0, std=1.0),
            column("text", "6", dtype="object", unique=2, top="a", top_share=0.5),
        ),
        dataset(
            column("kept", "0", mean=1.0, std=1.0),
            column("moved", "12", mean=13.0, std=4.0),
            column("renamed", "3"),
            {**column("typed", "4"), "dtype": "float32"},
            column("holes", "15", mean=0.0, std=1.0) | {"missing": 7},
            column("text", "16", dtype="object", unique=3, top="a", top_share=0.4),
            column("new", "17", unique=4),
        ),
    )
    (data,) = (d for d in facts(command, "a", "b")["differences"] if d["section"] == "data")
    found = {part["key"]: (part["detail"]["change"], part["note"]) for part in data["parts"]}
    assert found == {
        "moved": ("values", "mean +1.50 std, std ×2"),
        "gone": ("removed", "removed"),
        "new": ("added", "added"),
        "named": ("renamed", "renamed renamed"),
        "typed": ("retyped", "float64 → float32, same values"),
        "holes": ("values", "missing 0 → 7"),
        "text": ("values", "a: −10.0 points, 2 → 3 distinct"),
    }
    assert data["note"] == "+1 −1 columns, 3 of 6 changed, 1 renamed, 1 of another type"
    assert data["detail"]["states"] == [None, "values"]


def test_frames_and_arrays_of_one_digest_are_the_same(told: Story, command: Command) -> None:
    datasets(
        told,
        dataset(column("u", "0"), column("v", "1")),
        dataset(column(None, "0"), column(None, "1"), kind="ndarray"),
    )
    (data,) = (d for d in facts(command, "a", "b")["differences"] if d["section"] == "data")
    assert (data["note"], data["parts"]) == ("DataFrame → ndarray, same values", [])
    assert causes(command) == [("unknown", True), *[("not recorded", False)] * 2]


def test_what_samples_differ_by_is_no_news(told: Story, command: Command) -> None:
    before = [column(name, str(i), mean=1.0, std=1.0) for i, name in enumerate("uv")]
    after = [column(name, f"{i}1", mean=1.1, std=1.0) for i, name in enumerate("uv")]
    datasets(told, dataset(*before), dataset(*after))
    out = command("compare", "a", "b")[1]
    assert "    2 columns shifted no more than from sample to sample (-v)\n" in out
    assert "perhaps another random split" in out
    assert "  u " in command("compare", "a", "b", "-v")[1]


def test_the_same_figures_may_be_the_same_rows(told: Story, command: Command) -> None:
    before = column("u", "0", min=0.0, max=2.0, mean=1.0, std=0.5)
    datasets(told, dataset(before), dataset({**before, "digest": "1"}))
    out = command("compare", "a", "b")[1]
    assert "perhaps the same rows in another order" in out


def test_digests_of_other_rules_say_nothing(told: Story, command: Command) -> None:
    datasets(
        told,
        dataset(column("u", "0", mean=1.0, std=1.0)),
        dataset(column("u", "1", mean=1.0, std=1.0), rule="sample-v1", digest="sample-v1:1"),
    )
    (data,) = (d for d in facts(command, "a", "b")["differences"] if d["section"] == "data")
    assert data["detail"]["states"] == [None, "unknown"]
    assert data["note"] == "digests of different rules"
    assert ("training data", False) in causes(command)


def test_targets_weights_lineage_and_shared_rows(told: Story, command: Command) -> None:
    def labelled(digest: str, *counts: int, **more: Any) -> dict[str, Any]:
        classes = [[name, count] for name, count in zip("nyz", counts, strict=False)]
        target = {"name": "y", "digest": f"full-v1:{digest}", "rule": "full-v1", "rows_read": 100}
        return dataset(column("u", "0"), target={**target, "classes": classes}, **more)

    scaled = [{"class": "StandardScaler", "params": {"with_mean": False}, "site": "t.py:1"}]
    datasets(told, labelled("1", 60, 40), labelled("2", 50, 40, 10, lineage=scaled, rows_shared=3))
    out = command("compare", "a", "b")[1].splitlines()
    data = [line.strip() for line in out[out.index("DATA") + 1 :]]
    assert data[0].split("  ")[-1] == "target changed"
    assert data[1].startswith("target y ")
    assert [cell.strip() for cell in data[1].split("  ") if cell] == [
        "target y",
        "n: 60 %, y: 40 %",
        "n: 50 %, y: 40 %, z: 10 %",
        "new class z, n: −10.0 points",
    ]
    assert data[2].split("  ")[-1].strip() == "StandardScaler(with_mean=False)"
    assert data[3].split() == ["rows", "shared", "with", "train", "–", "3"]


# -- why ---------------------------------------------------------------------------------------


def test_likelier_causes_come_first(told: Story, command: Command) -> None:
    test = {"role": "test", "name": "X_test"}
    for i, (prefix, writer) in enumerate(zip("ab", pair(told), strict=True)):
        u = column("u", str(i), mean=float(i), std=0.1)
        writer("dataset", "X", dataset(u))("dataset", "X_test", dataset(u, **test))
        call = f"f1_score(y_test, p, average='{'micro' if i else 'macro'}')"
        args = {"average": "micro" if i else "macro"}
        writer.metric("f1_score_X_test", 0.9 + i / 20, call=call, args=args, site="t.py:9")
        writer.params({"C": i, "n_jobs": i, "verbose": i, "random_state": i})
        writer("tag", "estimator_class", f"sklearn.x.{'SVC' if i else 'Ridge'}")
        code(told, prefix, t__py=f"i = {i}")
        writer("system", "packages", {"scikit-learn": f"1.{i}", "numpy": f"2.{i}"})
        writer("system", "variables", {"OMP_NUM_THREADS": str(i)})
        writer("system", "host", {"cpu": f"cpu {i}"})
        writer("system", "program", {"arguments": [str(i)]})
    assert causes(command) == [
        ("measure", True),
        ("test data", True),
        ("model", True),
        ("training data", True),
        ("params", True),
        ("seed", True),
        ("command line", True),
        ("code", True),
        ("library", True),
        ("threads", False),
        ("versions", False),
        ("threads", False),
        ("machine", False),
    ]
    (why,) = facts(command, "a", "b")["why"]
    assert why["reasons"][4]["says"] == "C 0 → 1"
    assert why["reasons"][8]["look"] == "train again with scikit-learn==1.0 to be sure"


def test_chance_is_likely_where_nothing_else_differs(told: Story, command: Command) -> None:
    for i, writer in enumerate(pair(told)):
        writer.params({}, {"clf__random_state": None}).metric("acc", 0.9 + i / 20)
        writer("dataset", "X", dataset(column("u", "0")))
        writer("system", "packages", {"scikit-learn": f"1.{i}"})
    assert causes(command)[:2] == [("library", True), ("chance", True)]
    told.run("b").params({"C": 2})
    told.run("a").params({"C": 1})
    assert causes(command)[:3] == [("params", True), ("library", True), ("chance", False)]


def test_another_commit_counts_less_if_the_sources_are_the_same(
    told: Story, command: Command
) -> None:
    for i, writer in enumerate(pair(told)):
        writer.metric("acc", 0.9 + i / 20)("system", "git", {"commit": f"{i}" * 40})
    assert ("code", True) in causes(command)
    for prefix in "ab":
        code(told, prefix, t__py="x")
    assert ("code", False) in causes(command)


def test_nothing_recorded_differs(told: Story, command: Command) -> None:
    for i, (prefix, writer) in enumerate(zip("ab", pair(told), strict=True)):
        writer.metric("acc", 0.9 + i / 20)("dataset", "X", dataset(column("u", "0")))
        writer("system", "versions", {"python": "3"})
        code(told, prefix, t__py="x")
    out = command("compare", "a", "b")[1]
    assert "  1  unknown  nothing recorded differs\n" in out
    assert "the training is not deterministic, or depends on what was not recorded" in out


def test_last_digits_are_rounding(told: Story, command: Command) -> None:
    for i, (prefix, writer) in enumerate(zip("ab", pair(told), strict=True)):
        writer.metric("acc", 0.9 + i * 1e-15)("dataset", "X", dataset(column("u", "0")))
        writer("system", "versions", {"python": "3"})
        writer("system", "variables", {"OMP_NUM_THREADS": str(i)})
        code(told, prefix, t__py="x")
    assert causes(command) == [("threads", True)]


def test_why_of_a_metric_of_choice(told: Story, command: Command) -> None:
    for i, writer in enumerate(pair(told)):
        writer.metric("n_iter", i).metric("acc", 0.9).metric("auc", 0.5 + i / 10)
    assert facts(command, "a", "b")["why"][0]["metric"] == "auc"
    assert facts(command, "a", "b", "-m", "n_iter")["why"][0]["values"] == [0, 1]
    assert (
        "WHY  acc  0.9000 → 0.9000  the same in both\n"
        in command("compare", "a", "b", "-m", "acc")[1]
    )


# -- anything that a store may hold ------------------------------------------------------------

HARD = st.sampled_from([None, True, 0, -1, 2**1100, 1.5, 1e308, float("nan"), "", "値" * 9, "a\nb"])
NUMBERS = st.sampled_from([0, 1, -(2**1100), 1.5, -1e308, 1e308, float("nan"), float("inf")])
FIGURES = ("missing", "min", "max", "mean", "std", "unique", "top", "top_share", "classes")
WORDS = st.sampled_from(["name", "dtype", "digest", "class", "params", *FIGURES])
ANY = st.recursive(
    HARD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4)
)
COLUMN = st.dictionaries(WORDS, HARD | ANY, max_size=6)
DATASET = st.fixed_dictionaries(
    {"columns": ANY | st.lists(COLUMN, max_size=3), "shape": ANY | st.just([3, 1])},
    optional=dict.fromkeys(("role", "digest", "target", "weight", "lineage"), ANY | COLUMN),
)


@settings(max_examples=60, deadline=None)
@given(before=DATASET, after=DATASET, param=ANY, loss=st.lists(NUMBERS, min_size=1, max_size=3))
def test_whatever_a_store_holds_is_compared(
    before: dict[str, Any], after: dict[str, Any], param: Any, loss: list[float]
) -> None:
    story = Story(MemoryBackend(f"memory:{uuid.uuid4().hex}"))
    for prefix, facts_of in (("a", before), ("b", before), ("c", after)):
        writer = (
            story.run(prefix).opens().params({"p": param, "c": prefix})("dataset", "X", facts_of)
        )
        writer.metric("loss", *(loss if prefix == "c" else [1.0]), unit="fold").ends()
    runs = [get_run(story.backend, prefix) for prefix in "abc"]
    twins = compare(runs[:2])
    assert [difference.key for difference in twins.differences] == ["c"]
    comparison = compare(runs)
    why = [one for run in runs if (one := explain(compare([runs[0], run]))) is not None]
    ids = {run.id: run.id[:4] for run in runs}
    for verbose in (True, False):
        lines = comparison_lines(comparison, ids, width=80, verbose=verbose, why=why)
        assert max(line.cell_len for line in lines) <= 80
    assert json.dumps(comparison_json(comparison, why), allow_nan=False)
