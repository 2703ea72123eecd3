"""One act over HTTP against a no-op of the same application: real server, one kept connection, all in own processes."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifecycle import people

from . import invariants
from .acts import CYCLE_ON, Subject, caller, instant
from .contest import Effort, Say, build
from .crew import EPOCH, ROOT, percentile
from .server import Server
from .world import opened

TURNS = 20  # of 25 no-ops and 25 acts in each round


def run(server: Server, folder: Path, effort: Effort, say: Say) -> dict[str, Any]:
    """Run the rounds and return the raw figures."""
    say("http: building the database")
    pool, _ = build(server, folder, Effort(effort.rounds, effort.seconds, effort.projects, 0))
    server.create("bench_http", "bench_base")
    url = server.url("bench_http")
    token = _token(folder, url)
    rounds = []
    with (
        serving(folder, url) as port,
        invariants.connect(server.address("bench_http")) as connection,
    ):
        for number in range(1, effort.rounds + 1):
            server.settle()
            before = invariants.look(connection, pool)
            found = _client(connection, pool, port, token, number, effort)
            invariants.check(connection, before, found["acts"], folder)
            rounds.append({"round": number, **_summed(found["times"])})
            last = rounds[-1]
            say(
                f"  round {number}  no-op {last['noop_us'] / 1000:.2f} ms  act {last['act_us'] / 1000:.2f} ms"
                f"  ratio {last['ratio']:.2f}  invariants: ok"
            )
    return {"rounds": effort.rounds, "http": rounds}


@contextmanager
def serving(folder: Path, url: str) -> Iterator[int]:
    """Start the server in a process of its own and yield its port."""
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
            yield int(line)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _client(
    connection: Any, pool: Sequence[Subject], port: int, token: str, number: int, effort: Effort
) -> dict[str, Any]:
    wanted = [one.id for one in pool]
    rows = connection.execute("SELECT id, state FROM project WHERE id = ANY(%s::uuid[])", (wanted,)).fetchall()
    task = {
        "port": port,
        "token": token,
        "subjects": [(one.id, one.city, one.lead, one.rank) for one in pool],
        "states": [(row["id"], row["state"]) for row in rows],
        "turns": TURNS,
        "seed": number,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.web_client"],
        cwd=ROOT,
        input=json.dumps(task) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def _summed(times: dict[str, list[int]]) -> dict[str, float]:
    noop, act = statistics.median(times["noop"]), statistics.median(times["act"])
    return {
        "noop_us": noop,
        "act_us": act,
        "noop_p95_us": percentile(times["noop"], 95),
        "act_p95_us": percentile(times["act"], 95),
        "ratio": act / noop,
    }


def _token(folder: Path, url: str) -> str:
    me = caller("security_admin", instant(CYCLE_ON, 0))
    with opened(folder, url) as (database, log):
        with database.transaction() as tx:
            people.add_person(tx, log, me, people.NewPerson("bench", "经办人", "handler"))
        with database.transaction() as tx:
            return people.add_token(tx, log, me, "bench", "bench")[1]
