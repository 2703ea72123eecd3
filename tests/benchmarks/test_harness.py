"""The harness of `make bench` in miniature: its parts work and notice what is wrong; nothing is timed."""

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lifecycle.tables import Project

from . import invariants
from .acts import LIFE, Subject
from .capture import capture_cycle
from .crew import Slice, door_tasks, run_door
from .figures import Spread, ratios, spread, table
from .filling import fill, sample
from .pgbench import Limit, number_projects, run_pgbench
from .report import page, targets, write
from .script import write_script
from .server import Server, programs
from .worker import Client
from .world import World, opened

POOL = 16


class Bench(NamedTuple):
    server: Server
    folder: Path
    pool: list[Subject]
    drafts: list[Subject]

    def copy(self, name: str) -> str:
        """Return a fresh copy of the database."""
        self.server.create(name, "bench_base")
        return name


@pytest.fixture(scope="module")
def bench(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    server, folder = Server(postgres_server, programs()), tmp_path_factory.mktemp("bench")
    server.create("bench_base")
    with opened(folder, server.url("bench_base")) as (database, log):
        world = World(database, log)
        pool, drafts = world.pool("bench-pool", POOL), world.batch("bench-life", 2)
    yield Bench(server, folder, pool, drafts)
    for name in ("bench_base", "bench_door", "bench_sql", "bench_broken", "bench_large"):
        server.drop(name)


def test_the_peers_project_has_the_columns_of_ours() -> None:
    models = ast.parse((Path(__file__).parent / "django_peer" / "pilots" / "models.py").read_text("utf-8"))
    peer = next(node for node in models.body if isinstance(node, ast.ClassDef) and node.name == "Project")
    fields = {node.targets[0].id for node in peer.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    assert fields - {"public_id"} == set(Project.__table__.columns.keys())  # type: ignore[attr-defined]


def test_clients_act_on_the_door_and_the_invariants_hold(bench: Bench) -> None:
    name = bench.copy("bench_door")
    with invariants.connect(bench.server.address(name)) as connection:
        before = invariants.look(connection, bench.pool)
        tasks = door_tasks(bench.server.url(name), bench.folder, bench.pool, 1, 60, most=10, warm=2)
        found = run_door(tasks)
        assert (found.acts, found.total) == (10, 12)
        assert invariants.check(connection, before, found.total, bench.folder) == 12


def test_a_project_goes_through_its_whole_life(bench: Bench) -> None:
    name = bench.copy("bench_door")
    with (
        opened(bench.folder, bench.server.url(name)) as (database, log),
        invariants.connect(bench.server.address(name)) as connection,
    ):
        before = invariants.look(connection, bench.drafts)
        acts = sum(1 for _ in Client(database, log, bench.drafts, 1, time.time()).life())
        assert acts == len(LIFE) * len(bench.drafts)
        assert invariants.check(connection, before, acts, bench.folder) == acts


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE project SET version = version + 1",
        "UPDATE capacity SET used = used + 1 WHERE pool = 'city_quota'",
        "DELETE FROM checkpoint WHERE status = 'open'",
        "DELETE FROM pending",
    ],
)
def test_a_broken_invariant_is_noticed(bench: Bench, damage: str) -> None:
    name = bench.copy("bench_broken")
    with (
        opened(bench.folder, bench.server.url(name)) as (database, log),
        invariants.connect(bench.server.address(name)) as connection,
    ):
        before = invariants.look(connection, bench.pool)
        series = Client(database, log, bench.pool, 1, time.time()).cycle()
        next(series)
        connection.execute(damage)  # type: ignore[arg-type]
        with pytest.raises(invariants.Broken):
            invariants.check(connection, before, 1, bench.folder)


@pytest.mark.parametrize("apart", [False, True])
def test_pgbench_writes_what_the_door_writes(bench: Bench, apart: bool) -> None:
    name, subject = bench.copy("bench_sql"), bench.pool[0]
    with opened(bench.folder, bench.server.url(name)) as (database, log):
        acts = capture_cycle(database, log, subject, apart=apart)
    assert [act.event for act in acts] == ["object", "reject_objection"]
    number_projects(bench.server, name, bench.pool)
    script = write_script(acts, subject.id, POOL)
    assert subject.id not in script.text.replace(f"'{subject.id}'", "")  # only as what is replaced
    found = run_pgbench(bench.server, Limit("pgbench", name, acts, subject.id, POOL), 2, 1, bench.folder)
    assert found.clients == 2


def test_a_filled_database_takes_acts(bench: Bench) -> None:
    filled = fill(bench.server, "bench_large", bench.folder, 40, lambda line: None)
    assert filled["bytes"] > 0
    with (
        opened(bench.folder, bench.server.url("bench_large")) as (database, log),
        invariants.connect(bench.server.address("bench_large")) as connection,
    ):
        subjects = sample(connection, 40, 40)
        counted = connection.execute("SELECT count(*) AS n FROM project WHERE code LIKE 'bench-0%'").fetchone()
        assert (len(subjects), counted) == (40, {"n": 40})
        before = invariants.look(connection, subjects)
        series = Client(database, log, subjects, 1, time.time()).cycle()
        for _ in range(12):
            next(series)
        assert invariants.check(connection, before, 12, bench.folder, capacities="same") == 12
        invariants.check(connection, invariants.look(connection, subjects), 0, bench.folder)  # and the sums are right


def test_spreads_and_ratios_are_taken_round_by_round() -> None:
    upper = [{"round": n, "rate": rate} for n, rate in ((1, 20.0), (2, 60.0), (3, 90.0))]
    lower = [{"round": n, "rate": 10.0} for n in (1, 2, 3)]
    assert ratios(upper, lower) == Spread(6, 2, 9)
    assert spread([]) is None
    assert table(("a", "b"), [(1, 2)]) == "| a | b |\n|:--|--:|\n| 1 | 2 |"


def test_the_page_has_every_part_and_its_targets(tmp_path: Path) -> None:
    found = figures()
    write(found, tmp_path)
    text = (tmp_path / "README.md").read_text("utf-8")
    assert text == page(found)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == [
        *("## Targets", "## The one door, committed", "## Bulk", "## HTTP", "## Growth"),
        "## Checked after every slice",
    ]
    measured = {words: one.median for words, one, _, _ in targets(found) if one}
    assert measured["door to django-fsm-2, 4 clients"] == 3
    assert measured["bulk of 1,000 to pgbench one by one, 1 client"] == 8


def figures() -> dict[str, Any]:
    """Return invented figures of every part."""

    def slices(**rates: float) -> list[dict[str, Any]]:
        return [
            {"round": 1, **Slice(name.replace("_", "-"), clients, 10, 10, rate, 1000, 2000, 300, 400).to_dict()}
            for name, rate in rates.items()
            for clients in (1, 4, 16)
        ]

    settings = {"settings": {"fsync": "on"}, "packages": {"psycopg": "3"}, "memory_gib": 24, "fsync_us": 500}
    plain = {"processor": "p", "cores": 2, "python": "3.11", "postgresql": "18", "date": "2024-08-14"}
    measured = {"measured": {**settings, **plain}}
    act = {"event": "object", "guards": 8, "body": 2000, "round_trips": 3, "inserts": {"entry": 1}}
    bulk = {"round": 1, "event": "start_publicity", "rows": 1000, "rate": 4000.0, "rate_with_preview": 2500.0}
    web = {"round": 1, "noop_us": 500, "act_us": 1500, "noop_p95_us": 600, "act_p95_us": 2000, "ratio": 3.0}
    return {
        "door": {
            **{"rounds": 1, "seconds": 1, "projects": 16, "acts": [act], "audit_row": 700, "life_acts": 15},
            "statements": {"pgbench": 4, "pgbench-split": 13},
            "slices": slices(door=1200, django=400, pgbench=1500, pgbench_split=1300),
            "life": [{**one, "contestant": "door, whole life"} for one in slices(door=900)],
            **measured,
        },
        "bulk": {"rounds": 1, "slices": slices(pgbench=500), "bulk": [bulk], **measured},
        "http": {"rounds": 1, "http": [web], "crowd": slices(http=700)[:1], **measured},
        "growth": {
            **{"rounds": 1, "scale": 1, "projects": 1000, "slices": slices(large=900, small=1000)},
            "filled": {"seconds": 1, "rows": {"entry": 10_000}, "bytes": 2**30},
            **measured,
        },
    }
