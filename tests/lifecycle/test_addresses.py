"""Addresses: theirs to enter and to end, one a channel, never in clear in the log; and messages that came back."""

import base64
from typing import Any

import pytest
import sqlalchemy as sa

from lifecycle import addresses, people
from lifecycle.addresses import NewAddress
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.errors import Conflict, Forbidden, NotFound, Unreadable
from lifecycle.people import NewPerson
from lifecycle.settings import Settings
from lifecycle.statements import Row, Statement
from lifecycle.tables import Address, Disclosure, Message, Notice
from lifecycle.targets import check_target, masked
from states.roles import actor_of
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, OPENED
from tests.lifecycle.test_database import contents

ADMIN = builders.caller("security_admin")
HOUSE = Settings()
_address = Address.__table__  # type: ignore[attr-defined]
ALL = Statement(sa.select(_address).order_by(_address.c.created_at, _address.c.id))
MESSAGES = Statement(sa.select(Message.__table__))  # type: ignore[attr-defined]
NOTICES = Statement(sa.select(Notice.__table__))  # type: ignore[attr-defined]
DISCLOSURES = Statement(sa.select(Disclosure.__table__))  # type: ignore[attr-defined]
ROBOT = "wecombot://693a91f6-7aoc-4bc4"
HOOK = "https://hooks.example.cn/pilot?key=k3y"


def enter(database: Database, log: Log, login: str = "wang.wu", role: str = "city") -> Caller:
    """Enter a person and return them as a caller."""
    with database.transaction() as tx:
        person = people.add_person(tx, log, ADMIN, NewPerson(login, "王五", role, JINAN))
    return Caller(actor_of(person, role, JINAN), Source("test"), OPENED)


def add(database: Database, log: Log, by: Caller, channel: str, target: str, **more: Any) -> NewAddress:
    with database.transaction() as tx:
        return addresses.add_address(tx, log, more.pop("settings", HOUSE), by, channel, target, **more)


def rows(database: Database, statement: Statement = ALL) -> list[Row]:
    with database.reading() as tx:
        return tx.fetch(statement)


def listed(database: Database, by: Caller, login: str | None = None) -> list[dict[str, Any]]:
    with database.reading() as tx:
        return addresses.list_addresses(tx, by, login)


def last(database: Database, stream: str) -> Any:
    return parse_canonical(builders.read_entries(database, stream)[-1]["body"])


def test_a_person_enters_an_address_of_their_own(database: Database, log: Log) -> None:
    wang = enter(database, log)
    new = add(database, log, wang, "email", "  wang.wu@example.cn ", digest=True)
    (row,) = rows(database)
    assert {name: row[name] for name in row if name not in ("id", "created_at")} == {
        "person_id": wang.actor.id,
        "channel": "email",
        "target": "wang.wu@example.cn",
        "secret": None,
        "digest": True,
        "active": True,
        "failures": 0,
        "last_error": None,
        "ended_at": None,
    }
    assert new.to_dict() == {
        "id": row["id"],
        "channel": "email",
        "target": "wang.wu@example.cn",
        "digest": True,
        "secret": None,
    }


def test_the_log_commits_to_an_address_and_to_no_key(database: Database, log: Log) -> None:
    wang = enter(database, log)
    for channel, target in (("email", "wang.wu@example.cn"), ("chat", ROBOT), ("webhook", HOOK)):
        add(database, log, wang, channel, target)
    stream = f"user/{wang.actor.id}"
    entries = builders.read_entries(database, stream)
    told = parse_canonical(entries[1]["body"])
    assert (told["type"], list(told["changes"][0]["new"])) == ("user.address_added", ["$c"])
    assert told["changes"][1] == {"path": "/addresses/email/digest", "old": None, "new": False}
    for entry in entries:
        for secret in (b"wang.wu@", b"693a91f6", b"k3y", b"whsec_"):
            assert secret not in bytes(entry["body"]) or (secret == b"wang.wu@" and entry["type"] == "user.created")
    opened = [str(row["value"]) for row in rows(database, DISCLOSURES) if row["entry_id"] != entries[0]["id"]]
    assert opened[0] == "wang.wu@example.cn"
    assert [text.partition(" sha256:")[0] for text in opened[1:]] == ["wecombot://***", "https://hooks.example.cn/***"]
    assert not any("693a91f6" in text or "k3y" in text or "whsec_" in text for text in opened)


def test_a_new_address_ends_the_one_before_and_leaves_the_other_channels(database: Database, log: Log) -> None:
    wang = enter(database, log)
    add(database, log, wang, "email", "old@example.cn")
    add(database, log, wang, "chat", ROBOT)
    add(database, log, wang, "email", "new@example.cn")
    found = [(row["channel"], row["target"], row["active"], row["ended_at"]) for row in rows(database)]
    assert sorted(found) == [
        ("chat", ROBOT, True, None),
        ("email", "new@example.cn", True, None),
        ("email", "old@example.cn", False, OPENED),
    ]
    assert list(last(database, f"user/{wang.actor.id}")["changes"][0]["old"]) == ["$c"]


def test_a_webhook_s_secret_is_ours_and_shown_once(database: Database, log: Log) -> None:
    wang = enter(database, log)
    one, other = add(database, log, wang, "webhook", HOOK), add(database, log, wang, "webhook", HOOK)
    assert one.secret is not None
    assert (one.secret[:6], len(base64.b64decode(one.secret[6:])), one.secret != other.secret) == ("whsec_", 32, True)
    assert "secret" not in listed(database, wang)[0]


def test_others_see_an_address_masked(database: Database, log: Log) -> None:
    wang = enter(database, log)
    for channel, target in (("email", "wang.wu@example.cn"), ("chat", ROBOT), ("webhook", HOOK)):
        add(database, log, wang, channel, target)
    own = {row["channel"]: row["target"] for row in listed(database, wang)}
    seen = {row["channel"]: row["target"] for row in listed(database, ADMIN, "wang.wu")}
    assert own == {"email": "wang.wu@example.cn", "chat": ROBOT, "webhook": HOOK}
    assert seen == {"email": "w***@example.cn", "chat": "wecombot://***", "webhook": "https://hooks.example.cn/***"}
    assert masked("sms", "twilio://sid:token@from/to") == "twilio://***"


def test_the_security_administrator_manages_anybody_s_and_others_only_their_own(database: Database, log: Log) -> None:
    wang, zhao = enter(database, log), enter(database, log, "zhao.liu")
    add(database, log, ADMIN, "email", "wang.wu@example.cn", login="wang.wu")
    assert [row["person_id"] for row in rows(database)] == [wang.actor.id]
    assert add(database, log, wang, "email", "wang@example.cn", login="wang.wu").target == "wang@example.cn"
    before = contents(database)
    with pytest.raises(Forbidden):
        add(database, log, zhao, "email", "zhao@example.cn", login="wang.wu")
    with pytest.raises(Forbidden), database.transaction() as tx:
        addresses.end_address(tx, log, zhao, "email", login="wang.wu")
    with pytest.raises(Forbidden), database.transaction() as tx:
        addresses.set_digest(tx, log, zhao, "email", True, login="wang.wu")
    with pytest.raises(Forbidden):
        listed(database, zhao, "wang.wu")
    with pytest.raises(NotFound):
        add(database, log, ADMIN, "email", "x@example.cn", login="nobody")
    with pytest.raises(NotFound):
        add(database, log, ADMIN, "email", "x@example.cn")  # this caller is nobody with a row
    assert contents(database) == before


def test_an_address_ends_and_its_digest_choice_changes_each_once(database: Database, log: Log) -> None:
    wang = enter(database, log)
    add(database, log, wang, "email", "wang.wu@example.cn")
    for _ in range(2):
        with database.transaction() as tx:
            addresses.set_digest(tx, log, wang, "email", True)
    assert (listed(database, wang)[0]["digest"], last(database, f"user/{wang.actor.id}")["changes"]) == (
        True,
        [{"path": "/addresses/email/digest", "old": False, "new": True}],
    )
    with database.transaction() as tx:
        addresses.end_address(tx, log, wang, "email")
    assert (listed(database, wang), rows(database)[0]["ended_at"]) == ([], OPENED)
    told = [entry["type"] for entry in builders.read_entries(database, f"user/{wang.actor.id}")]
    assert told == ["user.created", "user.address_added", "user.address_changed", "user.address_ended"]
    with pytest.raises(NotFound), database.transaction() as tx:
        addresses.end_address(tx, log, wang, "email")
    with pytest.raises(NotFound), database.transaction() as tx:
        addresses.set_digest(tx, log, wang, "nothing", False)


SNS = "sns://AKIAAAAAA/secret/us-east-1/+8613800000000"
GOOD = {
    "email": ["a@b.cn", "a.b+c@x-y.example.cn", f"{'l' * 64}@example.cn"],
    "chat": [ROBOT, "dingtalk://SECabc@token/13800000000", "feishu://secret@to-ken", "lark://token"],
    "sms": [SNS, f"twilio://AC{'a' * 32}:{'b' * 32}@+15551234567"],
    "webhook": [HOOK, "https://[2606:4700::1111]:8443/x", "https://xn--fiqs8s.cn/"],
}
BAD = {
    "email": ["", "a", "a@b", "a@b.cn\nBcc: c@d.cn", "a b@c.cn", "a@-b.cn", "a..b@c.cn", "é@c.cn", f"{'l' * 65}@c.cn"],
    "chat": ["json://x/", "wecombot://", "wecombot://a b", "file:///etc/passwd", "wecombot://k?verify=no", "lark://*"],
    "sms": [ROBOT, "smseagle://t@10.0.0.1/138", "twilio://x", SNS + "/+8613900000000", SNS[:-9]],
    "webhook": ["http://example.cn/", "https://", "https://u:p@h.cn/", "https://h.cn/#a", "https://h.cn:0/", "//h.cn"],
    "fax": ["+86531"],
    "inbox": ["me"],
}


@pytest.mark.parametrize("channel", GOOD)
def test_what_is_an_address_is_taken(channel: str) -> None:
    assert [check_target(HOUSE, channel, f" {target}\n") for target in GOOD[channel]] == GOOD[channel]


@pytest.mark.parametrize("channel", BAD)
def test_what_is_no_address_is_refused_in_both_languages(channel: str) -> None:
    for target in [*BAD[channel], "x" * 1001, "a\x00b", "\udcff"]:
        with pytest.raises(Unreadable) as refused:
            check_target(HOUSE, channel, target)
        assert all(refused.value.text), target
        assert "None" not in refused.value.text.zh + refused.value.text.en


def test_the_settings_say_which_kinds_are_taken() -> None:
    own = Settings(chat_kinds=(), sms_kinds=("smseagle",), webhook_private=True)
    assert check_target(own, "sms", "smseagle://token@10.0.0.1/13800000000")
    assert check_target(own, "webhook", "http://10.0.0.1:8080/x") == "http://10.0.0.1:8080/x"
    with pytest.raises(Unreadable):
        check_target(own, "chat", ROBOT)


def test_a_refused_address_leaves_the_one_before(database: Database, log: Log) -> None:
    wang = enter(database, log)
    add(database, log, wang, "email", "wang.wu@example.cn")
    before = contents(database)
    with pytest.raises(Unreadable):
        add(database, log, wang, "email", "wang.wu")
    assert contents(database) == before


def sent(database: Database, address: NewAddress, person: str, status: str = "sent") -> str:
    """Put a message with two notices where delivery leaves it, and return its id."""
    ids = {name: f"0195a1f0-0000-7000-8000-00000000000{number}" for number, name in enumerate(("b", "m", "n", "o"))}
    message = {
        "id": ids["m"],
        "batch_id": ids["b"],
        "recipient": person,
        "channel": "email",
        "address_id": address.id,
        "status": status,
        "attempts": 1,
        "fence": 1,
        "next_at": OPENED,
        "tries": [{"fence": 1, "at": "2024-07-01T01:00:00.000000Z", "result": status, "error": None}],
        "created_at": OPENED,
        "settled_at": OPENED,
    }
    notice = {
        "batch_id": ids["b"],
        "version": 1,
        "occasion": "due",
        "kind": "due",
        "recipient": person,
        "role": "city",
        "channel": "email",
        "planned_at": OPENED,
        "send_at": OPENED,
        "late": False,
        "rule": {},
        "status": status,
        "message_id": ids["m"],
        "created_at": OPENED,
        "settled_at": OPENED,
    }
    with database.transaction() as tx:
        tx.fetch(Statement(sa.insert(Message.__table__).values(message)))  # type: ignore[attr-defined]
        for name in ("n", "o"):
            row = {**notice, "id": ids[name], "cause": f"test/{name}"}
            tx.fetch(Statement(sa.insert(Notice.__table__).values(row)))  # type: ignore[attr-defined]
    return ids["m"]


def bounce(database: Database, log: Log, by: Caller, message: str, reason: str = "550 no such user") -> int:
    with database.transaction() as tx:
        return addresses.note_bounce(tx, log, by, message, reason)


def test_a_message_that_came_back_is_a_dead_letter_and_its_address_says_so(database: Database, log: Log) -> None:
    wang, handler = enter(database, log), builders.caller("handler")
    message = sent(database, add(database, log, wang, "email", "wang.wu@example.cn"), wang.actor.id)
    assert bounce(database, log, handler, message) == 2
    (row,) = rows(database, MESSAGES)
    assert (row["status"], row["tries"][-1]["result"], row["tries"][-1]["fence"]) == ("dead", "bounced", 1)
    assert {(row["status"], row["reason"]) for row in rows(database, NOTICES)} == {("failed", "bounced")}
    assert [(row["failures"], row["last_error"]) for row in rows(database)] == [(1, "550 no such user")]
    told = last(database, "system/delivery")
    assert (told["type"], told["subject"]) == (
        "message.bounced",
        {"kind": "message", "id": message, "version": 1},
    )
    assert told["changes"] == [
        {"path": "/status", "old": "sent", "new": "dead"},
        {"path": "/notices", "old": None, "new": 2},
    ]
    assert list(told["reason"]) == ["$c"]


def test_a_bounce_that_is_told_twice_counts_once(database: Database, log: Log) -> None:
    wang, admin = enter(database, log), builders.caller("system_admin")
    message = sent(database, add(database, log, wang, "email", "wang.wu@example.cn"), wang.actor.id)
    assert [bounce(database, log, admin, message), bounce(database, log, admin, message)] == [2, 0]
    assert rows(database)[0]["failures"] == 1
    assert len(builders.read_entries(database, "system/delivery")) == 1


def test_only_what_was_sent_can_have_come_back_and_only_some_may_say_so(database: Database, log: Log) -> None:
    wang, handler = enter(database, log), builders.caller("handler")
    address = add(database, log, wang, "email", "wang.wu@example.cn")
    message = sent(database, address, wang.actor.id, "waiting")
    before = contents(database)
    with pytest.raises(Conflict):
        bounce(database, log, handler, message)
    with pytest.raises(Forbidden):
        bounce(database, log, wang, message)
    for unknown in ("x", address.id):
        with pytest.raises(NotFound):
            bounce(database, log, handler, unknown)
    with pytest.raises(Unreadable):
        bounce(database, log, handler, message, "x" * 5000)
    assert contents(database) == before
