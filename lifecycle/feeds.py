"""Calendar feeds: private tokens, and the dates that each lets its owner's calendar program read."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle import audit
from lifecycle.attempts import LOCK_SUBJECT
from lifecycle.audit import Change, Log
from lifecycle.batches import find_batch
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.deadlines import roles_told
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.people import hash_token, person_meant, tell
from lifecycle.recipients import people_named, reach_of_row, someone
from lifecycle.requests import is_identifier, note_of
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row, Statement
from lifecycle.tables import Batch, Checkpoint, Feed, Membership, Person, Project
from lifecycle.visibility import label_of, reach_of, sees_deadline
from states.audience import audience
from states.facts import Actor
from states.findings import Text
from states.planning import BY_HAND
from states.roles import actor_of, role_book

_feed = Feed.__table__  # type: ignore[attr-defined]
_person = Person.__table__  # type: ignore[attr-defined]
_batch = Batch.__table__  # type: ignore[attr-defined]
_check = Checkpoint.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
_membership = Membership.__table__  # type: ignore[attr-defined]

MOST_FEEDS = 20  # of one person
MOST_DATES = 2_000  # in one feed, those due last first
PAGE = 1_000
REMEMBERED = timedelta(days=60)  # how long a date that is no longer due is told as cancelled
LABEL_LENGTH = 100

ADD = Statement(sa.insert(_feed))
ACTIVE_OF = Statement(
    sa.select(_feed)
    .where(_feed.c.person_id == sa.bindparam("of"), _feed.c.revoked_at.is_(None))
    .order_by(_feed.c.created_at, _feed.c.id)
)
BY_ID = Statement(sa.select(_feed).where(_feed.c.id == sa.bindparam("wanted")))
REVOKE = Statement(sa.update(_feed).where(_feed.c.id == sa.bindparam("of")).values(revoked_at=sa.bindparam("at")))
BY_SECRET = Statement(
    sa.select(
        *(_person.c[name] for name in ("id", "name", "role", "city", "unit")),
        _feed.c.batch_id,
        _batch.c.title.label("batch_title"),
    )
    .select_from(_feed.join(_person, _person.c.id == _feed.c.person_id).outerjoin(_batch))
    .where(_feed.c.hash == sa.bindparam("presented"), _feed.c.revoked_at.is_(None), _person.c.active.is_(True))
)
_READ = (
    *(_check.c[name] for name in ("id", "project_id", "kind", "number", "version", "due_on", "provisional")),
    *(_check.c[name] for name in ("opened_at", "ended_at")),
    *(_project.c[name] for name in ("code", "title", "city", "lead_code", "lead_name", "responsible", "deadlines")),
    *(_project.c[name] for name in ("definition_hash", "policy_hash")),
    *(_batch.c[name] for name in ("calendar_hash", "reminders_hash")),
)
_IN_REACH: dict[str, Any] = {
    "of_city": _project.c.city == sa.bindparam("of_city"),
    # The lead is a member too: saying so lets both databases begin with the index on members.
    "of_unit": sa.and_(
        _project.c.lead_code == sa.bindparam("of_unit"),
        _project.c.id.in_(
            sa.select(_membership.c.project_id).where(_membership.c.credit_code == sa.bindparam("of_unit"))
        ),
    ),
    "batch": _check.c.batch_id == sa.bindparam("batch"),
}


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed just made. `secret` is part of the address that a calendar program is given; shown now and never again."""

    id: str
    secret: str

    def to_dict(self) -> dict[str, str]:
        """Return the feed as JSON values."""
        return {"id": self.id, "secret": self.secret}


class Dated(NamedTuple):
    """A date in a feed. `changed_at` is when this version of it came about; `cancelled`: it is no longer due."""

    project_id: str
    kind: str
    number: int
    version: int
    due_on: date
    provisional: bool
    cancelled: bool
    changed_at: datetime
    label: Text
    code: str
    title: str
    lead: str


class FeedContent(NamedTuple):
    """What a feed holds now: its name and its dates."""

    name: Text
    dates: list[Dated]


def add_feed(tx: Transaction, log: Log, caller: Caller, label: str, batch: str | None = None) -> NewFeed:
    """Make a feed for the caller: of what they are reminded of, or of a batch's dates within their reach.

    Nobody makes one for somebody else: whoever holds the token reads what its owner may read.

    Raises:
        Forbidden: the caller's role reads no projects.
        NotFound: the caller is nobody with a row, or there is no such batch.
        Unreadable: the label is not what it should be, or the caller has too many feeds.
    """
    person = person_meant(tx, caller, None)
    if reach_of(caller.actor) is None:
        raise Forbidden(Text("该角色不查阅项目，没有日历", "this role reads no projects, so it has no calendar"))
    found = find_batch(tx, batch)["id"] if batch is not None else None
    tx.fetch(LOCK_SUBJECT["user"], wanted=person["id"])
    if len(tx.fetch(ACTIVE_OF, of=person["id"])) >= MOST_FEEDS:
        raise Unreadable(Text(f"每人至多{MOST_FEEDS}个日历订阅", f"a person has at most {MOST_FEEDS} feeds"))
    new = NewFeed(audit.new_id(caller.now), f"pilotcal_{secrets.token_urlsafe(32)}")
    tx.queue(
        ADD,
        hash=hash_token(new.secret),
        id=new.id,
        person_id=person["id"],
        batch_id=found,
        label=note_of(label, LABEL_LENGTH) or "",
        created_at=caller.now,
        revoked_at=None,
    )
    changes = [Change("/feeds", None, new.id), Change("/feeds/batch", None, found)]
    tell(tx, log, caller, person["id"], "user.feed_made", changes)
    return new


def revoke_feed(tx: Transaction, log: Log, caller: Caller, feed: str) -> None:
    """Revoke a feed, the caller's own or as the security administrator anyone's; what is revoked stays so.

    Raises:
        NotFound: no such feed, or it is another's.
    """
    row = tx.one(BY_ID, wanted=feed) if is_identifier(feed) else None
    if row is None or (row["person_id"] != caller.actor.id and "accounts" not in caller.actor.rights):
        raise NotFound(Text("没有此日历订阅", "no such feed"))
    if row["revoked_at"] is not None:
        return
    tx.queue(REVOKE, of=feed, at=caller.now)
    tell(tx, log, caller, row["person_id"], "user.feed_revoked", [Change("/feeds", feed, None)])


def list_feeds(tx: Transaction, caller: Caller, login: str | None = None) -> list[dict[str, Any]]:
    """Return a person's feeds that are not revoked, as JSON values. None: the caller's own.

    Raises:
        Forbidden: another person's are for the security administrator.
        NotFound: no such person.
    """
    person = person_meant(tx, caller, login)
    return [
        {
            **{name: row[name] for name in ("id", "label", "batch_id")},
            "created_at": instant(row["created_at"]),
        }
        for row in tx.fetch(ACTIVE_OF, of=person["id"])
    ]


def read_feed(
    tx: Transaction, secret: str, now: datetime, *, most: int = MOST_DATES, page: int = PAGE
) -> FeedContent | None:
    """Return what a feed holds, or None: unknown, revoked and of an inactive person look alike.

    A personal feed holds the dates that its owner's role is reminded of, but for those that another person of that
    role is in charge of. A batch's feed holds all its dates within reach. Dates that ended within 60 days and have no
    successor are told as cancelled, so that they go from calendars that keep what they once read. At most `most`
    dates, those due last first; they are read `page` by page.
    """
    row = tx.one(BY_SECRET, presented=hash_token(secret))
    if row is None or row["role"] not in role_book().roles:
        return None
    actor = actor_of(row["id"], row["role"], row["city"], row["unit"])
    name = Text(
        f"试点期限：{row['batch_title'] or row['name']}", f"Pilot deadlines: {row['batch_title'] or row['name']}"
    )
    reach = reach_of(actor)
    if reach is None:
        return FeedContent(name, [])
    wanted = {**reach, **({"batch": row["batch_id"]} if row["batch_id"] else {})}
    pages = _pages(tx, wanted, now - REMEMBERED, page)
    personal = row["batch_id"] is None
    told = (item for rows in pages for item in _told(tx, actor, rows, personal=personal))
    return FeedContent(name, list(islice(told, most)))


def _pages(tx: Transaction, wanted: dict[str, str], since: datetime, page: int) -> Iterator[list[Row]]:
    """Yield what is open, page by page, and then what ended; each from the last date down."""
    for ended in (False, True):
        last: dict[str, Any] = {}
        while True:
            statement = _statement(frozenset(wanted), ended=ended, onward=bool(last))
            rows = tx.fetch(statement, **wanted, **last, **({"since": since} if ended else {}), page=page)
            yield rows
            if len(rows) < page:
                break
            last = {"last_on": rows[-1]["due_on"], "last_id": rows[-1]["id"]}


@lru_cache(maxsize=32)
def _statement(names: frozenset[str], *, ended: bool, onward: bool) -> Statement:
    found = sa.select(*_READ).select_from(
        _check.join(_project, _project.c.id == _check.c.project_id).join(_batch, _batch.c.id == _project.c.batch_id)
    )
    if ended:
        other = _check.alias("other")
        same = sa.and_(*(other.c[name] == _check.c[name] for name in ("project_id", "kind", "number")))
        later = sa.or_(other.c.status == sa.text("'open'"), other.c.version > _check.c.version)
        found = found.where(
            _check.c.ended_at >= sa.bindparam("since", type_=_check.c.ended_at.type),
            ~sa.exists().where(same, later),
        )
    else:
        found = found.where(sa.text("checkpoint.status = 'open'"))
    found = found.where(*(_IN_REACH[name] for name in sorted(names)))
    if onward:
        mark = sa.tuple_(
            sa.bindparam("last_on", type_=_check.c.due_on.type), sa.bindparam("last_id", type_=_check.c.id.type)
        )
        found = found.where(sa.tuple_(_check.c.due_on, _check.c.id) < mark)
    return Statement(
        found.order_by(_check.c.due_on.desc(), _check.c.id.desc()).limit(sa.bindparam("page", type_=sa.Integer()))
    )


def _told(tx: Transaction, actor: Actor, rows: list[Row], *, personal: bool) -> Iterator[Dated]:
    """Yield those of a page's dates that are the feed's."""
    others = {row["responsible"].get(actor.role) for row in rows} - {None, actor.id} if personal else set()
    people = [someone(person) for person in people_named(tx, others).values() if person["active"]]
    for row in rows:
        rules = rules_of_row(tx, row)
        deadline = row["deadlines"].get(str(row["number"])) if row["kind"] == BY_HAND else None
        if deadline is not None and not sees_deadline(actor, deadline):
            continue
        if personal:
            roles = roles_told(rules, row["deadlines"], row["kind"], row["number"])
            known = [someone({"id": actor.id, "role": actor.role, "city": actor.city, "unit": actor.unit}), *people]
            if all(person != actor.id for person, _ in audience(roles, reach_of_row(row), known)):
                continue
        yield _dated(rules, row, deadline)


def _dated(rules: RuleSet, row: Row, deadline: dict[str, Any] | None) -> Dated:
    spec = rules.definition.checkpoints.get(row["kind"])
    label = Text(deadline["title"], deadline["title"]) if deadline else Text(*label_of(spec, row["kind"]).values())
    ended = row["ended_at"]
    return Dated(
        **{name: row[name] for name in ("project_id", "kind", "number", "version", "due_on", "provisional")},
        cancelled=ended is not None,
        changed_at=ended or row["opened_at"],
        label=label,
        code=row["code"],
        title=row["title"],
        lead=row["lead_name"],
    )
