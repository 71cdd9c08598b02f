"""`autolog compare`: differences only, line by line."""

from __future__ import annotations

import pytest

from autolog import process

from .conftest import Command, Story, causes, code, column, dataset, facts, pair

# -- the lines ---------------------------------------------------------------------------------


def test_differences_only_with_what_is_equal_said_once(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.params({"C": 1.0, "tol": 1}, {"max_iter": 100}).metric("acc_score_X", 0.979, site="t.py:3")
    b.params({"C": 0.3, "tol": 1}, {"max_iter": 100}).metric("acc_score_X", 0.986, site="t.py:3")
    for writer in (a, b):
        writer("dataset", "X", dataset(column("u", "0"), column("v", "1")))
        writer("system", "versions", {"python": "3.11"})
    status, out, _ = command("compare", "a", "b")
    assert status == 0
    assert out == (
        "Ridge  wine/demo  train.py:9  finished\n"
        "               a000    b000\n"
        "PARAMS\n"
        "  C            1.0     0.3\n"
        "METRICS\n"
        "  acc_score_X  0.9790  0.9860  ▲ 0.0070\n"
        "same: data, environment, 2 params\n"
        "WHY  acc_score_X  0.9790 → 0.9860\n"
        "  1  params  C 1.0 → 0.3\n"
        "             set it back and train again to be sure\n"
        "  possibly   code of both runs not known: may differ too\n"
    )


def test_equal_runs_are_one_line(told: Story, command: Command) -> None:
    for prefix in "ab":
        told.run(prefix).opens().params({"C": float("nan")}).metric("m", float("nan")).ends()
    out = command("compare", "a", "b")[1].splitlines()
    assert out[2:] == ["same: 1 param, 1 metric"]


def test_kinds_of_numbers_are_told_apart(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.params({"x": 1})
    b.params({"x": 1.0})
    assert "  x  1     1.0\n" in command("compare", "a", "b")[1]


def test_none_is_a_value_and_absence_is_not(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.params({"depth": None, "x": 1}).metric("acc", 0.5)
    b.params({"depth": 3}).metric("acc", 0.6)
    out = command("compare", "a", "b")[1]
    assert "  depth  None    3\n  x      1       –\n" in out
    assert "params  depth None → 3, x 1 → –\n" in out


def test_numbers_that_differ_look_different(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.metric("loss", 0.123456)
    b.metric("loss", 0.123459)
    out = command("compare", "a", "b")[1]
    assert "  loss  0.123456  0.123459  ▲ 3.00e-06" in out
    assert "WHY  loss  0.123456 → 0.123459" in out


def test_one_run_is_compared_with_the_one_before_it(told: Story, command: Command) -> None:
    pair(told)
    assert told_ids(command, "b") == ["a", "b"]
    assert told_ids(command) == ["a", "b"]
    status, _, err = command("compare", "a")
    assert (status, "'a' is its experiment's first run" in err) == (1, True)


def told_ids(command: Command, *words: str) -> list[str]:
    return [run[0] for run in facts(command, *words)["runs"]]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["a", "zz"], 1, "no run 'zz'"),
        (["a", "@9"], 1, "@9: there are 2 runs"),
        (["a", "b", "aa", "a"], 1, "no run 'aa'"),
        (["a", "@2"], 2, "'a' and '@2' are the same run"),
        (["a", "b", "--metric", "auc"], 1, "not all of the runs have 'auc'; they share acc"),
    ],
)
def test_wrong_names_are_said(
    told: Story, command: Command, words: list[str], status: int, says: str
) -> None:
    for writer in pair(told):
        writer.metric("acc", 1.0)
    found, out, err = command("compare", *words)
    assert (found, out) == (status, "")
    assert says in err


def test_several_runs_with_the_best_marked(told: Story, command: Command) -> None:
    for i, prefix in enumerate("abcd"):
        writer = told.run(prefix, ago=9 - i).opens("Ridge", site="t.py:1")
        link = "probable" if i == 3 else "exact"
        writer.params({"alpha": i}).metric("r2", (0.5, 0.9, 0.7, 0.99)[i], link=link).ends()
    out = command("compare", "a", "b", "c", "d")[1]
    assert "  alpha  0       1         2       3\n" in out
    assert "  r2     0.5000  0.9000 ★  0.7000  ~0.9900\n" in out
    found = facts(command, "a", "b", "c")
    assert [why["runs"][1][0] for why in found["why"]] == ["b", "c"]
    (r2,) = (d for d in found["differences"] if d["key"] == "r2")
    assert r2["detail"]["changes"] == [None, pytest.approx(0.4), pytest.approx(0.2)]


def test_more_runs_than_the_width_holds_come_in_blocks(
    told: Story, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for i in range(8):
        writer = told.run(f"{i}a", ago=9 - i).opens("Ridge", site="t.py:1")
        writer.params({"alpha_with_a_name_that_is_long": "値" * 30, "k": i}).ends()
    out = command("compare", *(f"{i}a" for i in range(8)))[1]
    heads = [line.split() for line in out.splitlines() if line.split()[:1] == ["0a00"]]
    assert [head[0] for head in heads] == ["0a00"] * len(heads)
    assert [run for head in heads for run in head[1:]] == [f"{i}a00" for i in range(1, 8)]
    from rich.cells import cell_len

    assert max(map(cell_len, out.splitlines())) <= 60


def test_runs_that_did_not_finish_say_so(told: Story, command: Command) -> None:
    live = {"site": "t.py:1", **process.this_process()}
    told.run("a", ago=9).opens("Net", site="t.py:1").metric("loss", 2.0, 1.0).ends()
    told.run("b", ago=8).opens("Net", **live).metric("loss", 3.0)
    failed = told.run("c", ago=7).opens("Net", site="t.py:1")
    failed.ends("failed", type="ValueError", message="no")
    out = command("compare", "a", "b", "c")[1]
    assert "status  finished    running  failed\n" in out
    assert "\nc000: ValueError: no\n" in out
    assert causes(command)[:2] == [("unfinished", True), ("steps", True)]


# -- metrics -----------------------------------------------------------------------------------


def test_folds_are_compared_by_their_mean_and_in_pairs(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.metric("test_score", 0.8, 0.9, 0.7, unit="fold")
    b.metric("test_score", 0.9, 1.0, 0.7, unit="fold")
    line = next(x for x in command("compare", "a", "b")[1].splitlines() if "test_score" in x)
    assert line.endswith("▲ 0.0667  mean of 3 folds, higher in 2")
    detail = facts(command, "a", "b")["differences"][0]["detail"]
    assert [figure["value"] for figure in detail["figures"]] == pytest.approx([0.8, 0.8666667])


def test_candidates_are_compared_by_the_best(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.metric("mean_test_score", 0.8, 0.9, 0.7, unit="candidate")
    b.metric("mean_test_score", 0.95, 0.6, unit="candidate")
    line = next(x for x in command("compare", "a", "b")[1].splitlines() if "mean_test" in x)
    assert "0.9000 ▅█▁  0.9500 █▁" in line
    assert line.endswith("▲ 0.0500  best of 3 → 2 candidates")


def test_a_course_differs_if_any_of_its_points_does(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.metric("loss", 3.0, 1.0, 2.0, unit="epoch").metric("same", 1.0, 2.0)
    b.metric("loss", 3.0, 1.5, 2.0, unit="epoch").metric("same", 1.0, 2.0)
    out = command("compare", "a", "b")[1]
    assert "after 3 epochs, best 1.000 → 1.500\n" in out
    assert "same: 1 metric" in out


def test_scores_of_other_classes_and_data_of_other_names_meet(
    told: Story, command: Command
) -> None:
    a, b = pair(told)
    for writer, model, name in ((a, "SVC", "X_test"), (b, "Forest", "X_te")):
        writer("tag", "estimator_name", model)("tag", "estimator_kind", "classifier")
        writer("dataset", name, dataset(column("u", "0"), role="test", name=name))
        writer.metric(f"{model}_score_{name}", 0.9 if model == "SVC" else 0.95)
        writer.params({f"{model.lower()}__C": 1 if model == "SVC" else 2})
    found = {d["key"]: d for d in facts(command, "a", "b")["differences"]}
    assert found["score_X_test"]["detail"]["names"] == ["SVC_score_X_test", "Forest_score_X_te"]
    assert found["score_X_test"]["values"] == [0.9, 0.95]
    assert found["C"]["values"] == [1, 2]
    assert found["test X_test"]["note"] == "renamed X_te, same values"
    assert facts(command, "a", "b")["why"][0]["metric"] == "score_X_test"


def test_a_search_is_compared_by_what_it_found_best(told: Story, command: Command) -> None:
    a, b = pair(told)
    a.params({"clf__C": 1.0})
    b.params({"best_clf__C": 0.3}, {"estimator__clf__C": 1.0})
    assert "  C  1.0   0.3   clf__C / best_clf__C\n" in command("compare", "a", "b")[1]


# -- code and environment ----------------------------------------------------------------------


def test_the_lines_of_code_that_changed(told: Story, command: Command) -> None:
    for i, (prefix, writer) in enumerate(zip("ab", pair(told), strict=True)):
        writer("system", "git", {"commit": f"{i + 1}" * 40, "dirty": bool(i)})
        writer("system", "packages", {"numpy": f"2.{i}", "scipy": "1.0"})
        text = ("a\nb\nc\n", "a\nB\nc\n\td\n")[i]
        code(told, prefix, train__py=text, same__py="same", **({"new__py": "n"} if i else {}))
    out = command("compare", "@2", "@1")[1]
    assert out.splitlines()[2:] == [
        "CODE",
        "  git       1111111  2222222*",
        "  train.py           +2 −1",
        "      -b",
        "      +B",
        "      +    d",
        "  new.py    –        1 line",
        "ENVIRONMENT",
        "  numpy     2.0      2.1",
        "same: 1 file",
    ]
    whole = command("compare", "@2", "@1", "-v")[1]
    assert "      @@ -1,3 +1,4 @@\n       a\n      -b\n      +B\n       c\n      +    d\n" in whole
    (train,) = (d for d in facts(command, "a", "b")["differences"] if d["key"] == "train.py")
    assert train["detail"]["lines"] == [None, [2, 1]]
    assert train["detail"]["diffs"][1].startswith("@@ -1,3 +1,4 @@\n a\n-b\n+B")


def test_uncommitted_changes_of_other_files(told: Story, command: Command) -> None:
    patch = "diff --git a/c.yaml b/c.yaml\nindex 1..2\n--- a/c.yaml\n+++ b/c.yaml\n@@ -1 +1 @@\n"
    pair(told)
    code(told, "a", train__py="x", changes__diff=f"{patch}-a: 1\n+a: 2\n")
    code(told, "b", train__py="x")
    out = command("compare", "a", "b")[1]
    assert "  c.yaml  uncommitted  –     +1 −1\n      +a: 1\n      -a: 2\n" in out


def test_a_program_s_arguments_and_threads(told: Story, command: Command) -> None:
    a, b = pair(told)
    for writer, words, threads in ((a, ["--lr", "1"], "1"), (b, [], "8")):
        writer("system", "versions", {"python": "3.11"}).metric("acc", 0.9 + len(words))
        writer("system", "program", {"name": "t.py", **({"arguments": words} if words else {})})
        writer("system", "variables", {"OMP_NUM_THREADS": threads, "SLURM_JOB_ID": threads})
    out = command("compare", "a", "b")[1]
    assert "  arguments        --lr 1  no arguments\n" in out
    assert "  OMP_NUM_THREADS  1       8\n" in out
    assert "SLURM" not in out
    found = [cause for cause in causes(command) if cause[0] != "not recorded"]
    assert found == [("command line", True), ("threads", False)]


def test_light_runs_have_the_code_of_their_process(told: Story, command: Command) -> None:
    own = {"pid": 7, "process_start": 1.0, "boot": "b", "host": "h", "site": "t.py:1"}
    first = told.run("a", ago=9).opens(**own).metric("r2", 0.5)
    first("system", "versions", {"python": "3"})("dataset", "X", dataset(column("u", "0"))).ends()
    code(told, "a", t__py="x = 1")
    told.run("b", ago=8).opens(**own, light=True).metric("r2", 0.6).ends()
    out = command("compare", "a", "b")[1]
    assert "same: code, environment\nnot recorded: data of b000\n" in out
    assert causes(command)[0] == ("unknown", True)
    assert causes(command)[1:] == [("not recorded", False)]
