"""The limit: pgbench with the door's own SQL and no Python, on a copy of the same database; its writes are counted."""

import re
import statistics
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from .acts import Subject
from .capture import Captured
from .crew import Slice, percentile
from .invariants import Broken
from .script import Script, write_script
from .server import Server

COUNTED = ("entry", "pending", "disclosure", "checkpoint")
DONE = re.compile(r"number of transactions actually processed: (\d+)")
FAILED = re.compile(r"number of failed transactions: (\d+)")
RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A pgbench contestant: its database and the two acts that it repeats."""

    name: str
    database: str
    acts: tuple[Captured, Captured]
    subject: str  # the project on which they were captured
    projects: int

    def script(self, clients: int) -> Script:
        """Return the script for that many clients, each with its own stripe."""
        return write_script(self.acts, self.subject, self.projects // clients)


def number_projects(server: Server, name: str, subjects: Sequence[Subject]) -> None:
    """Give the pool's projects ids made from 1, 2, 3 …; the foreign keys are as before in the end."""
    new_id = "('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid"
    with server.connect(name) as connection:
        connection.execute("CREATE TEMP TABLE numbered (n bigint, id uuid PRIMARY KEY)")
        with connection.cursor() as cursor, cursor.copy("COPY numbered FROM STDIN") as copy:
            for number, subject in enumerate(subjects, 1):
                copy.write_row((number, subject.id))
        keys = connection.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), conkey[1], attname "
            "FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] "
            "WHERE contype = 'f' AND confrelid = 'project'::regclass"
        ).fetchall()
        for table, key, *_ in keys:
            _do(connection, f"ALTER TABLE {table} DROP CONSTRAINT {key}")
        _do(connection, f"UPDATE project SET id = {new_id} FROM numbered WHERE numbered.id = project.id")
        for table, key, definition, _, column in keys:
            _do(connection, f"UPDATE {table} t SET {column} = {new_id} FROM numbered WHERE numbered.id = t.{column}")
            _do(connection, f"ALTER TABLE {table} ADD CONSTRAINT {key} {definition}")
        for table in {"project", *(key[0] for key in keys)}:
            _do(connection, f"VACUUM (FULL, ANALYZE) {table}")


def run_pgbench(server: Server, limit: Limit, clients: int, seconds: int, folder: Path) -> Slice:
    """Let pgbench act for some seconds, count what it wrote, and return what it measured.

    Raises:
        Broken: it wrote something else than the door does, or a transaction failed.
    """
    script = limit.script(clients)
    file, log = folder / f"{limit.name}.sql", folder / f"{limit.name}.log"
    file.write_text(script.text, "utf-8")
    with server.connect(limit.database) as connection:
        before = _counts(connection)
        done = subprocess.run(
            [
                *(str(server.programs / "pgbench"), "--no-vacuum", "--protocol=prepared", "--log"),
                *(f"--file={file}", f"--log-prefix={log}", f"--client={clients}", f"--jobs={min(clients, 2)}"),
                *(f"--time={seconds}", "--random-seed=1", f"--host={server.host}", "--username=postgres"),
                *(f"--define={name}={value}" for name, value in script.values.items()),
                limit.database,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Broken(f"pgbench ended with {done.returncode}: {done.stderr[-2000:]}")
        times = _times(log)
        acts = int(_found(DONE, done.stdout))
        if int(_found(FAILED, done.stdout)):
            raise Broken("transactions of pgbench failed")
        _check_writes(limit, before, _counts(connection), acts)
    rate = float(_found(RATE, done.stdout))
    return Slice(limit.name, clients, acts, acts, rate, statistics.median(times), percentile(times, 95))


def _check_writes(limit: Limit, before: dict[str, int], after: dict[str, int], acts: int) -> None:
    grown = {name: after[name] - before[name] for name in after}
    wanted: Counter[str] = Counter(versions=acts, heads=acts, open=0)  # as many end as are opened
    for act in limit.acts:
        times = grown[f"entry {act.event}"]
        wanted[f"entry {act.event}"] = times
        for table, rows in act.inserts.items():
            wanted[table] += rows * times
    if grown != dict(wanted) or grown["entry"] != acts:
        raise Broken(f"pgbench wrote {grown}, the door would have written {dict(wanted)} in {acts} acts")


def _counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    parts = [f"(SELECT count(*) FROM {table}) AS {table}" for table in COUNTED]
    row = connection.execute(
        f"SELECT {', '.join(parts)}, (SELECT sum(version) FROM project) AS versions, "  # type: ignore[arg-type]
        "(SELECT sum(head_seq) FROM project) AS heads, "
        "(SELECT count(*) FROM checkpoint WHERE status = 'open') AS open"
    ).fetchone()
    assert row
    found = {name: int(value) for name, value in zip((*COUNTED, "versions", "heads", "open"), row, strict=True)}
    for action in ("object", "reject_objection"):
        counted = connection.execute("SELECT count(*) FROM entry WHERE action = %s", (action,)).fetchone()
        found[f"entry {action}"] = counted[0] if counted else 0
    return found


def _times(prefix: Path) -> list[int]:
    times = []
    for file in prefix.parent.glob(f"{prefix.name}.*"):
        times += [int(line.split()[2]) for line in file.read_text().splitlines()]
        file.unlink()
    return times


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    if match is None:
        raise Broken(f"pgbench said nothing of {pattern.pattern}: {text[-500:]}")
    return match[1]


def _do(connection: psycopg.Connection[Any], sql: str) -> None:
    connection.execute(sql)  # type: ignore[arg-type]
