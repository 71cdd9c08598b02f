"""The part of the backend suite on questions: all stores give the answers that `memory:` gives."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autolog.backend import Backend
from autolog.codec import escape_text, to_wire
from autolog.errors import FilterError
from autolog.opening import open_backend
from autolog.parsing import parse
from autolog.query import Query
from autolog.records import Kind, Record
from autolog.search import answer
from autolog.store import Store
from autolog.summary import pack_summary
from autolog.view import RunView

RUNS = tuple(digit * 32 for digit in "abcdef")
WRITERS = tuple(digit * 32 for digit in "01")
KEYS = ("a", "b", "ü x", "n\x00l")
LONG = "x" * 250
TEXTS = ("", "a", "A", "ab", "b", "é", "\ud800", "a\x00b", LONG, LONG + "y", "0.1", "1", "-0.0",
         "True", "nan", "inf", "[1, 2]", "9007199254740993", "a%b", "K", "a\\b")  # fmt: skip
NUMBERS = (0, 1, -1, 2, 0.1, 1.0, -0.0, 0.5, 1e300, 2**53, 2**53 + 1, -(2**63), 10**400,
           float("nan"), float("inf"), float("-inf"))  # fmt: skip
OTHERS = (None, True, False, [1, 2], {"a": 1}, [LONG])
PATTERNS = ("%", "a%", "A%", "_", "%b", "%b%", "x%", "é", "%\ud800", "a\\%b", "", "\\", "0._", "k",
            "%y", "t%", "[%")  # fmt: skip
EXPERIMENTS = ("one", "one/a", "one-b", "two", LONG)


Facts = tuple[Kind, str, Any, "float | None", "dict[str, Any] | None"]

values = st.sampled_from((*TEXTS, *NUMBERS, *OTHERS))
numbers = st.sampled_from(NUMBERS)
keys = st.sampled_from(KEYS)
_nothing = st.none()


def _fact(
    kind: Kind, key: Any, value: Any, step: Any = _nothing, info: Any = _nothing
) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(kind), key, value, step, info)


_openings = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from((*TEXTS, None)),
        "experiment": st.sampled_from((*EXPERIMENTS, None)),
        "parent": st.sampled_from((*RUNS, LONG, None)),
        "integration": st.sampled_from(("sklearn", None)),
        "attempt": st.sampled_from((1, 2, 3)),
        "host": st.just("elsewhere"),
    },
)
_steps = st.sampled_from((None, 0, 1, 1, 2, 0.5, 3, 10))
_infos = st.sampled_from((None, None, {"unit": "epoch"}, {"link": "probable"}, {"link": "exact"}))
_datasets = st.sampled_from(
    (None, "x", {"digest": "a"}, {"digest": "9c1e", "role": "train"}, {"role": 1})
)
_ends = st.fixed_dictionaries({"status": st.sampled_from(("finished", "failed", "killed", "odd"))})
facts = st.one_of(
    _fact("run", st.just(""), _openings),
    _fact("run", st.just(""), _openings),
    _fact("param", keys, values),
    _fact("metric", keys, numbers, _steps, _infos),
    _fact("metric", keys, numbers, _steps, _infos),
    _fact("tag", keys, st.sampled_from(TEXTS)),
    _fact("dataset", keys, _datasets),
    _fact("end", st.just(""), _ends),
)
stories = st.lists(
    st.tuples(
        st.sampled_from(RUNS),
        st.sampled_from(WRITERS),
        st.sampled_from((0.0, 1.0, 2.0)),
        st.lists(facts, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=12,
)


# -- questions ---------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(entity: str) -> st.SearchStrategy[str]:
    return keys.map(lambda key: f"{entity}.`{key}`")


_literals = st.sampled_from(TEXTS).map(_quoted) | st.sampled_from(
    ("0", "1", "-1", "0.1", "0.0", "2", "9007199254740992", "9007199254740993", "-inf", "inf",
     "nan", "1e300", "true", "false", "-9223372036854775808")
)  # fmt: skip
_plain = st.sampled_from(("0", "1", "0.1", "9007199254740993", "inf", "-inf", "nan"))
_texts = st.sampled_from((*TEXTS, *RUNS[:2], *EXPERIMENTS)).map(_quoted)
_statuses = st.sampled_from(("'finished'", "'failed'", "'lost'", "'running'", "'KILLED'", "'x'"))
_times = st.sampled_from(("1700000000", "1700000001", "1700000002.5", "'2030-01-01'"))
_equals = st.sampled_from(("=", "!="))
_operators = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))
_likes = st.sampled_from(("like", "not like", "ilike", "not ilike"))
_ins = st.sampled_from(("in", "not in"))
_any_field = (
    _named("params")
    | _named("tags")
    | st.sampled_from(("datasets.name", "datasets.digest", "datasets.role"))
)
_text_field = st.sampled_from(("name", "experiment", "parent", "id"))


def _in(field: Any, operator: Any, constants: Any) -> st.SearchStrategy[str]:
    several = st.lists(constants, min_size=1, max_size=3).map(lambda one: f"({', '.join(one)})")
    return st.tuples(field, operator, several).map(" ".join)


def _said(*parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join)


def _parses(text: str) -> bool:
    try:
        parse(text)
    except FilterError:
        return False
    return True


_nulls = st.sampled_from(("is null", "is not null"))
_leaves = st.one_of(
    _said(_named("metrics"), _operators, _plain),
    _said(_named("metrics"), _operators, _plain),
    _said(_named("metrics"), _equals, _literals),
    _said(_named("params"), _operators, _literals.filter(lambda one: one[0] not in "tf")),
    _said(_any_field, _equals, _literals),
    _in(_any_field, _ins, _literals),
    _in(_text_field, _ins, _texts),
    _said(_any_field | _text_field, _likes, st.sampled_from(PATTERNS).map(_quoted)),
    _said(_text_field, _operators, _texts),
    _said(st.just("status"), _operators, _statuses),
    _said(st.sampled_from(("started", "ended")), _operators, _times),
    _said(st.just("duration"), _operators, st.sampled_from(("0", "1", "0.5"))),
    _said(_any_field | _named("metrics") | st.sampled_from(("parent", "ended", "name")), _nulls),
)
_filters = st.just("") | st.recursive(
    _leaves.filter(_parses),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=4,
)
_terms = st.tuples(
    _named("metrics") | _named("params") | _named("tags") | _text_field
    | st.sampled_from(("status", "started", "ended", "duration")),
    st.sampled_from(("asc", "desc")),
).map(" ".join)  # fmt: skip
queries = st.builds(
    Query,
    filter=_filters,
    experiment=st.sampled_from((None, None, None, "one", "", LONG)),
    order_by=st.lists(_terms, max_size=2).map(tuple),
    limit=st.sampled_from((None, None, 0, 1, 2, 3)),
    offset=st.sampled_from((0, 0, 1)),
    include_probable=st.booleans(),
    within=st.sampled_from(((), (), (), ("one",), ("one/a", "one"), (LONG,))),
)


# -- the comparison ----------------------------------------------------------------------------


def told(story: Any, seqs: dict[tuple[str, str], int]) -> Iterator[list[Record]]:
    """The batches of a story; `seqs` counts what each writer has written of each run."""
    for run, writer, time, given_facts in story:
        batch = []
        for kind, key, value, step, info in given_facts:
            seq = seqs[run, writer] = seqs.get((run, writer), -1) + 1
            wire = to_wire(value), step, None if info is None else to_wire(info)
            batch.append(Record(run, writer, seq, 1.7e9 + time, kind, escape_text(key), *wire))
        yield batch


def compare(tested: Backend, story: Any, later: Any, asked: list[Query]) -> None:
    """Tell both the story, ask, tell what happened later, and ask again."""
    model = open_backend(f"memory:{secrets.token_hex(8)}")
    seqs: dict[tuple[str, str], int] = {}
    for part in (story, later):
        for batch in told(part, seqs):
            for backend in (model, tested):
                backend.write(batch)
        same(tested, model, asked)
    runs = model.run_ids()
    for run in runs[:1]:
        for backend in (model, tested):
            backend.delete(run)
    same(tested, model, asked)
    for run in runs[1:]:
        model.delete(run)
        tested.delete(run)


def same(tested: Backend, model: Backend, asked: list[Query]) -> None:
    """Both give the same answers."""
    for query in asked:
        expected = [run.id for run in answer(Store(model), query)]
        found = [run.id for run in answer(Store(tested), query)]
        assert found == expected, f"{query}: {found} are not {expected}"
    mine, right = Store(tested), Store(model)
    assert mine.experiments() == right.experiments()
    for one, expected_one in zip(mine.summaries(), right.summaries(), strict=True):
        assert pack_summary(one) == pack_summary(expected_one), f"{one} is not {expected_one}"
    for summary in right.summaries():
        assert mine.children(summary.id) == right.children(summary.id)
        view, expected_view = RunView(mine, summary.id), RunView(right, summary.id)
        for key in expected_view.metrics:
            assert repr([*view.history(key)]) == repr([*expected_view.history(key)])
            first = repr([*view.history(key, 1, steps=(1, 2))])
            assert first == repr([*expected_view.history(key, 1, steps=(1, 2))])


def check_questions(tested: Backend, examples: int) -> None:
    """Random runs and random questions; the store is empty before and after each example."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # making an example smaller takes minutes
    )
    @given(stories, stories, st.lists(queries, min_size=5, max_size=12))
    def agree(story: Any, later: Any, asked: list[Query]) -> None:
        for run in tested.run_ids():
            tested.delete(run)
        compare(tested, story, later, asked)

    agree()
