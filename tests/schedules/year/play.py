"""The year itself: the clock moves from one thing to the next, deeds are done, all schedulers see to it, some die."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from lifecycle import messages
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.statements import Statement
from lifecycle.tables import Announcement, Checkpoint, Message, Notice
from states.roles import actor_of
from tests.schedules.year.crew import Crew
from tests.schedules.year.house import House
from tests.schedules.year.outside import Outside
from tests.schedules.year.story import ASLEEP, BEGINS, Deed

GRAIN = timedelta(minutes=2)  # repetitions that fall due meanwhile are seen to together
AT_ONE_INSTANT = 60  # rounds: a process that is killed leaves its work to the next
_check = Checkpoint.__table__  # type: ignore[attr-defined]
_announcement = Announcement.__table__  # type: ignore[attr-defined]
_notice = Notice.__table__  # type: ignore[attr-defined]
_message = Message.__table__  # type: ignore[attr-defined]


def _first(column: sa.Column[datetime], which: str) -> Statement:
    return Statement(sa.select(sa.func.min(column, type_=column.type).label("at")).where(sa.text(which)))


PLANNED = (
    _first(_check.c.next_at, "status = 'open'"),
    _first(_announcement.c.at, "expanded_at IS NULL"),
    _first(_notice.c.send_at, "status = 'waiting' AND message_id IS NULL"),
)
AGAIN = _first(_message.c.next_at, "status IN ('waiting','sending')")
DEAD = Statement(sa.select(_message.c.id).where(_message.c.status == "dead"))


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of a year it is."""

    projects: int
    schedulers: int
    kills: int
    stalls: int
    ends: datetime
    failing: float = 0.2


@dataclass
class Year:
    """A year being played."""

    house: House
    crew: Crew
    outside: Outside
    effort: Effort
    chance: random.Random
    say: Callable[[str], None]
    requeued: int = 0

    @property
    def database(self) -> Database:
        return self.house.database

    def play(self, deeds: list[tuple[datetime, str, Deed]]) -> None:
        """Let the year pass until nothing is left to be done before its end."""
        now, told, left = BEGINS, BEGINS, deeds[::-1]
        while now <= self.effort.ends:
            while left and left[-1][0] <= now:
                _, project, deed = left.pop()
                self.house.do(project, deed)
            wakes = next((ends for begins, ends in ASLEEP if begins <= now < ends), None)
            upcoming = [left[-1][0]] if left else []
            if wakes:
                now = min([wakes, *upcoming])
                continue
            self._see_to(now)
            if now - told > timedelta(30):
                told = now
                self.say(f"{now:%Y-%m-%d}: {len(self.outside.arrivals)} arrivals, {self.crew.killed} killed")
            now = min([*upcoming, *self._next(now)], default=self.effort.ends + GRAIN)
        self.crew.rest()

    def _see_to(self, now: datetime) -> None:
        """Let all schedulers do all that is due by now; dead letters go out once more, as an officer would have it."""
        for _ in range(AT_ONE_INSTANT):
            self._round(now)
            with self.database.reading() as tx:
                dead = [row["id"] for row in tx.fetch(DEAD)]
            for message in dead:
                officer = Caller(actor_of("handler", "handler"), Source("test"), now)
                with self.database.transaction() as tx:
                    messages.requeue(tx, self.house.log, officer, message)
                self.requeued += 1
            if all(at > now for at in self._due()):
                return
        raise AssertionError(f"there is no end to what is due at {now}")

    def _round(self, now: datetime) -> None:
        """Let all schedulers go once; as the year goes on, one is killed or stopped in it, as many as there should be.

        Killed by turns at a random moment, and when its message is taken and not yet settled.
        """
        gone, crew = (now - BEGINS) / (self.effort.ends - BEGINS), self.crew
        self.outside.trap = None
        if crew.killed < min(self.effort.kills, self.effort.kills * gone + 1):
            if crew.killed % 2:
                crew.tick(now, self.chance.randrange(100), self.chance.random() * (crew.took or 0.01))
                return
            self.outside.trap = "killed"
        elif crew.may_stall and crew.stalled < min(self.effort.stalls, self.effort.stalls * gone + 1):
            self.outside.trap = "stalled"
        crew.tick(now)

    def _due(self) -> list[datetime]:
        with self.database.reading() as tx:
            found = [tx.one(statement) for statement in (*PLANNED, AGAIN)]
        return [row["at"] for row in found if row and row["at"]]

    def _next(self, now: datetime) -> list[datetime]:
        """Return the next instants at which something falls due; what is sent again waits for the grain."""
        with self.database.reading() as tx:
            planned = [row["at"] for row in map(tx.one, PLANNED) if row and row["at"]]
            again = tx.one(AGAIN)
        return [*planned, *([max(again["at"], now + GRAIN)] if again and again["at"] else [])]
