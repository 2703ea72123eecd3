"""Whose request it is: confirmed on the request's first trip to the database, before anything is done or answered."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from lifecycle import people
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.statements import Row, Statement
from lifecycle.tables import Person
from lifecycle.wire import Wire
from states.roles import actor_of
from tests.api.conftest import CAST, Client, Clock, body_for, problem
from tests.lifecycle.builders import OPENED, read_entries

OFFICER = Caller(actor_of("security", "security_admin"), Source("test"), OPENED)
JULY = date(2024, 7, 20)
MOVE_PERSON = Statement(
    sa.update(Person.__table__)  # type: ignore[attr-defined]
    .where(Person.__table__.c.login == sa.bindparam("whose"))  # type: ignore[attr-defined]
    .values(role=sa.bindparam("role"), city=sa.bindparam("city"), unit=sa.bindparam("unit"))
)


def act(client: Client, who: str, project: Row, **changes: Any) -> Any:
    return client.post(
        who, f"/api/v1/projects/{project['id']}/transitions", body_for("submit", project, JULY) | changes
    )


def test_a_token_that_ends_is_refused_at_once_whatever_is_asked_and_nothing_is_done(
    client: Client, projects: list[Row], clock: Clock, database: Database, log: Log
) -> None:
    clock.go_to(JULY)
    with database.transaction() as tx:
        name, client.tokens["gone"] = people.add_token(tx, log, OFFICER, "unit", "gone")
    for _ in range(2):  # the second time the process knows the token
        assert client.get("gone", f"/api/v1/projects/{projects[0]['id']}").json()["version"] == 1
    with database.transaction() as tx:
        people.revoke_token(tx, log, OFFICER, name)
    path = f"/api/v1/projects/{projects[0]['id']}/transitions"
    for ask in (
        lambda: act(client, "gone", projects[0]),
        lambda: act(client, "gone", projects[0], dry_run=True),
        lambda: client.post("gone", path, {"event": "submit", "nonsense": 1}),
        lambda: client.post("gone", path, content=b"{", headers={"Content-Type": "application/json"}),
        lambda: client.post("gone", "/api/v1/projects/x/transitions", {"event": "submit"}),
        lambda: client.get("gone", "/nowhere"),
        lambda: client.get("gone", "/api/v1/openapi.json"),
    ):
        with database.transaction() as tx:  # known again: as if the last request had come before the token ended
            tx.execute_driver("UPDATE token SET revoked_at = NULL WHERE label = 'gone'")
        assert client.get("gone", "/api/v1/people/me").status_code == 200
        with database.transaction() as tx:
            tx.execute_driver("UPDATE token SET revoked_at = created_at WHERE label = 'gone'")
        answer = ask()
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer realm="pilot", error="invalid_token"'
    assert len(read_entries(database, f"project/{projects[0]['id']}")) == 1
    assert read_entries(database, "system/attempts") == []


def test_whose_role_or_reach_has_changed_acts_in_the_new_one_from_the_next_request_on(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    path = f"/api/v1/projects/{projects[0]['id']}"
    assert client.get("stranger", "/api/v1/people/me").json()["role"] == "applicant"
    problem(client.get("stranger", path), 404, "not-found")
    with database.transaction() as tx:
        tx.fetch(MOVE_PERSON, whose="stranger", role="city", city=CAST["jinan"].city, unit=None)
    assert act(client, "stranger", projects[0]).json()["version"] == 2
    with database.transaction() as tx:
        tx.fetch(MOVE_PERSON, whose="stranger", role="applicant", city=None, unit=CAST["stranger"].unit)
    problem(client.post("stranger", f"{path}/transitions", {"event": "nonsense!"}), 422, "invalid")
    problem(act(client, "stranger", projects[1]), 404, "not-found")
    [attempted] = read_entries(database, "system/attempts")
    assert attempted["actor"] == client.get("stranger", "/api/v1/people/me").json()["id"]


def test_a_known_caller_is_confirmed_on_the_trip_that_reads_what_was_asked_for(
    client: Client, projects: list[Row], clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.go_to(JULY)
    client.get("unit", "/api/v1/people/me")
    run, trips = Wire.run, []

    def counted(wire: Wire, sent: Any) -> Any:
        trips.append([sql.split()[0] for sql, *_ in sent])
        return run(wire, sent)

    monkeypatch.setattr(Wire, "run", counted)
    client.get("unit", "/api/v1/people/me")
    assert trips == ([["BEGIN", "SELECT", "SELECT"]] if database.is_postgres else [])
    trips.clear()
    assert act(client, "unit", projects[0]).status_code == 200
    assert [words[:3] for words in trips[:1]] == ([["BEGIN", "SELECT", "SELECT"]] if database.is_postgres else [])
    assert sum("BEGIN" in words for words in trips) == database.is_postgres  # and no transaction beside the act's
