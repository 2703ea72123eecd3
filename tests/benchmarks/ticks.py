"""A tick's cost beside what is pending: one that finds nothing due, and one that sees to 200 checkpoints."""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from lifecycle import addresses, people
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.people import NewPerson
from schedules.delivery import Delivered
from schedules.parcels import Parcel, Result
from schedules.runner import Context, Ticked, tick

from . import outbox
from .acts import LIFE, Subject, caller, instant
from .contest import Effort, Say
from .figures import Spread, ratios, spread_of, table, text
from .filling import CITY, LEAD, PROJECT, copied, row_id
from .invariants import connect
from .server import Server
from .world import CITIES, FILED_ON, ORIGIN, World, opened, settings_for

SIZES = (1_000, 10_000, 100_000, 1_000_000)  # open checkpoints, none of them due
QUICK = SIZES[:2]
OPEN = 5  # open checkpoints of a published project
DUE = 200  # of one tick
KIND = "half_year_ends"
REMINDED = datetime(2025, 2, 14, 1, tzinfo=UTC)  # 30 working days before the half-year window ends
TOLD = datetime(2024, 9, 2, 2, tzinfo=UTC)
IDLE, BUSY = 40, 1  # ticks of a round, for every second of effort
CHUNK = 20_000  # projects of one statement


class Side(NamedTuple):
    """A database with so many pending checkpoints."""

    size: int
    database: Database
    connection: psycopg.Connection[Any]


def run(server: Server, folder: Path, effort: Effort, sizes: Sequence[int], messages: int, say: Say) -> dict[str, Any]:
    """Fill a database for each size, let ticks go on all of them in turn, then race the outbox; return raw figures."""
    subject = _base(server, folder)
    slices: list[dict[str, Any]] = []
    with ExitStack() as stack:
        sides = [_filled(server, folder, stack, subject, size, say) for size in sizes]
        for number in range(effort.rounds + 1):  # round 0 warms up and does not count
            server.settle()
            for side in sides if number % 2 else sides[::-1]:
                for name, measure in (("idle", _idle), ("busy", _busy)):
                    spent = measure(side, number, effort.seconds)
                    if number:
                        slices.append({"round": number, "tick": name, "size": side.size, "us": spent})
                        say(f"ticks: {side.size:,} pending, {name}: {spent:,.0f} µs")
    race = outbox.run(server, folder, subject, effort, messages, say)
    for name in ("bench_ticks", *map(_named, sizes)):
        server.drop(name)
    return {"rounds": effort.rounds, "sizes": list(sizes), "due": DUE, "slices": slices, "outbox": race}


def _base(server: Server, folder: Path) -> Subject:
    """Make `bench_ticks`: one published project, and an officer with a webhook in each city."""
    server.create("bench_ticks")
    with opened(folder, server.url("bench_ticks")) as (database, log):
        world = World(database, log)
        (subject,) = world.batch("bench-ticks", 1, cities=CITIES[:1])
        ending = next(place for place, step in enumerate(LIFE) if step.event == "publish") + 1
        world.advance([subject], [step for step in LIFE[:ending] if "object" not in step.event])
        for city in CITIES:
            _officer(database, log, folder, server.url("bench_ticks"), city)
        tick(Context(database, _take, lambda: TOLD, ORIGIN), TOLD)  # what the acts gave people to know
    return subject


def _officer(database: Database, log: Log, folder: Path, url: str, city: str) -> None:
    security, login = caller("security_admin", instant(FILED_ON, 0)), f"bureau-{city}"
    with database.transaction() as tx:
        people.add_person(tx, log, security, NewPerson(login, f"市工信局{city}", "city", city))
    with database.transaction() as tx:
        target = f"https://{login}.example.invalid/"  # of the ways out the one whose words take the least time
        addresses.add_address(tx, log, settings_for(folder, url), security, "webhook", target, login=login)


def _filled(server: Server, folder: Path, stack: ExitStack, subject: Subject, size: int, say: Say) -> Side:
    """Make a database with so many open checkpoints, all to be looked at some day after the ticks."""
    name = _named(size)
    server.create(name, "bench_ticks")
    began = time.perf_counter()
    connection = stack.enter_context(connect(server.address(name)))
    later = f"'{(REMINDED + timedelta(60)).isoformat()}'::timestamptz + mod(i, 300) * interval '1 day'"
    project = {"id": PROJECT, "code": "'bench-' || lpad(i::text, 8, '0')", "city": CITY, "lead_code": LEAD}
    checkpoint = {"id": row_id("t.id"), "project_id": PROJECT, "next_at": later}
    for low in range(1, size // OPEN + 1, CHUNK):
        given = {"id": subject.id, "low": low, "high": min(size // OPEN, low + CHUNK - 1)}
        for sql in (
            f"{copied(connection, 'project', project)} AND t.id = %(id)s",
            f"{copied(connection, 'checkpoint', checkpoint)} AND t.project_id = %(id)s AND t.status = 'open'",
        ):
            connection.execute(sql, given)
    connection.execute("UPDATE checkpoint SET next_at = NULL WHERE project_id = %s", (subject.id,))
    connection.execute("VACUUM ANALYZE")
    found = connection.execute("SELECT count(*) AS n FROM checkpoint WHERE next_at IS NOT NULL").fetchone()
    if found != {"n": size}:
        raise AssertionError(f"{found} checkpoints are pending, and not {size}")
    say(f"ticks: filled {size:,} pending checkpoints in {time.perf_counter() - began:,.0f} s")
    database, _ = stack.enter_context(opened(folder, server.url(name)))
    return Side(size, database, connection)


def _named(size: int) -> str:
    return f"bench_ticks_{size}"


def _idle(side: Side, _number: int, seconds: int) -> float:
    """Return the median cost, in microseconds, of a tick that finds nothing due behind what was due the day before."""
    return _median(side, REMINDED + timedelta(1), IDLE * seconds, lambda _: None, Ticked(0, 0, Delivered()))


def _busy(side: Side, number: int, seconds: int) -> float:
    """Return the same of a tick with 200 checkpoints due, told to one officer a city in one message."""
    wanted = Ticked(DUE, DUE, Delivered(sent=len(CITIES)))
    times = BUSY * seconds
    return _median(side, REMINDED, times, lambda turn: _let_fall_due(side, number * times + turn), wanted)


def _median(side: Side, now: datetime, times: int, before: Callable[[int], None], wanted: Ticked) -> float:
    context = Context(side.database, _take, lambda: now, ORIGIN)
    spent = []
    for turn in range(times):
        before(turn)
        began = time.perf_counter()
        done = tick(context, now)
        spent.append((time.perf_counter() - began) * 1e6)
        if done != wanted:
            raise AssertionError(f"the tick did {done}, and not {wanted}")
    return statistics.median(spent)


def _let_fall_due(side: Side, seed: int) -> None:
    """Let 200 checkpoints fall due, as many in each city, and forget what earlier ticks told of them."""
    chance, cities = random.Random(seed), len(CITIES)
    projects = side.size // OPEN
    drawn = [
        number
        for city in range(1, cities + 1)
        for number in chance.sample(range(city, projects + 1, cities), DUE // cities + (city <= DUE % cities))
    ]
    side.connection.execute("TRUNCATE notice, message")
    side.connection.execute(
        "UPDATE checkpoint SET next_at = %s WHERE status = 'open' AND kind = %s "
        f"AND project_id IN (SELECT {PROJECT} FROM unnest(%s::bigint[]) AS i)",
        (REMINDED, KIND, drawn),
    )


def _take(_parcel: Parcel) -> Result:
    return Result("sent")


def cost(found: Mapping[str, Any], name: str) -> Spread | None:
    """Return a tick's cost with the most pending checkpoints to that with the fewest, round by round."""
    few, many = min(found["sizes"]), max(found["sizes"])
    return ratios(_of(found, name, many), _of(found, name, few), "us")


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page."""
    yield "## Ticks"
    yield ""
    yield (
        f"A tick sweeps, composes and delivers: idle, it finds nothing due; busy, {found['due']} checkpoints, of which "
        f"an officer in each of {len(CITIES)} cities is told in the inbox and in one message (sending is left out). "
        f"{found['rounds']} rounds over databases that differ in nothing but how many open checkpoints are pending."
    )
    yield ""
    yield table(
        ("pending", "idle, ms", "busy, ms"),
        [
            (f"{size:,}", *(text(_ms(spread_of(_of(found, name, size), "us")), 2) for name in ("idle", "busy")))
            for size in found["sizes"]
        ],
    )
    yield ""
    yield from outbox.lines(found["outbox"])


def _of(found: Mapping[str, Any], name: str, size: int) -> list[Mapping[str, Any]]:
    return [one for one in found["slices"] if (one["tick"], one["size"]) == (name, size)]


def _ms(found: Spread | None) -> Spread | None:
    return Spread(*(value / 1000 for value in found)) if found else None
