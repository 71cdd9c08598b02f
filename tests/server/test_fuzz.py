"""Anything may be sent: no answer says 500, none fails to come, and the server lives on."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from autolog.server.bodies import decode_records
from autolog.server.config import Limits
from autolog.server.errors import ApiError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolog.backend import Backend
from autolog.errors import FilterError
from autolog.filters import matches
from autolog.opening import open_backend
from autolog.parsing import parse, parse_order
from autolog.records import KINDS, Record
from autolog.rendering.jsonform import run_json
from autolog.store import Store
from autolog.view import RunView

THOROUGH = "THOROUGH" in os.environ


def fuzz(sample: int, whole: int) -> settings:
    """So many examples in a sample, and under `--thorough`."""
    return settings(
        max_examples=whole if THOROUGH else sample,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


PHASES = "coverage,fuzzing" if THOROUGH else "fuzzing"

pytestmark = pytest.mark.timeout(7200 if THOROUGH else 300)

RUN, WRITER = "a" * 32, "1" * 32
LIMITS = Limits(batch=100)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MARKED = st.sampled_from(["$float", "$int", "$bytes", "$$x", "$", "$set"]).flatmap(
    lambda key: st.fixed_dictionaries(
        {key: JSON | st.sampled_from(["nan", "inf", "0x1f", "", "-"])}
    )
)
VALUES = JSON | MARKED | st.lists(MARKED, max_size=3)
IDS = st.sampled_from([RUN, "b" * 32, "", "A" * 32]) | st.text(max_size=40)
RECORDS = st.fixed_dictionaries(
    {
        "run": IDS,
        "writer": st.sampled_from([WRITER, "2" * 32]) | IDS,
        "seq": st.integers(-1, 3) | st.integers(),
        "time": st.floats() | st.integers(0, 2**40),
        "kind": st.sampled_from(KINDS) | st.text(max_size=5),
    },
    optional={
        "key": st.text(max_size=20) | JSON,
        "value": VALUES,
        "step": st.none() | st.integers() | st.floats() | st.booleans(),
        "info": st.none() | st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
        "more": JSON,
    },
)


# -- the decoder of records ------------------------------------------------------------------


def _decoded(data: bytes, media_type: str) -> list[Record] | None:
    """The records, or None where they are refused; whatever else is raised fails the test."""
    refused: ApiError
    try:
        return decode_records(data, media_type, LIMITS)
    except ApiError as error:
        refused = error
    assert 400 <= refused.status < 500
    return None


@fuzz(300, 60_000)
@given(st.binary(max_size=400), st.sampled_from(["application/json", "application/msgpack"]))
def test_bytes_are_records_or_refused(data: bytes, media_type: str) -> None:
    _decoded(data, media_type)


@fuzz(100, 20_000)
@given(st.lists(RECORDS, max_size=4), st.data())
def test_what_is_taken_is_exact(records: list[dict[str, Any]], data: st.DataObject) -> None:
    try:
        body = msgspec.msgpack.encode(records)
    except (OverflowError, UnicodeEncodeError):
        return  # MessagePack cannot say it
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, max(len(body) - 1, 0)))
        body = body[:at] + data.draw(st.binary(max_size=3)) + body[at + 1 :]
    found = _decoded(body, "application/msgpack")
    if found is not None:  # what any store writes: JSON that gives the same back
        text = msgspec.json.encode(found)
        again = msgspec.json.decode(text, type=list[Record])
        assert msgspec.json.encode(again) == text


@fuzz(100, 20_000)
@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_what_is_taken_can_be_read(records: list[dict[str, Any]]) -> None:
    for number, one in enumerate(records):
        one |= {"run": RUN, "writer": WRITER, "seq": number}
    try:
        body = msgspec.msgpack.encode(records)
    except (OverflowError, UnicodeEncodeError):
        return
    found = _decoded(body, "application/msgpack")
    if found:
        store = open_backend("memory:fuzz")
        store.write(found)
        try:
            _read(store)
        finally:
            store.delete(RUN)


def _read(store: Backend) -> None:
    view = RunView(Store(store), RUN)
    for full in (False, True):
        text = json.dumps(run_json(view, full=full), allow_nan=False)
        text.encode()
    for key in view.metrics:
        view.history(key, limit=5)
    matches(parse("params.a = 1 or metrics.b > 2 and not tags.c like '%x%' or duration > 1"), view)


# -- the parser of filters ---------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("metrics.rmse", "params.`a b`", "tags.x", "dataset.name", "name", "status", "duration"),
        *("=", "!=", "<", "<=", ">", ">=", "like", "ilike", "in", "not", "is", "null", "and", "or"),
        *(
            "(",
            ")",
            ",",
            "'a'",
            '"b"',
            "'%_\\'",
            "1",
            "-1.5e300",
            "nan",
            "true",
            "`",
            "'",
            ".",
            ";",
        ),
        *("((((((((", "not not not", "--", "/*", "desc", "asc"),
    ]
)
FILTERS = st.lists(WORDS | st.text(max_size=6), max_size=25).map(" ".join) | st.text(max_size=200)


@fuzz(300, 100_000)
@given(FILTERS)
def test_text_is_a_filter_or_refused(text: str) -> None:
    for read in (parse, parse_order):
        with contextlib.suppress(FilterError):
            read(text)


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "not " * 100_000, "a" * 10**6, "name = 'a' or " * 30_000]
)
def test_long_filters_are_refused_or_answered(text: str) -> None:
    with contextlib.suppress(FilterError):
        parse(text)


# -- the whole server --------------------------------------------------------------------------


def test_the_api_under_schemathesis(served: Any, tmp_path: Path) -> None:
    """From its own description; `served` is a real process."""
    words = [sys.executable, "-m", "schemathesis.cli", "run"]
    words += [f"{served.url}/api/v1/openapi.json", "--max-examples", "300" if THOROUGH else "3"]
    words += ["--header", f"Authorization: Bearer {served.token}"]
    checks = ("not_a_server_error", "response_schema_conformance", "content_type_conformance")
    words += ["--checks", ",".join(checks)]
    words += ["--request-timeout", "20", "--seed", "1", "--no-color"]
    words += [
        "--exclude-path",
        "/api/v1/runs/{run}/events",
        "--phases",
        PHASES,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert served.ask("GET", "/healthz").status == 200
    assert '"level": "error"' not in served.log.read_text()
