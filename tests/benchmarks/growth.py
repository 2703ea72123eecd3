"""The door's cost in a database with a million projects and ten million entries against a nearly empty one."""

from pathlib import Path
from typing import Any

from . import invariants
from .contest import Effort, Say, build, checked, metered, noted
from .crew import door_tasks, run_door
from .filling import fill, sample
from .server import Server

CLIENTS = (1, 4)
PROJECTS = 1_000_000
TOUCHED = 20_000  # projects of the large database that the acts choose from


def run(server: Server, folder: Path, effort: Effort, scale: float, say: Say) -> dict[str, Any]:
    """Fill the large database, let the door act on both in turn, and return the raw figures."""
    projects = max(1000, round(PROJECTS * scale))
    say(f"growth: filling {projects:,} projects")
    filled = fill(server, "bench_large", folder, projects, say)
    pool, _ = build(server, folder, Effort(effort.rounds, effort.seconds, effort.projects, 0))
    server.create("bench_small", "bench_base")
    slices: list[dict[str, Any]] = []
    with (
        invariants.connect(server.address("bench_large")) as large,
        invariants.connect(server.address("bench_small")) as small,
    ):
        sides = [
            ("large", large, sample(large, projects, TOUCHED)),
            ("small", small, pool),
        ]
        for number in range(effort.rounds + 1):  # round 0 warms up and does not count
            for clients in CLIENTS:
                server.settle()
                for name, connection, subjects in sides if number % 2 else sides[::-1]:
                    tasks = door_tasks(
                        server.url(f"bench_{name}"), folder, subjects, clients, effort.seconds, seed=number * 7 + 1
                    )
                    found = checked(
                        connection,
                        folder,
                        subjects,
                        lambda tasks=tasks, name=name: metered(server, lambda: run_door(tasks, name)),
                        "same",
                    )
                    if number:
                        slices.append(noted(found, number, say))
    return {"rounds": effort.rounds, "scale": scale, "projects": projects, "filled": filled, "slices": slices}
