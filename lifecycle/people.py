"""People who act, and their bearer tokens: made, looked up, revoked. A token is kept as its SHA-256 only."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.attempts import LOCK_SUBJECT, SET_HEAD
from lifecycle.audit import Change, Deed, Head, Log, person_of
from lifecycle.callers import Caller
from lifecycle.database import Proviso, Transaction
from lifecycle.errors import CallerChanged, Forbidden, NotFound, Unreadable
from lifecycle.requests import is_identifier
from lifecycle.statements import Row, Statement
from lifecycle.tables import Person, Token
from states.facts import Actor
from states.fields import CONTROL
from states.findings import Text
from states.roles import actor_of, role_book

_person = Person.__table__  # type: ignore[attr-defined]
_token = Token.__table__  # type: ignore[attr-defined]

ADD_PERSON = Statement(sa.insert(_person))
ADD_TOKEN = Statement(sa.insert(_token))
BY_TOKEN = Statement(
    sa.select(_person.c.id, _person.c.role, _person.c.city, _person.c.unit, _token.c.id.label("token_id"))
    .join(_token, _token.c.person_id == _person.c.id)
    .where(
        _token.c.hash == sa.bindparam("presented"),
        _person.c.active.is_(True),
        _token.c.revoked_at.is_(None),
        sa.or_(_token.c.expires_at.is_(None), _token.c.expires_at > sa.bindparam("at", type_=_token.c.expires_at.type)),
    )
)
BY_LOGIN = Statement(sa.select(_person).where(_person.c.login == sa.bindparam("wanted")))
BY_ID = Statement(sa.select(_person).where(_person.c.id == sa.bindparam("wanted")))
ALL_PEOPLE = Statement(sa.select(_person).order_by(_person.c.login))
TOKEN_BY_ID = Statement(sa.select(_token).where(_token.c.id == sa.bindparam("wanted")))
TOKENS_OF = Statement(sa.select(_token).where(_token.c.person_id == sa.bindparam("of")).order_by(_token.c.created_at))
REVOKE = Statement(
    sa.update(_token).where(_token.c.id == sa.bindparam("of")).values(revoked_at=sa.bindparam("revoked_at"))
)
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Someone to be entered: login, name, role, and the city or unit that the role's scope asks for."""

    login: str
    name: str
    role: str
    city: str | None = None
    unit: str | None = None
    group: str | None = None  # to which an expert's unit belongs: conflicts of interest follow from unit and group


def add_person(tx: Transaction, log: Log, caller: Caller, new: NewPerson) -> str:
    """Enter a person and return the id; the person's stream begins with this entry.

    Raises:
        Forbidden: the caller may not manage accounts.
        Unreadable: login, role, city or unit is not what it should be, or the login is taken.
    """
    _may_manage(caller)
    _check(new)
    if tx.one(BY_LOGIN, wanted=new.login):
        raise Unreadable(Text(f"登录名{new.login}已存在", f"the login {new.login} is taken"))
    person = audit.new_id(caller.now)
    keys = audit.keys_of(tx, person_of(caller), f"user/{person}")
    deed = Deed(
        stream=f"user/{person}",
        type="user.created",
        subject=("user", person, 1),
        changes=[
            Change("/login", None, new.login),
            Change("/name", None, new.name, f"user/{person}"),
            Change("/role", None, new.role),
            Change("/city", None, new.city),
            Change("/unit", None, new.unit),
            *([Change("/group", None, new.group)] if new.group else []),
        ],
    )
    built = audit.build(log, caller, Head(), deed, keys)
    tx.queue(
        ADD_PERSON,
        id=person,
        login=new.login,
        name=new.name,
        role=new.role,
        city=new.city,
        unit=new.unit,
        group_name=new.group,
        active=True,
        version=1,
        head_seq=built.head.seq,
        head_hash=built.head.hash,
        created_at=caller.now,
    )
    audit.append(tx, built)
    return person


def add_token(
    tx: Transaction, log: Log, caller: Caller, login: str, label: str, expires_at: datetime | None = None
) -> tuple[str, str]:
    """Make a token for a person and return (its id, the secret). The secret is shown once and kept nowhere.

    Raises:
        Forbidden: the caller may not manage accounts.
        NotFound: no such login.
    """
    _may_manage(caller)
    person = find_person(tx, login)
    secret = f"pilot_{secrets.token_urlsafe(32)}"
    token = audit.new_id(caller.now)
    tx.queue(
        ADD_TOKEN,
        hash=hash_token(secret),
        id=token,
        person_id=person["id"],
        label=label[:100],
        created_at=caller.now,
        expires_at=expires_at,
        revoked_at=None,
    )
    tell(tx, log, caller, person["id"], "user.token_made", [Change("/tokens", None, token)])
    return token, secret


def revoke_token(tx: Transaction, log: Log, caller: Caller, token: str) -> None:
    """Revoke a token; it is refused from the next request on.

    Raises:
        Forbidden: the caller may not manage accounts.
        NotFound: no such token.
    """
    _may_manage(caller)
    row = tx.one(TOKEN_BY_ID, wanted=token) if is_identifier(token) else None
    if row is None:
        raise NotFound(Text("没有此令牌", "no such token"))
    if row["revoked_at"] is not None:
        return
    tx.queue(REVOKE, of=token, revoked_at=caller.now)
    tell(tx, log, caller, row["person_id"], "user.token_revoked", [Change("/tokens", token, None)])


def actor_by_token(tx: Transaction, secret: str, now: datetime) -> Actor | None:
    """Return the actor whose token this is, or None where it is unknown, revoked, expired or its owner is inactive."""
    return _actor(tx.fetch(BY_TOKEN, presented=hash_token(secret), at=now))


def still_theirs(secret: str, actor: Actor, now: datetime) -> Proviso:
    """Return the proviso that a token is this actor's, role and reach included; else `CallerChanged` says whose."""

    def check(rows: Sequence[Row]) -> None:
        found = _actor(rows)
        if found != actor:
            raise CallerChanged(found)

    return Proviso(BY_TOKEN, {"presented": hash_token(secret), "at": now}, check)


def _actor(rows: Sequence[Row]) -> Actor | None:
    if not rows or rows[0]["role"] not in role_book().roles:
        return None
    row = rows[0]
    return actor_of(row["id"], row["role"], row["city"], row["unit"], auth=f"token/{row['token_id']}")


def find_person(tx: Transaction, login: str) -> Row:
    """Return a person's row.

    Raises:
        NotFound: no such login.
    """
    row = tx.one(BY_LOGIN, wanted=login) if LOGIN.fullmatch(login) else None
    if row is None:
        raise NotFound(Text(f"没有登录名为{login[:64]}的人员", f"no person has the login {login[:64]}"))
    return row


def person_meant(tx: Transaction, caller: Caller, login: str | None) -> Row:
    """Return the row of the person whose own things are meant: the caller (None), or another by login.

    Raises:
        Forbidden: another person's are for the security administrator.
        NotFound: no such login, or the caller is nobody with a row.
    """
    own = tx.one(BY_ID, wanted=caller.actor.id) if is_identifier(caller.actor.id) else None
    if own is not None and login in (None, own["login"]):
        return own
    if login is None:
        raise NotFound(Text("没有此人员", "no such person"))
    _may_manage(caller)
    return find_person(tx, login)


def list_people(tx: Transaction) -> list[dict[str, Any]]:
    """Return all people, without heads."""
    names = ("id", "login", "name", "role", "city", "unit", "active", "created_at")
    return [{**{name: row[name] for name in names}, "group": row["group_name"]} for row in tx.fetch(ALL_PEOPLE)]


def hash_token(secret: str) -> str:
    """Return what is kept of a token: its SHA-256. The secret has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def tell(tx: Transaction, log: Log, caller: Caller, person: str, kind: str, changes: list[Change]) -> None:
    """Append an entry to a person's stream, their row locked; what is theirs is committed to with their key."""
    row = tx.one(LOCK_SUBJECT["user"], wanted=person)
    assert row is not None
    keys = audit.keys_of(tx, person_of(caller), f"user/{person}")
    deed = Deed(f"user/{person}", kind, ("user", person, row["version"]), changes=changes)
    built = audit.build(log, caller, Head(row["head_seq"], row["head_hash"]), deed, keys)
    audit.append(tx, built)
    tx.queue(SET_HEAD["user"], of=person, head_seq=built.head.seq, head_hash=built.head.hash)


def _may_manage(caller: Caller) -> None:
    if "accounts" not in caller.actor.rights:
        raise Forbidden(Text("须由安全管理员办理", "only the security administrator may do this"))


def _check(new: NewPerson) -> None:
    role = role_book().roles.get(new.role)
    problem = None
    if not LOGIN.fullmatch(new.login):
        problem = Text("登录名应为2至64个小写字母、数字或.-_", "a login has 2 to 64 lower-case letters, digits or .-_")
    elif role is None or new.role == "system":
        problem = Text(f"没有角色{new.role[:32]}", f"there is no role {new.role[:32]}")
    elif not new.name.strip() or len(new.name) > 100:
        problem = Text("须填姓名，至多100字", "a name is needed, at most 100 characters")
    elif role.scope == "city" and not re.fullmatch(r"\d{6}", new.city or ""):
        problem = Text("该角色须有六位城市代码", "this role needs a city code of six digits")
    elif new.unit is not None and not re.fullmatch(r"[0-9A-Z]{18}", new.unit):
        problem = Text("统一社会信用代码应为18位大写字母和数字", "a credit code has 18 digits and capital letters")
    elif new.group is not None and (not new.group.strip() or len(new.group) > 200 or CONTROL.search(new.group)):
        problem = Text("所属集团不合规，至多200字", "the group cannot be kept: at most 200 characters")
    elif role.scope == "unit" and new.unit is None:
        problem = Text("该角色须有统一社会信用代码", "this role needs a unified social credit code")
    if problem:
        raise Unreadable(problem)
