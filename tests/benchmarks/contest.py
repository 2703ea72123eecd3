"""The door, django-fsm-2 and pgbench in turn on one server: interleaved rounds at each number of clients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from . import invariants
from .acts import LIFE, Subject
from .capture import Captured, capture_cycle
from .crew import Slice, door_tasks, run_door
from .peer import Peer, environment
from .pgbench import Limit, number_projects, run_pgbench
from .server import Server
from .world import World, opened

CLIENTS = (1, 4, 16)
BATCH = 320  # drafts of one batch of the whole-life series: 20 a city, as in a province
LIFE_NAME = "door, whole life"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how often."""

    rounds: int
    seconds: int
    projects: int  # in the pool
    batches: int  # of drafts


def build(server: Server, folder: Path, effort: Effort) -> tuple[list[Subject], list[Subject]]:
    """Make `bench_base`: a pool in publicity and drafts; return both."""
    server.create("bench_base")
    with opened(folder, server.url("bench_base")) as (database, log):
        world = World(database, log)
        pool = world.pool("bench-pool", effort.projects)
        drafts = [one for number in range(effort.batches) for one in world.batch(f"bench-life-{number}", BATCH)]
    with server.connect("bench_base") as connection:
        connection.execute("VACUUM (FULL, ANALYZE)")
    return pool, drafts


def limits(server: Server, folder: Path, pool: Sequence[Subject]) -> tuple[Limit, Limit]:
    """Make pgbench's two contestants: the statements as the door sends them, and each write on its own."""
    server.create("bench_capture", "bench_base")
    with opened(folder, server.url("bench_capture")) as (database, log):
        whole = capture_cycle(database, log, pool[0], apart=False)
        apart = capture_cycle(database, log, pool[2], apart=True)
    server.drop("bench_capture")
    server.create("bench_sql", "bench_base")
    number_projects(server, "bench_sql", pool)
    server.create("bench_split", "bench_sql")
    return (
        Limit("pgbench", "bench_sql", whole, pool[0].id, len(pool)),
        Limit("pgbench-split", "bench_split", apart, pool[2].id, len(pool)),
    )


def run(server: Server, folder: Path, effort: Effort, say: Say) -> dict[str, Any]:
    """Run the rounds and return the raw figures."""
    say("door: building the databases")
    pool, drafts = build(server, folder, effort)
    whole, apart = limits(server, folder, pool)
    server.create("bench_door", "bench_base")
    with invariants.connect(server.address("bench_door")) as connection:
        peer = Peer(environment(), server, "bench_django", effort.projects)
        sample = connection.execute("SELECT * FROM project WHERE id = %s", (pool[0].id,)).fetchone()
        assert sample
        peer.prepare(sample)
        slices: list[dict[str, Any]] = []
        for number in range(1, effort.rounds + 1):
            for clients in CLIENTS:

                def door(clients: int = clients, number: int = number) -> Slice:
                    tasks = door_tasks(
                        server.url("bench_door"), folder, pool, clients, effort.seconds, seed=number * 31 + clients
                    )
                    return checked(connection, folder, pool, lambda: metered(server, lambda: run_door(tasks)))

                def django(clients: int = clients, number: int = number) -> Slice:
                    return metered(server, lambda: peer.run(clients, effort.seconds, number * 31 + clients))

                def bare(limit: Limit, clients: int = clients) -> Slice:
                    return metered(server, lambda: run_pgbench(server, limit, clients, effort.seconds, folder))

                turns = [door, django, partial(bare, whole), partial(bare, apart)]
                server.settle()
                shift = (number + clients) % len(turns)  # nobody is always first
                for turn in turns[shift:] + turns[:shift]:
                    slices.append(noted(turn(), number, say))
        life = _lives(server, folder, effort, drafts, connection, say)
    return {
        "rounds": effort.rounds,
        "seconds": effort.seconds,
        "projects": effort.projects,
        "acts": [_told(one) for one in whole.acts],
        "statements": {one.name: one.script(1).statements for one in (whole, apart)},
        "audit_row": peer.audit_size(),
        "slices": slices,
        "life_acts": len(LIFE),
        "life": life,
    }


def checked(
    connection: Any,
    folder: Path,
    subjects: Sequence[Subject],
    act: Callable[[], Slice],
    capacities: str = "equal",
) -> Slice:
    """Run a slice of the door and hold it against the invariants."""
    before = invariants.look(connection, subjects)
    found = act()
    invariants.check(connection, before, found.total, folder, capacities=capacities)
    return found


def metered(server: Server, act: Callable[[], Slice]) -> Slice:
    """Run a slice and add what each act cost the server's processor (its own start-up counted in)."""
    before = server.cpu()
    found = act()
    after = server.cpu()
    if before is None or after is None:
        return found
    return replace(found, server_us=(after - before) / found.total * 1e6)


def noted(found: Slice, number: int, say: Say) -> dict[str, Any]:
    """Say what a slice brought, and return it with the number of its round."""
    say(
        f"  round {number}  {found.clients:>2} clients  {found.contestant:<14}{found.rate:>9,.0f} acts/s"
        f"{found.median_us / 1000:>9.2f} ms  processor: client {found.cpu_us or 0:>6,.0f} "
        f"server {found.server_us or 0:>6,.0f} µs  invariants: ok"
    )
    return {"round": number, **found.to_dict()}


def _lives(
    server: Server, folder: Path, effort: Effort, drafts: list[Subject], connection: Any, say: Say
) -> list[dict[str, Any]]:
    """Let the door take drafts through their whole life; every slice begins with drafts that nobody has touched."""
    slices, left = [], drafts
    for number in range(1, effort.rounds + 1):
        for clients in CLIENTS:
            share = effort.rounds * len(CLIENTS) - len(slices)
            mine, left = left[: len(left) // share], left[len(left) // share :]
            tasks = door_tasks(
                server.url("bench_door"), folder, mine, clients, effort.seconds, series="life", warm=len(LIFE)
            )
            found = checked(
                connection, folder, mine, lambda tasks=tasks: metered(server, lambda: run_door(tasks, LIFE_NAME))
            )
            slices.append(noted(found, number, say))
    return slices


def _told(act: Captured) -> dict[str, Any]:
    return {
        "event": act.event,
        "guards": act.guards,
        "body": act.body,
        "round_trips": act.trips,
        "inserts": dict(act.inserts),
    }
