"""The worst that can be sent: every answer is a problem that says so, and none is a fault of ours."""

from typing import Any

import pytest

from api.problems import EdgeProblem
from api.requests import parse_json
from lifecycle.statements import Row
from tests.api.conftest import Client
from tests.api.test_projects import filed

JSON = {"Content-Type": "application/json"}
BODIES = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b'{"event": "submit"',
    b'\xff\xfe{\x00"\x00',
    b'\xef\xbb\xbf{"event": "submit"}',
    '{"event": "提交"}'.encode("gb18030"),
    b'{"event": "submit", "event": "publish"}',
    b'{"event": "submit", "fields": {"rank": 1, "rank": 2}}',
    b'{"event": "submit\\u0000"}',
    b'{"event": "submit", "reason": "\\ud800"}',
    b'{"event": "submit", "reason": "a\\u0000b"}',
    b'{"event": "submit", "fields": {"rank": 1e400}}',
    b'{"event": "submit", "fields": {"rank": NaN}}',
    b'{"event": "submit", "fields": {"rank": Infinity}}',
    b'{"event": "submit", "fields": {"rank": ' + b"9" * 30 + b"}}",
    b'{"event": "submit", "fields": {"rank": ' + b"9" * 5000 + b"}}",
    b'{"event": "submit", "fields": {"x": ' + b"[" * 100 + b"]" * 100 + b"}}",
    b'{"event": "submit", "fields": {"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}",
    b'{"event": "submit", "fields": {"x": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}",
    b'{"event": "submit", "expected_version": ' + b"9" * 18 + b"}",
    b'{"event": "submit", "expected_version": "1"}',
    b'{"event": "submit", "expected_version": 1.0}',
    b'{"event": "submit", "expected_version": true}',
    b'{"event": "submit", "expected_version": -1}',
    b'{"event": "submit", "effective_on": "9999-12-31"}',
    b'{"event": "submit", "effective_on": "0001-01-01"}',
    b'{"event": "submit", "effective_on": "2024-02-30"}',
    b'{"event": "submit", "effective_on": 1721433600}',
    b'{"event": "submit", "effective_on": "2024-07-20T00:00:00"}',
    b'{"event": "submit", "effective_on": "2200-12-31"}',
    b'{"event": "submit", "effective_on": "1990-01-01", "reason": "x"}',
    b'{"event": "submit", "dry_run": "yes"}',
    b'{"event": "submit", "unknown": 1}',
    b'{"event": "' + b"a" * 100_000 + b'"}',
    b'{"event": "../../etc/passwd"}',
    b'{"event": "submit", "reason": "' + b"x" * 3000 + b'"}',
    b'{"event": "submit", "override": ["R99", "R16"]}',
    b'{"event": "submit", "override": ["x"]}',
    b'{"event": "submit", "override": "R16"}',
    b'{"event": "submit", "documents": {"application_book_pdf": 1}}',
    b'{"event": "submit", "documents": {"application_book_pdf": {"id": "", "sha256": "0", "size": -1}}}',
    b'{"event": "submit", "fields": {"veto_checks": {"operation": {"clear": true, "checked_on": "9999-12-31"}}}}',
    b'{"event": "submit", "fields": {"veto_checks": {"' + b"x" * 1000 + b'": 1}}}',
    b'{"event": "submit", "fields": {"agreement_points": [[1]], "attested": "yes", "no_prior_funding": 1}}',
    b'{"event": "submit", "fields": {"agreement_points": {"a": 1.5}, "attested": null}}',
]
NAMES = [
    "1",
    "x" * 36,
    "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    "%00",
    "%ff%fe",
    "..%2f..",
    "张三",
    "'; DROP TABLE",
    "-1",
]
QUERIES = [
    "batch=%00", "batch=zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", "batch=" + "x" * 400, "text=%00", "text=%ff",
    "text=%25_!", "text=" + "%E5%8D%A0" * 300, "state=%00", "state=" + "&state=".join("x" * 60), "phase=%01",
    "phase=nothing",
    "after=%00", "after=e30", "after=W10", "after=WyJhIiwiYiJd", "after=" + "A" * 5000, "limit=1e3", "limit=-1",
    "limit=" + "9" * 40, "limit=", "sort=id", "sort=%00", "city=%F0%9F%98%80", "a%00=1", "=", "&&", "limit=1&limit=2",
    "unit=' OR 1=1", "ownership[]=x",
]  # fmt: skip
WRONG: dict[str, list[Any]] = {
    "title": ["", " ", "x" * 301, "a\nb", "a\x01b", 7, None, ["x"]],
    "task_code": ["", "x" * 65, 1],
    "city": ["37010", "济南", 370100, "３７０１００"],
    "ownership": ["", "x" * 65],
    "investment_fen": [-1, 1.5, "1", 10**15 + 1, True, 10**18],
    "members": [{}, [{}], [{"name": "a"}], [1], [None] * 30],
    "starts_on": ["9999-12-31", "2024-13-01", "1989-12-31", 20240720, "2024-W29-6"],
    "rank": [0, 10_000, "1", 2**40],
    "group": ["", "x" * 201],
    "opinion": ["x" * 4001, "a\x00b", 1],
    "contact_name": ["", "x" * 101, "a\rb"],
    "contact_phone": ["1" * 41, 13800000000],
    "batch": ["", "%", "x" * 65, 1, None],
    "id": ["x"],
}


def test_no_body_of_an_act_is_a_fault_of_ours(client: Client, projects: list[Row]) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}/transitions"
    for body in BODIES:
        answer = client.post("unit", path, content=body, headers=JSON)
        assert (answer.status_code in (400, 409, 422), answer.headers["content-type"]) == (
            True,
            "application/problem+json",
        ), (body[:80], answer.text)
    for body in BODIES:
        for bulk in ("previews", "commits"):
            answer = client.post("unit", f"/api/v1/transitions/{bulk}", content=body, headers=JSON)
            assert answer.status_code in (400, 422), (body[:80], answer.text)
    assert client.get("unit", f"/api/v1/projects/{projects[0]['id']}").json()["version"] == 1


def test_no_application_or_amendment_is_a_fault_of_ours(client: Client, projects: list[Row]) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}"
    for name, values in WRONG.items():
        for value in values:
            answer = client.post("handler", "/api/v1/projects", filed(9, **{name: value}))
            assert answer.status_code in (400, 404, 422), (name, value, answer.text)
            answer = client.patch("handler", path, {name: value})
            assert answer.status_code in (400, 422), (name, value, answer.text)
    assert len(client.get("handler", "/api/v1/projects").json()["items"]) == 3


def test_an_application_too_long_for_the_log_is_refused_whole(client: Client, batch: Row) -> None:
    unit = filed(9)["members"][1]
    codes = [f"91370100MA{number:08d}" for number in range(50)]
    members = [{**unit, "name": "长" * 200, "affiliates": codes}] * 20
    answer = client.post("handler", "/api/v1/projects", filed(9, members=members))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/unreadable"), answer.text
    assert client.get("handler", "/api/v1/projects").json()["items"] == []


def test_a_body_of_another_type_is_not_read(client: Client, projects: list[Row]) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}/transitions"
    for kind in ("text/plain", "application/xml", "application/json-patch+json", "", "multipart/form-data"):
        answer = client.post("unit", path, content=b'{"event": "submit"}', headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["accepted"]) == (415, ["application/json"]), kind
    charset = client.post(
        "unit", path, content=b'{"event": "submit"}', headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert charset.json()["type"] == "/problems/rules-unmet"


def test_names_that_are_none_are_not_found(client: Client, projects: list[Row]) -> None:
    for name in NAMES:
        for path in ("projects/{}", "projects/{}/transitions", "projects/{}/history", "projects/{}/eligibility"):
            answer = client.get("handler", "/api/v1/" + path.format(name))
            assert answer.status_code == 404, (name, path, answer.text)
        for path in ("batches/{}", "batches/{}/tasks", "batches/{}/quotas", "definitions/{}", "policies/{}"):
            answer = client.get("handler", "/api/v1/" + path.format(name))
            assert answer.status_code == 404, (name, path, answer.text)
        act = client.post("handler", f"/api/v1/projects/{name}/transitions", {"event": "submit"})
        assert act.status_code == 404, (name, act.text)
        assert client.patch("handler", f"/api/v1/projects/{name}", {"title": "x"}).status_code == 404, name
    upper = client.get("handler", f"/api/v1/projects/{projects[0]['id'].upper()}")
    assert upper.json()["id"] == projects[0]["id"]


def test_no_query_is_a_fault_of_ours(client: Client, projects: list[Row]) -> None:
    for query in QUERIES:
        answer = client.get("handler", f"/api/v1/projects?{query}")
        assert answer.status_code in (200, 400, 404, 422), (query, answer.text)
    for query in ("after_seq=-1", "after_seq=" + "9" * 30, "limit=0", "limit=x", "after_seq=1.5", "x=1"):
        answer = client.get("handler", f"/api/v1/projects/{projects[0]['id']}/history?{query}")
        assert answer.status_code in (400, 422), (query, answer.text)


def test_a_key_that_cannot_be_one_is_refused(client: Client, projects: list[Row]) -> None:
    for key in ("", " ", "a b", "键".encode(), "x" * 201, "\x7f"):
        for path in (f"/api/v1/projects/{projects[0]['id']}/transitions", "/api/v1/projects"):
            body = {"event": "submit"} if path.endswith("transitions") else filed(9)
            answer = client.post("handler", path, body, headers={"Idempotency-Key": key})
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/unreadable"), (key, answer.text)


def test_headers_without_effect_or_given_twice_are_refused(client: Client, projects: list[Row]) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}/transitions"
    items = {"event": "submit", "items": [{"project": projects[0]["id"]}]}
    for address, body, name in (
        ("/api/v1/transitions/previews", items, "Idempotency-Key"),
        ("/api/v1/transitions/commits", {**items, "digest": "0" * 64}, "If-Match"),
        ("/api/v1/projects", filed(9), "If-Match"),
    ):
        assert client.post("handler", address, body, headers={name: '"1"'}).status_code == 400
    twice = client.post("unit", path, {"event": "submit"}, headers=[("If-Match", '"1"'), ("If-Match", '"2"')])
    assert twice.status_code == 400


def test_json_is_read_strictly_and_numbers_up_to_the_limit() -> None:
    assert parse_json(b'{"a": [9007199254740991, -9007199254740991, 1.5, true, null, "\\ud83d\\ude00"]}') == {
        "a": [2**53 - 1, 1 - 2**53, 1.5, True, None, "😀"]
    }
    assert parse_json(b"[" * 32 + b"]" * 32) is not None
    for body in (b"[" * 33 + b"]" * 33, b"9007199254740992", b'{"\\ud800": 1}', b'{"a\\u0000": 1}', b"\xc0\x80"):
        with pytest.raises(EdgeProblem):
            parse_json(body)
