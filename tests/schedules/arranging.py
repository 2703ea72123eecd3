"""A batch with people and addresses, a post office that is the tests' own, and the ledger as plain tuples."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from lifecycle import audit, people
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.notices import UNREACHED
from lifecycle.people import NewPerson
from lifecycle.rulebooks import pin
from lifecycle.statements import Row, Statement
from lifecycle.tables import Address, Checkpoint, Message, Notice, Project
from schedules import runner
from schedules.parcels import Parcel, Result
from schedules.runner import Context, Ticked
from states.library import bundled_plans
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, OPENED

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAN_TEXT = bundled_plans()["gongfu-reminders/1"][1]

_notice = Notice.__table__  # type: ignore[attr-defined]
_message = Message.__table__  # type: ignore[attr-defined]
_address = Address.__table__  # type: ignore[attr-defined]
_check = Checkpoint.__table__  # type: ignore[attr-defined]
_project = Project.__table__  # type: ignore[attr-defined]
NOTICES = Statement(
    sa.select(_notice).order_by(
        _notice.c.planned_at, _notice.c.occasion, _notice.c.role, _notice.c.recipient, _notice.c.channel
    )
)
MESSAGES = Statement(sa.select(_message).order_by(_message.c.created_at, _message.c.id))
ADDRESSES = Statement(sa.select(_address).order_by(_address.c.id))
CHECKPOINTS = Statement(sa.select(_check).order_by(_check.c.opened_at, _check.c.kind, _check.c.number, _check.c.id))
ADD_ADDRESS = Statement(sa.insert(_address))
END_ADDRESS = Statement(
    sa.update(_address).where(_address.c.id == sa.bindparam("of")).values(active=False, ended_at=sa.bindparam("at"))
)
PUT_IN_CHARGE = Statement(
    sa.update(_project)
    .where(_project.c.id == sa.bindparam("of"))
    .values(responsible=sa.bindparam("who", type_=_project.c.responsible.type))
)


def local(day: date | str, hour: int = 9, minute: int = 0) -> datetime:
    """Return an instant by Shanghai's clocks."""
    on = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def shown(at: datetime) -> str:
    """Return an instant as Shanghai's clocks show it."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


@dataclass
class Post:
    """The world outside: keeps every parcel, and answers by number of the parcel, else `sent`."""

    answer: Callable[[Parcel], Result] = lambda parcel: Result("sent")
    parcels: list[Parcel] = field(default_factory=list)

    def __call__(self, parcel: Parcel) -> Result:
        self.parcels.append(parcel)
        return self.answer(parcel)

    @property
    def ids(self) -> Counter[str]:
        """Return how often each message has come."""
        return Counter(parcel.id for parcel in self.parcels)


@dataclass
class World:
    """A batch, its people by login, and the post."""

    database: Database
    log: Log
    batch: Row
    people: dict[str, str] = field(default_factory=dict)
    post: Post = field(default_factory=Post)

    def tick(self, now: datetime) -> Ticked:
        """Run everything that is due by an instant."""
        return runner.tick(self.context(now), now)

    def context(self, now: datetime) -> Context:
        return Context(self.database, self.post, lambda: now, "test.invalid/log")

    def walk(self, days: Iterable[date], *, hour: int = 9, minute: int = 0) -> None:
        """Tick once a day, at nine by default."""
        for day in days:
            self.tick(local(day, hour, minute))

    def name(self, person: str) -> str:
        """Return a person's login."""
        return next(login for login, known in self.people.items() if known == person)

    def ledger(self) -> list[Row]:
        with self.database.reading() as tx:
            return tx.fetch(NOTICES)

    def notices(self) -> list[Row]:
        """Return what is in the ledger for people."""
        return [row for row in self.ledger() if row["recipient"] != UNREACHED]

    def unreached(self) -> list[tuple[str, str, str, str]]:
        """Return (planned, occasion, role, reason) of what nobody was there to be told."""
        return [
            (shown(row["planned_at"]), row["occasion"], row["role"], row["reason"])
            for row in self.ledger()
            if row["recipient"] == UNREACHED
        ]

    def messages(self) -> list[Row]:
        with self.database.reading() as tx:
            return tx.fetch(MESSAGES)

    def addresses(self) -> list[Row]:
        with self.database.reading() as tx:
            return tx.fetch(ADDRESSES)

    def checkpoints(self, project: str | None = None) -> list[Row]:
        with self.database.reading() as tx:
            return [row for row in tx.fetch(CHECKPOINTS) if project in (None, row["project_id"])]

    def told(self, channel: str = "inbox", *, kind: str | None = None) -> list[tuple[str, str, str]]:
        """Return (planned, occasion, login) of what was sent, of one kind of checkpoint where that is named."""
        return [
            (shown(row["planned_at"]), row["occasion"], self.name(row["recipient"]))
            for row in self.notices()
            if row["channel"] == channel and row["status"] == "sent" and kind in (None, row["rule"]["series"])
        ]


def keys(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Return the notices' keys, with when they were planned."""
    return sorted(
        (row["cause"], str(row["version"]), row["occasion"], row["recipient"], row["channel"], shown(row["planned_at"]))
        for row in rows
    )


def add_person(
    world: World, role: str, login: str | None = None, *, city: str | None = None, unit: str | None = None
) -> str:
    """Enter a person and return the id."""
    login = login or role.replace("_", "-")
    new = NewPerson(login, f"某{login}", role, city, unit)
    with world.database.transaction() as tx:
        world.people[login] = people.add_person(tx, world.log, builders.caller("security_admin"), new)
    return world.people[login]


def add_address(
    world: World, login: str, channel: str = "email", *, digest: bool = False, target: str | None = None
) -> str:
    """Enter an address and return its id."""
    address = audit.new_id(OPENED)
    with world.database.transaction() as tx:
        tx.queue(
            ADD_ADDRESS,
            id=address,
            person_id=world.people[login],
            channel=channel,
            target=target or f"{login}@example.invalid",
            secret=None,
            digest=digest,
            active=True,
            failures=0,
            last_error=None,
            created_at=OPENED,
            ended_at=None,
        )
    return address


def end_address(world: World, address: str, at: datetime) -> None:
    with world.database.transaction() as tx:
        tx.queue(END_ADDRESS, of=address, at=at)


def put_in_charge(world: World, project: str, **who: str) -> None:
    """Put persons in charge of a project, by role and login."""
    with world.database.transaction() as tx:
        tx.queue(PUT_IN_CHARGE, of=project, who={role: world.people[login] for role, login in who.items()})


def set_plan(world: World, text: str) -> None:
    """Pin another reminder plan to the batch, as its officers would."""
    with world.database.transaction() as tx:
        digest = pin(tx, "reminders", "another-plan", text, OPENED)
        tx.execute_driver(
            f"UPDATE batch SET reminders_hash = {'%s' if tx.is_postgres else '?'} WHERE id = '{world.batch['id']}'",
            [digest],
        )


def days(first: str, last: str) -> Sequence[date]:
    """Return the days from one to the other, both included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(n) for n in range((end - start).days + 1)]


def open_world(database: Database, log: Log) -> World:
    """Open a batch with a handler, a division head and Jinan's bureau; nobody has an address outside."""
    world = World(database, log, builders.open_batch(database, log))
    add_person(world, "handler")
    add_person(world, "division_head", "head")
    add_person(world, "city", "jinan", city=JINAN)
    return world


def enter_project(world: World, number: int = 1) -> Row:
    """Enter a project of Jinan on the day the batch opens."""
    return builders.create_projects(world.database, world.log, world.batch, 1, first=number)[0]
