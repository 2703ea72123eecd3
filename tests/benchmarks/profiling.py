"""Where one act's time goes: the client's processor, the server's, and waiting; and the functions that cost most."""

import cProfile
import pstats
import time
from pathlib import Path

import psutil

from .capture import capture_cycle
from .contest import Effort, Say, build
from .sampling import sampling
from .server import Server
from .worker import Client, act_for
from .world import opened

ACTS = 2000
TOP = 40


def run(server: Server, folder: Path, effort: Effort, say: Say, acts: int = ACTS) -> None:
    """Print the profile of one client's acts: sampled, which is true to size, and traced, which is complete."""
    pool, _ = build(server, folder, Effort(1, 1, effort.projects, 0))
    server.create("bench_door", "bench_base")
    with opened(folder, server.url("bench_door")) as (database, log):
        for act in capture_cycle(database, log, pool[0], apart=False):
            say(f"{act.event}: {act.guards} guards, {act.trips} round trips, {dict(act.inserts)}, {act.body} octets")
        with database.glance() as tx:
            backend = psutil.Process(tx.driver.info.backend_pid)
        series = Client(database, log, pool, 1, time.time()).cycle()
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
        with sampling() as samples:
            act_for(series, 600, acts * 3)
        unit = spent * share / max(1, samples.total)
        for words, lines in (
            ("by module", samples.rooms(unit)),
            (f"the {TOP} functions that cost most by themselves", samples.lines(samples.own, TOP, unit)),
            (f"the {TOP} with what they call", samples.lines(samples.within, TOP, unit)),
        ):
            say(f"\nµs of the client's processor an act, sampled, {words}:")
            for line in lines:
                say(line)
        profile = cProfile.Profile()
        profile.enable()
        act_for(series, 600, acts)
        profile.disable()
    say("\ntraced: counts are right, times larger than life")
    pstats.Stats(profile).sort_stats("tottime").print_stats(TOP)
