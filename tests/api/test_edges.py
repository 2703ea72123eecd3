"""What every message passes through: sign-in, request id, access log, headers, limits."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.app import create_app
from lifecycle import people
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.settings import Settings
from lifecycle.statements import Row
from states.roles import actor_of
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.builders import OPENED, read_entries

# What the edge does is the same on both databases.
pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
OFFICER = Caller(actor_of("security", "security_admin"), Source("test"), OPENED)


def test_nothing_but_health_is_open(client: Client) -> None:
    for path in ("/", "/docs", "/openapi.json", "/api/v1/openapi.json", "/api/v1/projects", "/problems/busy", "/x"):
        for method in ("GET", "POST", "OPTIONS"):
            answer = client.request(None, method, path, content=b"{" * 10)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == 'Bearer realm="pilot"'


def test_a_malformed_authorization_is_refused(client: Client) -> None:
    for given in ("", "Bearer", "Basic YTpi", "Bearer a b", "Bearer \xe4", "bearer " + "x" * 600):
        answer = client.get(None, "/api/v1/projects", headers={b"Authorization": given.encode("latin-1")})
        problem(answer, 401, "unauthenticated")


def test_unknown_expired_and_revoked_tokens_are_refused_and_not_in_the_chain(
    client: Client, database: Database, log: Log, clock: Clock
) -> None:
    with database.transaction() as tx:
        _, short = people.add_token(tx, log, OFFICER, "handler", "short", clock.now + timedelta(minutes=5))
        name, revoked = people.add_token(tx, log, OFFICER, "handler", "gone")
    client.tokens.update(short=short, revoked=revoked, unknown="pilot_nothing")
    assert client.get("short", "/api/v1/people/me").json()["login"] == "handler"
    assert client.get("revoked", "/api/v1/people/me").status_code == 200
    clock.now += timedelta(minutes=6)
    with database.transaction() as tx:
        people.revoke_token(tx, log, OFFICER, name)
    with capture_logs() as events:
        for who in ("short", "revoked", "unknown"):
            answer = client.get(who, "/api/v1/people/me")
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"].endswith('error="invalid_token"')
    assert [item["why"] for item in events if item["event"] == "unauthenticated"] == ["unknown"] * 3
    assert short not in str(events)
    assert read_entries(database, "system/attempts") == []


def test_a_valid_request_id_is_kept_and_another_is_replaced(client: Client) -> None:
    kept = client.get(None, "/healthz", headers={"X-Request-ID": "web-7.a_b"})
    assert kept.headers["x-request-id"] == "web-7.a_b"
    for bad in ("", "a b", "x" * 65, "-x", "<script>"):
        made = client.get(None, "/healthz", headers={"X-Request-ID": bad}).headers["x-request-id"]
        assert (made != bad, len(made)) == (True, 36)


def test_the_access_log_names_route_status_time_and_actor_and_nothing_personal(
    client: Client, projects: list[Row]
) -> None:
    with capture_logs() as events:
        client.get("handler", f"/api/v1/projects/{projects[0]['id']}?x=13800000000", headers={"X-Request-ID": "r1"})
        client.get("handler", "/nowhere/张三")
    known, unknown = (item for item in events if item["event"] == "request")
    assert (known["method"], known["path"], known["status"]) == ("GET", "/api/v1/projects/{project}", 400)
    assert (known["request_id"], len(known["actor"]), known["ms"] > 0) == ("r1", 36, True)
    assert (unknown["path"], unknown["status"]) == (None, 404)
    assert not any(secret in str(events) for secret in ("13800000000", "张三", client.tokens["handler"]))


def test_every_answer_carries_the_security_headers(client: Client, projects: list[Row]) -> None:
    for who, path in ((None, "/healthz"), (None, "/"), ("handler", "/api/v1/projects"), ("handler", "/nowhere")):
        headers = client.get(who, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    drawn = client.get("handler", "/api/v1/definitions/gongfu-pilot/1/diagram.svg")
    assert drawn.headers["content-security-policy"].startswith("default-src 'none'; style-src")
    assert len(drawn.headers.get_list("content-security-policy")) == 1


def test_a_body_is_limited_declared_or_streamed(
    settings: Settings, database: Database, log: Log, clock: Clock, client: Client
) -> None:
    small = settings.model_copy(update={"max_body_bytes": 1000, "max_upload_bytes": 3000})
    limited = Client(create_app(small, database, log, clock), client.runner, client.tokens)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    json = {"Content-Type": "application/json"}
    for content in (b" " * 1001, chunks()):
        told = problem(limited.post("handler", "/api/v1/projects", content=content, headers=json), 413, "too-large")
        assert told["limit"] == 1000
    problem(limited.post("handler", "/api/v1/projects", content=b" " * 1000, headers=json), 400, "unreadable")
    path = "/api/v1/imports/projects?batch=x"
    problem(limited.post("handler", path, files={"file": ("a", b"x" * 3000)}), 413, "too-large")
    sheet = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    problem(limited.post("handler", path, content=b"x" * 2000, headers=sheet), 404, "not-found")
    for length in ("9" * 30, "1e3", "-1"):
        headers = {**json, "Content-Length": length}
        problem(limited.post("handler", "/api/v1/projects", content=b"{}", headers=headers), 413, "too-large")


def test_a_fault_of_ours_is_a_problem_and_is_logged_without_messages(
    settings: Settings, database: Database, log: Log, client: Client
) -> None:
    def broken() -> None:
        raise RuntimeError("a secret 13800000000")

    app: FastAPI = create_app(settings, database, log, broken)  # type: ignore[arg-type]
    with capture_logs() as events:
        answer = Client(app, client.runner, client.tokens).get("handler", "/api/v1/projects")
    problem(answer, 500, "internal")
    [fault] = [item for item in events if item["event"] == "fault"]
    assert (fault["error"], fault["trace"][-1].endswith("broken")) == ("builtins.RuntimeError", True)
    assert "13800000000" not in answer.text + str(events)


def test_unknown_addresses_and_methods_are_problems(client: Client) -> None:
    problem(client.get("handler", "/api/v1/nowhere"), 404, "not-found")
    problem(client.get("handler", "/api/v1/projects/"), 404, "not-found")
    answer = client.request("handler", "DELETE", "/api/v1/people/me")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"
