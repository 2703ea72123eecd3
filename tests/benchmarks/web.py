"""One act over HTTP against no-ops of the same application, and eight connections at once; real server, real socket."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from lifecycle import people

from . import invariants
from .acts import CYCLE_ON, Subject, caller, instant
from .contest import Effort, Say, build
from .crew import EPOCH, ROOT, Slice, percentile, run_clients, stripe_of
from .server import Server
from .web_client import KINDS
from .world import opened

TURNS = 20  # of 25 requests of each kind, in each round
CROWD = 8  # connections that act at once
CLIENT = (sys.executable, "-m", "tests.benchmarks.web_client")


def run(server: Server, folder: Path, effort: Effort, say: Say) -> dict[str, Any]:
    """Run the rounds and return the raw figures."""
    say("http: building the database")
    pool, _ = build(server, folder, Effort(effort.rounds, effort.seconds, effort.projects, 0))
    server.create("bench_http", "bench_base")
    url = server.url("bench_http")
    token = _token(folder, url)
    rounds, crowds = [], []
    with (
        serving(folder, url) as (port, process),
        invariants.connect(server.address("bench_http")) as connection,
    ):
        for number in range(1, effort.rounds + 1):
            server.settle()
            before = invariants.look(connection, pool)
            task = {"port": port, "token": token, "seed": number}
            found = _client({**task, **_projects(connection, pool), "turns": TURNS})
            invariants.check(connection, before, found["acts"], folder)
            rounds.append({"round": number, **_summed(found["times"])})
            before = invariants.look(connection, pool)
            stripes = [_projects(connection, stripe_of(pool, one, CROWD)) for one in range(CROWD)]
            tasks = [
                {**task, **own, "seed": number * 100 + one, "seconds": effort.seconds}
                for one, own in enumerate(stripes)
            ]
            together = _crowd(server, process, tasks)
            invariants.check(connection, before, together.total, folder)
            crowds.append({"round": number, **together.to_dict()})
            last = rounds[-1]
            say(
                f"  round {number}  no-op {last['noop_us'] / 1000:.2f} ms  signed in {last['me_us'] / 1000:.2f}"
                f"  dry run {last['dry_us'] / 1000:.2f}  act {last['act_us'] / 1000:.2f} ms"
                f"  ratio {last['ratio']:.2f}  {CROWD} connections {together.rate:,.0f} acts/s  invariants: ok"
            )
    return {"rounds": effort.rounds, "seconds": effort.seconds, "http": rounds, "crowd": crowds}


@contextmanager
def serving(folder: Path, url: str) -> Iterator[tuple[int, psutil.Process]]:
    """Start the server in a process of its own; yield its port and the process."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.web_server", str(folder), url, str(EPOCH)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line.strip():
                raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")
            yield int(line), psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _projects(connection: Any, pool: Sequence[Subject]) -> dict[str, Any]:
    """Return a client's projects and their states."""
    wanted = [one.id for one in pool]
    rows = connection.execute("SELECT id, state FROM project WHERE id = ANY(%s::uuid[])", (wanted,)).fetchall()
    return {
        "subjects": [(one.id, one.city, one.lead, one.rank) for one in pool],
        "states": [(row["id"], row["state"]) for row in rows],
    }


def _client(task: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        CLIENT, cwd=ROOT, input=json.dumps(task) + "\n", stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def _crowd(server: Server, process: psutil.Process, tasks: Sequence[dict[str, Any]]) -> Slice:
    """Let clients act at once; `cpu_us` is the serving process's processor time an act, `server_us` PostgreSQL's."""
    spent, served = process.cpu_times(), server.cpu()
    found = run_clients("http", CLIENT, tasks)
    after, ended = process.cpu_times(), server.cpu()
    own = after.user + after.system - spent.user - spent.system
    database = (ended - served) / found.total * 1e6 if ended is not None and served is not None else None
    return replace(found, cpu_us=own / found.total * 1e6, server_us=database)


def _summed(times: dict[str, list[int]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind in KINDS:
        found[f"{kind}_us"] = statistics.median(times[kind])
        found[f"{kind}_p95_us"] = percentile(times[kind], 95)
        found["ratio" if kind == "act" else f"{kind}_ratio"] = found[f"{kind}_us"] / found["noop_us"]
    return found


def _token(folder: Path, url: str) -> str:
    me = caller("security_admin", instant(CYCLE_ON, 0))
    with opened(folder, url) as (database, log):
        with database.transaction() as tx:
            people.add_person(tx, log, me, people.NewPerson("bench", "经办人", "handler"))
        with database.transaction() as tx:
            return people.add_token(tx, log, me, "bench", "bench")[1]
