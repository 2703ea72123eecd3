"""People and tokens: who may enter them, what a token opens and until when, and that no secret is kept anywhere."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lifecycle import people
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.people import NewPerson
from states.facts import Actor
from states.roles import actor_of, role_book
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, OPENED
from tests.lifecycle.test_database import contents

ADMIN = builders.caller("security_admin")
WANG = NewPerson("wang.wu", "王五", "city", JINAN)


def add(database: Database, log: Log, new: NewPerson = WANG, by: Caller = ADMIN) -> str:
    with attempt(database, log, by, ("user", new.login), "add_person") as tx:
        return people.add_person(tx, log, by, new)


def add_token(
    database: Database, log: Log, login: str = WANG.login, by: Caller = ADMIN, **more: Any
) -> tuple[str, str]:
    with attempt(database, log, by, ("user", login), "add_token") as tx:
        return people.add_token(tx, log, by, login, "办公电脑", **more)


def actor(database: Database, secret: str, now: Any = OPENED) -> Actor | None:
    with database.reading() as tx:
        return people.actor_by_token(tx, secret, now)


def find(database: Database, login: str = WANG.login) -> dict[str, Any]:
    with database.reading() as tx:
        return people.find_person(tx, login)


def bodies(database: Database, stream: str) -> list[Any]:
    return [parse_canonical(entry["body"]) for entry in builders.read_entries(database, stream)]


def test_a_person_is_entered_with_a_stream_of_their_own(database: Database, log: Log) -> None:
    person = add(database, log)
    (entry,) = builders.read_entries(database, f"user/{person}")
    (body,) = bodies(database, f"user/{person}")
    committed = body["changes"][1].pop("new")
    assert (entry["type"], entry["outcome"], entry["actor"]) == ("user.created", "success", "security_admin")
    assert list(committed) == ["$c"]
    assert body["changes"] == [
        {"path": "/login", "old": None, "new": "wang.wu"},
        {"path": "/name", "old": None},
        {"path": "/role", "old": None, "new": "city"},
        {"path": "/city", "old": None, "new": JINAN},
        {"path": "/unit", "old": None, "new": None},
    ]
    assert find(database) == {
        "id": person,
        "login": "wang.wu",
        "name": "王五",
        "role": "city",
        "city": JINAN,
        "unit": None,
        "group_name": None,
        "active": True,
        "version": 1,
        "head_seq": 1,
        "head_hash": entry["leaf"],
        "created_at": OPENED,
    }
    with database.reading() as tx:
        listed = people.list_people(tx)
    assert listed == [
        {"id": person, "login": "wang.wu", "name": "王五", "role": "city", "city": JINAN, "unit": None}
        | {"active": True, "created_at": OPENED, "group": None}
    ]


WRONG = {
    "a login of one letter": replace(WANG, login="w"),
    "a login of 65 letters": replace(WANG, login="w" * 65),
    "a login with capitals": replace(WANG, login="Wang"),
    "a login that ends with a line break": replace(WANG, login="wang\n"),
    "a login that begins with a dot": replace(WANG, login=".wang"),
    "a login in Chinese": replace(WANG, login="王五"),
    "no login": replace(WANG, login=""),
    "an unknown role": replace(WANG, role="emperor"),
    "the role of the system": replace(WANG, role="system"),
    "a group in place of a role": replace(WANG, role="province"),
    "no name": replace(WANG, name=" \t"),
    "a name of 101 letters": replace(WANG, name="王" * 101),
    "a city bureau without a city": replace(WANG, city=None),
    "a city by name": replace(WANG, city="济南"),
    "an applicant without a unit": NewPerson("zhao", "赵六", "applicant", JINAN),
    "an applicant with a short code": NewPerson("zhao", "赵六", "applicant", unit="91370100MA"),
    "a login that is taken": NewPerson("taken", "赵六", "handler"),
}


def test_what_is_not_a_person_is_refused_and_nobody_is_entered(database: Database, log: Log) -> None:
    add(database, log, NewPerson("taken", "钱七", "handler"))
    before = contents(database)
    for what, new in WRONG.items():
        with pytest.raises(Unreadable), database.transaction() as tx:
            people.add_person(tx, log, ADMIN, new)
        assert contents(database) == before, what


def test_every_role_can_be_given_but_the_systems_own(database: Database, log: Log) -> None:
    given = {
        role: add(database, log, NewPerson(role.replace("_", "-"), "某某", role, JINAN, builders.credit_code(1)))
        for role in role_book().roles
        if role != "system"
    }
    with database.reading() as tx:
        assert {row["role"]: row["id"] for row in people.list_people(tx)} == given


def test_only_the_security_administrator_manages_people_and_tokens(database: Database, log: Log) -> None:
    add(database, log)
    token, _ = add_token(database, log)
    before = contents(database)
    for role in role_book().roles:
        if "accounts" in role_book().roles[role].rights:
            assert role == "security_admin"
            continue
        other = builders.caller(role, city=JINAN, unit=builders.credit_code(1))
        with pytest.raises(Forbidden), database.transaction() as tx:
            people.add_person(tx, log, other, NewPerson("zhao", "赵六", "handler"))
        with pytest.raises(Forbidden), database.transaction() as tx:
            people.add_token(tx, log, other, "wang.wu", "x")
        with pytest.raises(Forbidden), database.transaction() as tx:
            people.revoke_token(tx, log, other, token)
    assert contents(database) == before


def test_a_refused_act_on_a_person_is_in_their_stream(database: Database, log: Log) -> None:
    person = add(database, log)
    handler = builders.caller("handler")
    with pytest.raises(Forbidden), attempt(database, log, handler, ("user", person), "add_token") as tx:
        people.add_token(tx, log, handler, "wang.wu", "x")
    last = bodies(database, f"user/{person}")[-1]
    assert (last["type"], last["outcome"], last["actor"]["id"]) == ("user.attempted", "denied", "handler")
    assert (last["action"]["name"], last["subject"]) == ("add_token", {"kind": "user", "id": person, "version": 1})
    assert (find(database)["version"], find(database)["head_seq"]) == (1, 2)


def test_an_attempt_on_a_person_who_is_not_there_is_in_the_systems_stream(database: Database, log: Log) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(NotFound), attempt(database, log, ADMIN, ("user", nobody), "add_token") as tx:
        people.add_token(tx, log, ADMIN, "nobody", "x")
    (told,) = bodies(database, "system/attempts")
    assert (told["type"], told["outcome"]) == ("user.attempted", "denied")
    assert told["subject"] == {"kind": "user", "id": nobody, "version": None}


def test_a_token_opens_its_owners_role_and_scope(database: Database, log: Log) -> None:
    person = add(database, log)
    token, secret = add_token(database, log)
    assert actor(database, secret) == actor_of(person, "city", JINAN, None, auth=f"token/{token}")
    for other in ("", "x", secret[:-1], secret + "x", secret.upper(), hashlib.sha256(secret.encode()).hexdigest()):
        assert actor(database, other) is None
    assert actor(database, "\udcff") is None  # bytes of a header that are no text
    told = [(body["type"], body["changes"]) for body in bodies(database, f"user/{person}")[1:]]
    assert told == [("user.token_made", [{"path": "/tokens", "old": None, "new": token}])]


def test_a_token_opens_nothing_from_the_instant_at_which_it_expires(database: Database, log: Log) -> None:
    add(database, log)
    end = OPENED + timedelta(hours=1)
    _, secret = add_token(database, log, expires_at=end)
    tick = timedelta(microseconds=1)
    assert [actor(database, secret, now) is not None for now in (OPENED, end - tick, end, end + tick)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_revoked_token_opens_nothing_and_the_others_still_do(database: Database, log: Log) -> None:
    person = add(database, log)
    (one, first), (_, second) = add_token(database, log), add_token(database, log)
    with attempt(database, log, ADMIN, ("user", person), "revoke_token") as tx:
        people.revoke_token(tx, log, ADMIN, one)
    assert (actor(database, first), actor(database, second) is None) == (None, False)
    assert bodies(database, f"user/{person}")[-1]["type"] == "user.token_revoked"
    assert bodies(database, f"user/{person}")[-1]["changes"] == [{"path": "/tokens", "old": one, "new": None}]
    with pytest.raises(NotFound), database.transaction() as tx:
        people.revoke_token(tx, log, ADMIN, person)


def test_a_token_revoked_again_keeps_the_instant_of_its_end(database: Database, log: Log) -> None:
    person = add(database, log)
    token, _ = add_token(database, log)
    for hours in (1, 2):
        later = replace(ADMIN, now=OPENED + timedelta(hours=hours))
        with database.transaction() as tx:
            people.revoke_token(tx, log, later, token)
    with database.reading() as tx:
        (row,) = tx.fetch(people.TOKENS_OF, of=person)
    assert row["revoked_at"] == OPENED + timedelta(hours=1)


def test_nobody_gets_a_token_who_is_not_there(database: Database, log: Log) -> None:
    before = contents(database)
    with pytest.raises(NotFound), database.transaction() as tx:
        people.add_token(tx, log, ADMIN, "nobody", "x")
    assert contents(database) == before


def test_a_token_opens_nothing_while_its_owner_is_inactive(database: Database, log: Log) -> None:
    add(database, log)
    _, secret = add_token(database, log)
    for active in (False, True):
        with database.transaction() as tx:
            tx.execute_driver(f"UPDATE person SET active = {'true' if active else 'false'}")
        assert (actor(database, secret) is not None) == active


def test_no_secret_stands_anywhere_and_no_name_in_an_entry(database: Database, log: Log) -> None:
    person = add(database, log)
    _, secret = add_token(database, log)
    everything = repr(contents(database))
    for form in (secret, secret.removeprefix("pilot_"), secret.encode().hex()):
        assert form not in everything
    assert everything.count(people.hash_token(secret)) == 1
    bare = b"".join(entry["body"] for entry in builders.read_entries(database, f"user/{person}"))
    assert ("王五".encode() in bare, secret.encode() in bare) == (False, False)


def test_secrets_are_long_and_never_the_same(database: Database, log: Log) -> None:
    add(database, log)
    secrets = {add_token(database, log)[1] for _ in range(5)}
    assert (len(secrets), {len(secret) for secret in secrets}) == (5, {49})


def test_a_persons_stream_is_chained(database: Database, log: Log) -> None:
    person = add(database, log)
    add_token(database, log)
    entries, told = builders.read_entries(database, f"user/{person}"), bodies(database, f"user/{person}")
    assert [entry["seq"] for entry in entries] == [1, 2]
    assert [body["prev"] for body in told] == ["00" * 32, entries[0]["leaf"].hex()]
    assert find(database)["head_hash"] == entries[1]["leaf"]
