"""Bulk acts of 10 to 10,000 rows beside pgbench doing the same acts one by one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lifecycle.bulk
from lifecycle.bulk import Item

from . import invariants
from .acts import TO_PUBLICITY, Step, Subject, caller, instant, request_of
from .contest import Effort, Say, build, limits, noted
from .pgbench import run_pgbench
from .server import Server
from .world import LIMIT, World, opened

CLIENTS = (1, 4)
CITY = "370100"
# The acts: the last step to publicity (computes a date, opens a checkpoint) and the filing (17 rules, capacities).
ACTS = (TO_PUBLICITY[-1], TO_PUBLICITY[0])


@dataclass(frozen=True, slots=True)
class Size:
    """A number of rows, and how often it is measured in a round."""

    rows: int
    times: int


SIZES = (Size(10, 10), Size(100, 3), Size(1000, 2), Size(10_000, 1))
QUICK = (Size(10, 3), Size(100, 2), Size(1000, 1))


def run(server: Server, folder: Path, effort: Effort, sizes: Sequence[Size], say: Say) -> dict[str, Any]:
    """Run the rounds and return the raw figures."""
    say("bulk: building the databases")
    pool, _ = build(server, folder, Effort(effort.rounds, effort.seconds, effort.projects, 0))
    one_by_one, _ = limits(server, folder, pool)
    rows = sum(size.rows * size.times for size in sizes)
    server.create("bench_rows")
    with opened(folder, server.url("bench_rows")) as (database, log):
        world = World(database, log)
        reviewed = world.batch("bench-reviewed", rows)
        world.advance(reviewed, TO_PUBLICITY[:-1])
        drafts = world.batch("bench-drafts", rows, (CITY,))
    with server.connect("bench_rows") as connection:
        connection.execute("VACUUM (FULL, ANALYZE)")
    slices, measured = [], []
    for number in range(1, effort.rounds + 1):
        server.settle()
        for clients in CLIENTS:
            slices.append(noted(run_pgbench(server, one_by_one, clients, effort.seconds, folder), number, say))
        for step, subjects in zip(ACTS, (reviewed, drafts), strict=True):
            server.create("bench_bulk", "bench_rows")
            measured += _round(server, folder, step, subjects, sizes, number, say)
            server.drop("bench_bulk")
    return {"rounds": effort.rounds, "slices": slices, "bulk": measured}


def _round(
    server: Server, folder: Path, step: Step, subjects: Sequence[Subject], sizes: Sequence[Size], number: int, say: Say
) -> list[dict[str, Any]]:
    found, left = [], list(subjects)
    with (
        opened(folder, server.url("bench_bulk")) as (database, log),
        invariants.connect(server.address("bench_bulk")) as connection,
    ):
        me = caller(step.role, instant(step.on, number), CITY if step.role == "city" else None)
        request = request_of(step, number)
        for size in sizes:
            for _ in range(size.times):
                mine, left = left[: size.rows], left[size.rows :]
                before = invariants.look(connection, mine)
                items = [Item(one.id) for one in mine]
                began = time.perf_counter()
                with database.reading() as tx:
                    digest = lifecycle.bulk.preview_transitions(tx, me, request, items, LIMIT).digest
                previewed = time.perf_counter()
                with database.transaction() as tx:
                    done = lifecycle.bulk.transition_projects(tx, log, me, request, items, digest, LIMIT)
                ended = time.perf_counter()
                invariants.check(connection, before, len(done.moved), folder, others=1)
                found.append(
                    {
                        "round": number,
                        "event": step.event,
                        "rows": size.rows,
                        "rate": size.rows / (ended - previewed),
                        "rate_with_preview": size.rows / (ended - began),
                    }
                )
            last = found[-1]
            say(
                f"  round {number}  {size.rows:>6} rows  {step.event:<16}{last['rate']:>8,.0f} rows/s"
                f"{last['rate_with_preview']:>8,.0f} with preview  invariants: ok"
            )
    return found
