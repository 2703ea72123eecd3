"""A commit that fails never answers 2xx and writes nothing; a database that is away is said to be away."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy import event

from api.app import create_app
from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, body_for, problem
from tests.api.test_imports import send, workbook
from tests.api.test_projects import filed
from tests.lifecycle.workbook_tables import HEADER, line

JULY = date(2024, 7, 20)
POSTGRES = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION refuse()",
)
SQLITE = (
    "CREATE TABLE nobody (id INTEGER PRIMARY KEY)",
    "CREATE TABLE orphan (of INTEGER REFERENCES nobody (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TRIGGER refusing AFTER INSERT ON entry BEGIN INSERT INTO orphan VALUES (1); END",
)


def break_commits(database: Database, what: str = "RAISE EXCEPTION 'refused at commit'") -> None:
    """Make every COMMIT of a transaction that wrote a log entry fail, in the database itself."""
    with database.transaction() as tx:
        for sql in POSTGRES if tx.is_postgres else SQLITE:
            tx.execute_driver(sql.replace("{what}", what))


def contents(database: Database) -> list[Any]:
    """Return how many rows the tables hold, and the projects' versions."""
    names = ("entry", "project", "batch", "answer", "checkpoint", "rulebook", "task", "person_key")
    with database.engine.connect() as connection:
        counts = [connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar() for name in names]
        return [counts, connection.execute(sa.text("SELECT id, version, head_seq FROM project ORDER BY id")).all()]


def _act(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    path, key = f"/api/v1/projects/{rows[0]['id']}/transitions", {"Idempotency-Key": "k"}
    return lambda: client.post("unit", path, body_for("submit", rows[0], JULY), headers=key)


def _refused(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    return lambda: client.post("unit", f"/api/v1/projects/{rows[0]['id']}/transitions", {"event": "submit"})


def _amend(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    return lambda: client.patch("unit", f"/api/v1/projects/{rows[0]['id']}", {"title": "x"})


def _create(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    return lambda: client.post("handler", "/api/v1/projects", filed(9), headers={"Idempotency-Key": "k"})


def _open(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    body = {"code": "other", "definition": "gongfu-pilot/1", "policy": "sd-gongfu-2024-2/1"}
    return lambda: client.post("handler", "/api/v1/batches", body)


def _bulk(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    items = [{"project": row["id"]} for row in rows[:2]]
    body = {**body_for("submit", rows[0], JULY), "items": items}
    digest = client.post("jinan", "/api/v1/transitions/previews", body).json()["digest"]
    return lambda: client.post("jinan", "/api/v1/transitions/commits", {**body, "digest": digest})


def _import(client: Client, rows: list[Row]) -> Callable[[], httpx.Response]:
    data = workbook(HEADER, line(任务编号="T01"))
    digest = send(client, "jinan", "/api/v1/imports/projects", data).json()["digest"]
    return lambda: send(client, "jinan", "/api/v1/imports/projects/commits", data, digest=digest)


WRITES = [_act, _refused, _amend, _create, _open, _bulk, _import]


def test_a_failed_commit_of_any_write_answers_500_and_writes_nothing(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    writes = [write(client, projects) for write in WRITES]
    before = contents(database)
    break_commits(database)
    for write in writes:
        problem(write(), 500, "internal")
    assert contents(database) == before
    assert client.get("unit", f"/api/v1/projects/{projects[0]['id']}").json()["version"] == 1


def test_storage_that_fails_under_a_write_answers_503_and_keeps_only_what_was_answered(
    client: Client, batch: Row, database: Database
) -> None:
    if database.is_postgres:
        break_commits(database, "PERFORM pg_terminate_backend(pg_backend_pid())")
    else:  # no page beyond those that the file has: SQLite's full disk
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))
        database.close()  # those that are open now have no limit
    entered = 0
    while (answer := client.post("handler", "/api/v1/projects", filed(entered + 1))).status_code == 201:
        entered += 1
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert len(client.get("handler", "/api/v1/projects?limit=200").json()["items"]) == entered


def test_a_database_that_is_away_is_503_for_everything_but_life(
    settings: Settings, log: Log, client: Client, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}"  # a directory
    if settings.url.startswith("postgresql"):
        url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2"
    away = open_database(settings.model_copy(update={"database_url": url, "url": url}))
    lost = Client(create_app(settings, away, log), client.runner, client.tokens)
    for answer in (lost.get("handler", "/api/v1/projects"), lost.post("handler", "/api/v1/projects", filed(1))):
        problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "5"
    assert problem(lost.get(None, "/readyz"), 503, "not-ready")["checks"]["database"] is False
    assert lost.get(None, "/healthz").status_code == 200
    away.close()
