"""Where one act's time goes: the client's processor, the server's, and waiting; and the functions that cost most."""

import cProfile
import pstats
import time
from collections import Counter
from pathlib import Path

import psutil

from .acts import Subject
from .capture import capture_cycle
from .contest import Effort, Say, build
from .server import Server
from .worker import Client, act_for
from .world import opened

ACTS = 2000
TOP = 40


def run(server: Server, folder: Path, effort: Effort, say: Say, acts: int = ACTS) -> None:
    """Print the profile of one client's acts."""
    pool, _ = build(server, folder, Effort(1, 1, effort.projects, 0))
    server.create("bench_door", "bench_base")
    with opened(folder, server.url("bench_door")) as (database, log):
        for act in capture_cycle(database, log, pool[0], apart=False):
            say(f"{act.event}: {act.guards} guards, {act.trips} round trips, {dict(act.inserts)}, {act.body} octets")
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver
            backend = psutil.Process(driver.info.backend_pid)
        series = Client(database, log, list[Subject](pool), 1, time.time()).cycle()
        act_for(series, 60, 200)
        spent, served = time.process_time(), backend.cpu_times()
        times, seconds = act_for(series, 600, acts)
        spent, after = time.process_time() - spent, backend.cpu_times()
        sent = after.user - served.user + after.system - served.system
        share = 1e6 / len(times)
        say(
            f"{len(times)} acts, {len(times) / seconds:,.0f} a second; of each act's {seconds * share:,.0f} µs the "
            f"client computes {spent * share:,.0f}, its backend {sent * share:,.0f}, "
            f"the rest ({(seconds - spent - sent) * share:,.0f}) is fsync and waiting for a processor"
        )
        profile = cProfile.Profile()
        profile.enable()
        act_for(series, 600, acts)
        profile.disable()
    found = pstats.Stats(profile)
    _rooms(found, acts, say)
    say(f"the {TOP} functions that cost most by themselves (cProfile makes Python calls look dearer than they are):")
    found.sort_stats("tottime").print_stats(TOP)
    say("by what they call:")
    found.sort_stats("cumulative").print_stats("lifecycle|states|psycopg", TOP)


def _rooms(found: pstats.Stats, acts: int, say: Say) -> None:
    """Say how the time is shared among packages."""
    rooms: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in found.stats.items():  # type: ignore[attr-defined]
        parts = Path(file).parts
        if file == "~":
            room = f"built in: {name[:60]}" if own / acts * 1e6 > 20 else "built in: others"
        elif "site-packages" in parts:
            room = parts[parts.index("site-packages") + 1]
        else:
            room = "/".join(parts[-2:]) if {"lifecycle", "states"} & set(parts) else "standard library and harness"
        rooms[room] += own
    say("time by place, µs an act under the profiler:")
    for room, own in rooms.most_common(30):
        say(f"  {own / acts * 1e6:8.1f}  {room}")
