"""The routes: what they store, what they give back, and how they refuse."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from backports import zstd

RUN, WRITER = "a" * 32, "1" * 32


@pytest.fixture(scope="module")
def run(served: Any, tools: Any) -> str:
    """A run with a few points."""
    points = [
        tools.record(RUN, n, "metric", 0.5 / n, "loss", step=n, info={"unit": "epoch"})
        for n in range(1, 41)
    ]
    nan = tools.record(RUN, 41, "metric", {"$float": "nan"}, "loss", step=41)
    param = tools.record(RUN, 42, "param", 0.25, "C")
    reply = served.send(tools.opening(RUN), *points, nan, param)
    assert (reply.status, reply.json) == (200, {"stored": 43})
    return RUN


def test_records_twice_count_once(served: Any, run: str, tools: Any) -> None:
    assert served.send(tools.opening(run)).status == 200
    assert served.get(f"/runs/{run}/acked").json == {"writers": {WRITER: 43}}
    lines = served.get(f"/runs/{run}/records").body.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(43))


def test_a_gap_says_how_far_one_has_come(served: Any, run: str, tools: Any) -> None:
    reply = served.send(tools.record(run, 50, "tag", "x", "t"))
    assert (reply.status, reply.code) == (409, "gap")
    assert reply.json["error"]["details"] == {"run": run, "writer": WRITER, "held": 43}


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_bodies_may_be_packed(served: Any, tools: Any, encoding: str, form: str) -> None:
    name = hashlib.md5(f"{encoding}{form}".encode()).hexdigest()
    records = [tools.opening(name)]
    body = msgspec.json.encode(records) if form == "json" else msgspec.msgpack.encode(records)
    packed = gzip.compress(body) if encoding == "gzip" else zstd.compress(body)
    headers = {"Content_Type": f"application/{form}", "Content_Encoding": encoding}
    assert served.ask("POST", "/api/v1/records", packed, **headers).status == 200
    assert served.get(f"/runs/{name}/acked").json == {"writers": {WRITER: 1}}


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_does_not_go_off(served: Any, encoding: str) -> None:
    data = b" " * 500_000_000
    packed = gzip.compress(data, 1) if encoding == "gzip" else zstd.compress(data)
    headers = {"Content_Type": "application/json", "Content_Encoding": encoding}
    reply = served.ask("POST", "/api/v1/records", packed, **headers)
    assert (reply.status, reply.code) == (413, "too_large")


BAD: dict[str, Any] = {
    "no list": {},
    "no record": [1],
    "bad id": [{"run": "A" * 32, "writer": WRITER, "seq": 0, "time": 0, "kind": "tag"}],
    "no seq": [{"run": RUN, "writer": WRITER, "time": 0, "kind": "tag"}],
    "negative seq": [{"run": RUN, "writer": WRITER, "seq": -1, "time": 0, "kind": "tag"}],
    "unknown kind": [{"run": RUN, "writer": WRITER, "seq": 0, "time": 0, "kind": "x"}],
    "not in wire form": [
        {"run": RUN, "writer": WRITER, "seq": 43, "time": 0, "kind": "tag", "value": "\x00"}
    ],
    "no number": [
        {"run": RUN, "writer": WRITER, "seq": 43, "time": 0, "kind": "tag", "value": {"$int": "x"}}
    ],
    "too deep": json.loads("[" * 300 + "]" * 300),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_records_are_refused_and_nothing_of_them_stays(
    served: Any, run: str, name: str
) -> None:
    reply = served.ask("POST", "/api/v1/records", BAD[name])
    assert reply.status in (400, 422)
    assert reply.code in ("bad_records", "bad_record")
    assert served.get(f"/runs/{run}/acked").json == {"writers": {WRITER: 43}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/html"}, 415),
        ({"Content_Encoding": "br"}, 415),
        ({"Content_Encoding": "gzip"}, 400),
        ({"Content_Encoding": "zstd"}, 400),
        ({"Content_Length": "99999999999"}, 413),
    ],
)
def test_odd_bodies_are_refused(served: Any, headers: dict[str, str], status: int) -> None:
    sent = {"Content_Type": "application/json", **headers}
    assert served.ask("POST", "/api/v1/records", b"[]", **sent).status == status


def test_a_run_is_shown_and_found(served: Any, run: str) -> None:
    shown = served.get(f"/runs/{run}").json
    assert shown["params"] == {"C": 0.25}
    assert shown["metrics_info"]["loss"]["count"] == 41
    found = served.get("/runs?filter=params.C%20%3D%200.25&order_by=metrics.loss").json
    assert [one["id"] for one in found["runs"]] == [run]
    page = served.get("/runs?limit=1").json
    assert (len(page["runs"]), page["more"]) == (1, True)
    assert served.get("/experiments").json["experiments"]["wine/demo"] >= 1


def test_a_filter_that_does_not_parse_is_pointed_at(served: Any) -> None:
    reply = served.get("/runs?filter=metrics.rmse%20%3C%3C%201")
    assert (reply.status, reply.code) == (400, "bad_request")
    assert "^" in reply.json["error"]["message"]


def test_a_history_comes_as_json_and_as_arrow(served: Any, run: str) -> None:
    told = served.get(f"/runs/{run}/history?key=loss").json
    assert told["steps"] == list(range(1, 42))
    assert told["values"][-1] == {"$float": "nan"}
    assert (told["count"], told["sampled"], told["unit"]) == (41, False, "epoch")
    thin = served.get(f"/runs/{run}/history?key=loss&limit=11").json
    assert (thin["count"], thin["sampled"]) == (41, True)
    assert len(thin["steps"]) <= 11
    part = served.get(f"/runs/{run}/history?key=loss&step_from=5&step_to=7").json
    assert part["steps"] == [5, 6, 7]
    accept = "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(served.get(f"/runs/{run}/history?key=loss", Accept=accept).body)
    values = table.read_all().column("value").to_pylist()
    assert values[:-1] == told["values"][:-1]
    assert math.isnan(values[-1])


@pytest.mark.parametrize(
    "path",
    [
        f"/runs/{'c' * 32}",
        f"/runs/{'c' * 32}/records",
        f"/runs/{'c' * 32}/events",
        f"/runs/{'c' * 32}/artifact?path=a",
        f"/runs/{RUN}/history?key=nothing",
    ],
)
def test_what_is_not_there_is_not_found(served: Any, run: str, path: str) -> None:
    reply = served.get(path)
    assert (reply.status, reply.code) == (404, "not_found")
    assert str(served.log.parent) not in reply.body.decode()


def test_where_nothing_is_one_is_told_so(served: Any) -> None:
    reply = served.get("/nothing")
    assert (reply.status, reply.code) == (404, "no_route")


def test_methods_that_are_none(served: Any) -> None:
    for method, path in (("PATCH", "/api/v1/runs"), ("DELETE", "/api/v1/records")):
        reply = served.ask(method, path)
        assert (reply.status, reply.code) == (405, "method_not_allowed")


def test_events_begin_with_the_old_ones_and_end_with_the_run(served: Any, tools: Any) -> None:
    name = "e" * 32
    served.send(tools.opening(name), tools.record(name, 1, "end", {"status": "finished"}))
    reply = served.get(f"/runs/{name}/events")
    assert reply.headers["content-type"].startswith("text/event-stream")
    blocks = [dict(line.split(": ", 1) for line in block.split("\n"))
              for block in reply.body.decode().strip().split("\n\n")]  # fmt: skip
    assert [json.loads(block["data"]).get("seq") for block in blocks] == [0, 1, None]
    assert blocks[-1]["event"] == "end"
    later = served.get(f"/runs/{name}/events", Last_Event_ID=blocks[0]["id"])
    assert later.body.count(b"data: ") == 2
    assert served.get(f"/runs/{name}/events", Last_Event_ID="nonsense").status == 400


def test_a_file_goes_up_and_comes_down_in_ranges(served: Any, run: str) -> None:
    data = bytes(range(256)) * 5000
    digest = hashlib.sha256(data).hexdigest()
    where = f"/api/v1/runs/{run}/artifact?path=model/data.bin"
    put = served.ask("PUT", f"{where}&sha256={digest}", data)
    assert (put.status, put.json) == (200, {"path": "model/data.bin", "sha256": digest})
    assert served.ask("GET", where).body == data
    for wanted, part in (("0-9", data[:10]), ("-5", data[-5:]), ("1279999-", data[-1:])):
        reply = served.ask("GET", where, Range=f"bytes={wanted}")
        assert (reply.status, reply.body) == (206, part)
    assert served.ask("GET", where, Range="bytes=9999999-").code == "range"
    wrong = served.ask("PUT", f"{where}&sha256={'0' * 64}", b"other")
    assert (wrong.status, wrong.code) == (422, "digest")
    assert served.ask("GET", where).body == data
    clash = served.ask("PUT", where.replace("data.bin", "data.bin/x"), b"x")
    assert (clash.status, clash.code) == (409, "file_and_folder")


def test_an_upload_goes_on_where_it_was_cut_off(served: Any, run: str) -> None:
    data = b"0123456789" * 1000
    digest = hashlib.sha256(data).hexdigest()
    where = f"/api/v1/runs/{run}/upload?path=big.bin&sha256={digest}"
    assert served.ask("GET", where).json == {"offset": 0}
    assert served.ask("PUT", f"{where}&offset=0", data[:4000]).json == {"offset": 4000}
    again = served.ask("PUT", f"{where}&offset=0", data[:4000])
    assert (again.status, again.code) == (409, "offset")
    early = served.ask("POST", f"{where}&size={len(data)}")
    assert early.json["error"]["details"] == {"offset": 4000}
    assert served.ask("PUT", f"{where}&offset=4000", data[4000:]).json == {"offset": 10_000}
    assert served.ask("POST", f"{where}&size={len(data)}").json["sha256"] == digest
    assert served.ask("GET", f"/api/v1/runs/{run}/artifact?path=big.bin").body == data
    assert served.ask("GET", where).json == {"offset": 0}  # the pieces are gone


def test_an_upload_of_other_bytes_begins_anew(served: Any, run: str) -> None:
    where = f"/api/v1/runs/{run}/upload?path=bad.bin&sha256={'0' * 64}"
    served.ask("PUT", f"{where}&offset=0", b"something")
    reply = served.ask("POST", f"{where}&size=9")
    assert (reply.status, reply.code) == (422, "digest")
    assert served.ask("GET", where).json == {"offset": 0}
    assert "bad.bin" not in served.get(f"/runs/{run}/artifacts").body.decode()
    served.ask("PUT", f"{where}&offset=0", b"something")
    assert served.ask("DELETE", where).status == 204
    assert served.ask("GET", where).json == {"offset": 0}


def test_measures_and_health(served: Any, run: str) -> None:
    assert served.ask("GET", "/readyz", token=None).json == {"status": "ok"}
    told = served.ask("GET", "/metrics").body.decode()
    assert 'autolog_requests_total{method="POST",route="/api/v1/records"' in told
    assert served.ask("GET", "/metrics", token=None).status == 401


def test_every_answer_has_headers_that_bind_browsers(served: Any, run: str) -> None:
    for path in ("/healthz", "/api/v1/runs", "/nothing"):
        headers = served.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_a_deleted_run_is_gone_and_audited(served: Any, tools: Any) -> None:
    name = "d" * 32
    served.send(tools.opening(name))
    reply = served.ask("DELETE", f"/api/v1/runs/{name}")
    assert reply.json["freed"] > 0
    assert served.get(f"/runs/{name}").status == 404
    line = served.get("/audit").json["lines"][0]
    assert (line["who"], line["what"], line["subject"]) == ("local", "delete run", name)
    assert served.ask("DELETE", f"/api/v1/runs/{name}").status == 404


def test_a_run_goes_with_all_below_it(served: Any, tools: Any) -> None:
    top, middle, low, other = (digit * 32 for digit in "c0e2")
    served.send(tools.opening(top))
    served.send(tools.opening(middle, parent=top))
    served.send(tools.opening(low, parent=middle))
    served.send(tools.opening(other))
    assert served.ask("DELETE", f"/api/v1/runs/{low}?children=false").json["runs"] == [low]
    served.send(tools.opening(low, parent=middle))
    assert served.ask("DELETE", f"/api/v1/runs/{top}").json["runs"] == [top, middle, low]
    for name in (top, middle, low):
        assert served.get(f"/runs/{name}").status == 404
    assert served.get(f"/runs/{other}").status == 200
    audited = [line["subject"] for line in served.get("/audit").json["lines"][:3]]
    assert audited == [top, middle, low]
    served.send(tools.opening(top))
    served.send(tools.opening(middle, parent=top))
    assert served.ask("DELETE", f"/api/v1/runs/{top}?children=false").json["runs"] == [top]
    assert served.get(f"/runs/{middle}").status == 200


def test_binary_values_stay_in_wire_form(served: Any, tools: Any) -> None:
    raw = [{**tools.opening("9" * 32), "value": b"raw"}]
    headers = {"Content_Type": "application/msgpack"}
    reply = served.ask("POST", "/api/v1/records", msgspec.msgpack.encode(raw), **headers)
    assert (reply.status, reply.code) == (422, "bad_record")
    wire = {**tools.opening("9" * 32), "value": {"$bytes": base64.b64encode(b"raw").decode()}}
    assert served.send(wire).status == 200
