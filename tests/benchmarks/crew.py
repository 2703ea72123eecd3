"""Client processes that begin together, and what they measured, put together."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .acts import Subject

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "tests.benchmarks.worker")
EPOCH = time.time()  # when the acts' day began: ids made from instants stay in order over all slices
UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class Slice:
    """What one contestant did in one slice. Times in microseconds."""

    contestant: str
    clients: int
    acts: int  # while the clock ran
    total: int  # with those that warmed up
    rate: float
    median_us: float
    p95_us: float
    cpu_us: float | None = None  # of the client's processor, for each act
    server_us: float | None = None  # of the server's

    def to_dict(self) -> dict[str, Any]:
        """Return the slice as JSON values."""
        return asdict(self)


def run_clients(
    contestant: str,
    command: Sequence[str],
    tasks: Sequence[dict[str, Any]],
    folder: Path = ROOT,
    environment: dict[str, str] | None = None,
) -> Slice:
    """Start a process for each task, let them begin together, and sum up; none is left running."""
    started: list[subprocess.Popen[str]] = []
    try:
        for task in tasks:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started.append(process)
            _tell(process, json.dumps(task))
        for process in started:
            if _hear(process) != "ready":
                raise RuntimeError(f"a client of {contestant} did not get ready")
        for process in started:
            _tell(process, "go")
        found = [json.loads(_hear(process)) for process in started]
        for process in started:
            if process.wait(30):
                raise RuntimeError(f"a client of {contestant} ended with {process.returncode}")
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
    return summed(contestant, found)


def summed(contestant: str, found: Sequence[dict[str, Any]]) -> Slice:
    """Return the clients' results as one."""
    times = [one for client in found for one in client["times"]]
    acts = len(times)
    spent = sum(client.get("cpu") or 0 for client in found)
    return Slice(
        contestant,
        len(found),
        acts,
        acts + sum(client["warm"] for client in found),
        sum(len(client["times"]) / client["seconds"] for client in found if client["times"]),
        statistics.median(times),
        percentile(times, 95),
        spent / acts * 1e6 if spent else None,
    )


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value that `share` percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def door_tasks(
    url: str,
    folder: Path,
    subjects: Sequence[Subject],
    clients: int,
    seconds: float,
    *,
    series: str = "cycle",
    most: int = UNLIMITED,
    seed: int = 1,
    warm: int = 20,
) -> list[dict[str, Any]]:
    """Return the clients' tasks: each has its own stripe of the projects."""
    return [
        {
            "url": url,
            "folder": str(folder),
            "subjects": [(one.id, one.city, one.lead, one.rank) for one in stripe_of(subjects, number, clients)],
            "series": series,
            "seconds": seconds,
            "most": most,
            "warm": warm,
            "seed": seed * 100 + number,
            "epoch": EPOCH,
        }
        for number in range(clients)
    ]


def stripe_of(subjects: Sequence[Subject], number: int, clients: int) -> Sequence[Subject]:
    """Return the projects of one client, all next to one another; no other client has them."""
    size = len(subjects) // clients
    return subjects[number * size : (number + 1) * size]


def run_door(tasks: Sequence[dict[str, Any]], contestant: str = "door") -> Slice:
    """Let clients of the door act."""
    return run_clients(contestant, WORKER, tasks)


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()
