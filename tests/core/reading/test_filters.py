"""The filter language: what parses, what matches, what an error says."""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autolog.errors import FilterError
from autolog.filters import And, Compare, Field, In, IsNull, Like, Node, Not, Or, matches
from autolog.parsing import parse, parse_order
from autolog.search import search_runs

ACC = Field("metric", "accuracy")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", And(())),
        ("  ", And(())),
        ("metrics.accuracy > 0.9", Compare(ACC, ">", 0.9)),
        ("metric.accuracy>=1e0", Compare(ACC, ">=", 1.0)),
        ("metrics.`accuracy` = -1", Compare(ACC, "=", -1)),
        ('metrics."accuracy" == .5', Compare(ACC, "=", 0.5)),
        ("metrics.'accuracy' != +3", Compare(ACC, "!=", 3)),
        ("tags.mlflow.runName = 'x'", Compare(Field("tag", "mlflow.runName"), "=", "x")),
        ("params.`a``b` = 'it''s'", Compare(Field("param", "a`b"), "=", "it's")),
        ('parameters.é = "say ""hi"""', Compare(Field("param", "é"), "=", 'say "hi"')),
        ("param.fit = TRUE", Compare(Field("param", "fit"), "=", True)),
        ("status = 'FINISHED'", Compare(Field("attribute", "status"), "=", "finished")),
        ("attr.run_id IN ('a', 'b')", In(Field("attribute", "id"), ("a", "b"))),
        ("`run name` not in ('a')", In(Field("attribute", "name"), ("a",), True)),
        (
            "run.start_time > 1700000000500",
            Compare(Field("attribute", "started"), ">", 1700000000.5),
        ),
        ("started >= 17", Compare(Field("attribute", "started"), ">=", 17)),
        ("datasets.context = 'train'", Compare(Field("dataset", "role"), "=", "train")),
        ("tags.a LIKE '%x_'", Like(Field("tag", "a"), "%x_")),
        ("tags.a NOT ilike 'x'", Like(Field("tag", "a"), "x", True, True)),
        ("params.a IS NULL", IsNull(Field("param", "a"))),
        ("params.a is not null", IsNull(Field("param", "a"), True)),
        (
            "duration<1 OR duration>2 and NOT (duration=3)",
            Or(
                (
                    Compare(Field("attribute", "duration"), "<", 1),
                    And(
                        (
                            Compare(Field("attribute", "duration"), ">", 2),
                            Not(Compare(Field("attribute", "duration"), "=", 3)),
                        )
                    ),
                )
            ),
        ),
    ],
)
def test_what_parses(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "caret_under", "says"),
    [
        ("metrics.rmse <> 1", "<> 1", "not equal is !="),
        ("metrics.val-loss < 1", "-loss", "metrics.`val-loss`"),
        ("metric5.rmse < 1", "metric5", "did you mean metric"),
        ("METRICS.rmse < 1", "METRICS", "did you mean metrics?"),
        ("accuracy > 0.9", "accuracy", "did you mean metrics.accuracy, params.accuracy"),
        ("statu = 'failed'", "statu", "did you mean status?"),
        ("status = failed", "failed", "text is quoted: 'failed'"),
        ("status = 'failed", "'failed", "never closed"),
        ("status = 3", "3", "status is text: quote the value"),
        ("duration > '3'", "'3'", "number of seconds"),
        ("started > 'yesterday'", "'yesterday'", "'2026-01-31'"),
        ("metrics.a > '1'", "'1'", "leave out the quotes"),
        ("metrics.a like 'x'", "metrics.a", "LIKE is for text"),
        ("metrics.a = true", "true", "metrics are numbers"),
        ("params.a < true", "true", "no order"),
        ("tags.a = 1", "1", "quote the value"),
        ("datasets.rows = '1'", "rows", "name, digest and role"),
        ("metrics.a = 1 metrics.b = 2", "metrics.b", "AND, OR"),
        ("(metrics.a = 1", "", "expected )"),
        ("metrics.a", "", "expected = !="),
        ("metrics. = 1", " = 1", "expected a name"),
        ("params.a is 3", "3", "NULL"),
        ("params.a not = 3", "= 3", "IN, LIKE"),
        ("params.a in 3", "3", "list"),
        ("params.a in (3", "", ", or )"),
        ("params.a like 3", "3", "quoted pattern"),
        ("params.a = 1x", "1x", "text is quoted"),
        ("params.a = " + "9" * 5000, "9" * 5000, "too many digits"),
        ("and", "and", "no attribute 'and'"),
        ("metrics.a = 1 and", "", "expected a name"),
        ("metrics.a = 1; metrics.b = 2", "; metrics", "AND, OR"),
        ("(" * 500 + "metrics.a = 1" + ")" * 500, None, "nested"),
        ("not " * 500 + "metrics.a = 1", None, "nested"),
    ],
)
def test_an_error_points_at_its_place_and_helps(
    text: str, caret_under: str | None, says: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    problem, shown, pointer = str(caught.value).split("\n")
    assert says in problem
    assert pointer.strip() == "^"
    assert len(shown) < 90
    if caret_under is not None:
        under = shown[pointer.index("^") :].rstrip("…")
        assert under.startswith(caret_under[:30])
        assert bool(under) == bool(caret_under)


def test_an_error_in_a_long_text_with_line_ends_shows_the_part_round_it() -> None:
    text = "metrics.a = 1 and\n" * 40 + "oops = 1" + " and\tmetrics.a = 1" * 40
    with pytest.raises(FilterError) as caught:
        parse(text)
    _, shown, pointer = str(caught.value).split("\n")
    assert shown[pointer.index("^") :].startswith("oops = 1")


@pytest.fixture
def searched(story: Any) -> Any:
    """Four runs, and a search that gives the first letters of their ids."""
    one = story.run("a", ago=400).opens("Ridge").params({"C": 0.1, "solver": "lbfgs"})
    one.metric("accuracy", 0.9).metric("auc", 0.8, link="exact")
    one("dataset", "X_train", {"role": "train", "digest": "full-v1:9c1e"})
    one("dataset", "X_test", {"role": "test", "digest": "full-v1:02bb"})
    one("tag", "team", "Über 100%").ends(after=10)
    two = story.run("b", ago=300).opens("Forest 50%").params({"C": 1, "depth": None, "fit": True})
    two.metric("accuracy", math.nan).metric("auc", 0.99, link="probable")
    two.ends("failed", type="ValueError", message="no")
    three = story.run("c", ago=200).opens("Lasso", experiment="other", parent="a" + "0" * 31)
    three.params({"C": "0.1", "big": 10**25, "layers": [100, 50]}).metric("accuracy", 0.95).ends()
    story.run("d", ago=100).opens("Net").metric("loss", 3, 2, 1)

    def found(filter: str = "", **question: Any) -> str:
        return "".join(run.id[0] for run in search_runs(story.backend, filter, **question))

    return found


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ("", "dcba"),
        ("metrics.accuracy > 0.9", "c"),
        ("metrics.accuracy != 0.9", "cb"),
        ("metrics.accuracy = nan", "b"),
        ("metrics.accuracy <= inf", "ca"),
        ("NOT metrics.accuracy > 0.9", "dba"),
        ("metrics.accuracy IS NULL", "d"),
        ("metrics.accuracy IS NOT NULL", "cba"),
        ("metrics.accuracy in (0.9, 0.95)", "ca"),
        ("metrics.accuracy not in (0.9)", "cb"),
        ("metrics.loss = 1", "d"),
        ("metrics.loss = '1'", "d"),
        ("metrics.auc > 0", "a"),
        ("params.C = 0.1", "a"),
        ("params.C = '0.1'", "ca"),
        ("params.C > 0.1", "b"),
        ("params.C >= 0.1", "ba"),
        ("params.C < 'a'", "c"),
        ("params.C != 1", "ca"),
        ("params.C = 1.0", "b"),
        ("params.C in ('1', 0.1)", "ba"),
        ("params.C LIKE '0.%'", "ca"),
        ("params.depth is null", "dcba"),
        ("params.depth = 'None'", ""),
        ("params.fit = true", "b"),
        ("params.fit = 'True'", "b"),
        ("params.fit = 1", ""),
        ("params.fit != false", "b"),
        ("params.big = 10000000000000000000000000", "c"),
        ("params.big > 1e24", "c"),
        ("params.layers = '[100, 50]'", "c"),
        ("params.layers > 1", ""),
        ("params.layers != 'x'", "c"),
        ("tags.team LIKE 'über%'", ""),
        ("tags.team ILIKE 'über%'", "a"),
        ("tags.team LIKE '_ber 100\\%'", "a"),
        ("tags.team LIKE '%100\\_'", ""),
        ("tags.team > 'Z'", "a"),
        ("datasets.role = 'test'", "a"),
        ("datasets.role != 'test'", "a"),
        ("datasets.digest LIKE '%02bb' and datasets.name = 'X_train'", "a"),
        ("datasets.name IS NULL", "dcb"),
        ("name = 'Lasso' or status = 'FAILED'", "cb"),
        ("name LIKE '%50\\%'", "b"),
        ("experiment = 'other'", "c"),
        (f"parent = '{'a' + '0' * 31}'", "c"),
        ("parent is null", "dba"),
        ("run_id LIKE 'a%'", "a"),
        ("duration >= 10", "a"),
        ("ended is null", "d"),
        ("started > '2001-01-01' and started < '2999-01-01T00:00:00+00:00'", "dcba"),
        ("start_time > 1000000000000", "dcba"),
        ("start_time > 1e14", ""),
    ],
)
def test_what_matches(searched: Any, filter: str, ids: str) -> None:
    assert searched(filter) == ids


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        (None, "dcba"),
        ("name", "bcda"),
        ("name desc", "adcb"),
        ("metrics.accuracy", "acbd"),
        ("metrics.accuracy DESC", "cabd"),
        ("params.C", "abcd"),
        ("params.C desc", "cbad"),
        ("metrics.auc", "adcb"),
        (["status", "name asc"], "bcad"),
        ("experiment desc, started asc", "abdc"),
    ],
)
def test_order_leaves_missing_and_nan_for_the_end(searched: Any, order: Any, ids: str) -> None:
    assert searched(order_by=order) == ids


def test_metrics_of_probable_link_take_part_when_asked(searched: Any) -> None:
    assert searched("metrics.auc > 0", include_probable=True) == "ba"
    assert searched(order_by="metrics.auc desc", include_probable=True) == "badc"
    assert searched("metrics.auc is null") == "dcb"


def test_limit_and_experiment(searched: Any) -> None:
    assert searched(limit=2) == "dc"
    assert searched(experiment="wine/demo") == "dba"


@pytest.mark.parametrize("order", ["datasets.name", "name up", "name desc name", "nam", ","])
def test_an_order_that_makes_no_sense(order: str) -> None:
    with pytest.raises(FilterError, match=r"\^"):
        parse_order(order)


PIECES = [
    *("metrics", "params", "tags", "datasets", "attr", ".", "rmse", "`a b`", '"k"', "status"),
    *("=", "!=", "<", ">=", "LIKE", "IN", "IS", "NOT", "NULL", "AND", "OR", "(", ")", ","),
    *("1", "-.5", "1e999", "nan", "'x'", "''", "'", "true", " ", "\n", "\x00", "é", "started"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map(" ".join) | st.text(max_size=60))
@example("metrics.a = ١٢")
@example("started = '0001-01-01'")
@example("start_time = 1e308 or started = '9999-12-31'")
def test_any_text_parses_or_is_a_filter_error(text: str) -> None:
    for parser in (parse, parse_order):
        with contextlib.suppress(FilterError):
            parser(text)


names = st.text(min_size=1, max_size=8)
texts = st.text(max_size=8)
leaves = st.one_of(
    st.builds(
        lambda key, value: (f"params.`{key.replace('`', '``')}` = '{value}'", key, value),
        names,
        texts.map(lambda text: text.replace("'", "")),
    )
)


@given(leaves)
def test_any_key_and_text_can_be_written_quoted(leaf: Any) -> None:
    text, key, value = leaf
    assert parse(text) == Compare(Field("param", key), "=", value)


def like(pattern: str, text: str) -> bool:
    run: Any = SimpleNamespace(tags={"t": text})
    return matches(Like(Field("tag", "t"), pattern), run)


plain = st.text(alphabet="ab%_\\.*\n", max_size=8)


@given(plain, plain)
def test_like_is_what_its_definition_says(pattern: str, text: str) -> None:
    """Against the plain recursive definition."""

    def fits(p: list[tuple[str, bool]], t: str) -> bool:
        if not p:
            return not t
        char, wild = p[0]
        if wild and char == "%":
            return any(fits(p[1:], t[i:]) for i in range(len(t) + 1))
        return bool(t) and (wild or t[0] == char) and fits(p[1:], t[1:])

    tokens: list[tuple[str, bool]] = []
    escaped = False
    for i, char in enumerate(pattern):
        if escaped:
            tokens.append((char, False))
            escaped = False
        elif char == "\\" and pattern[i + 1 : i + 2] in ("%", "_", "\\"):
            escaped = True
        else:
            tokens.append((char, char in "%_"))

    assert like(pattern, text) == fits(tokens, text)


def test_a_hostile_pattern_does_not_take_for_ever() -> None:
    assert not like("%a" * 30 + "%b", "a" * 5000)
