"""One client of the door, in a process of its own: reads its task, says ready, waits for go, acts, tells its times."""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.requests import Request
from lifecycle.transition import Outcome, transition_project

from .acts import CYCLE, LIFE, Step, Subject, caller, instant, request_of
from .world import opened

Act = Callable[[], None]


class Client:
    """A client with its own connection, and the projects of its stripe."""

    def __init__(self, database: Database, log: Log, subjects: list[Subject], seed: int, epoch: float) -> None:
        """Take the stripe; `epoch` is the time.time() at which the acts' day began."""
        self.database, self.log, self.subjects = database, log, subjects
        self.chance = random.Random(seed)
        self.epoch = epoch
        self.number = seed * 1_000_003 % 9_000_000

    def act(self, step: Step, subject: Subject) -> Outcome:
        """Carry out one act through the one door, committed, and return its outcome."""
        self.number += 1
        now = instant(step.on, time.time() - self.epoch)
        me = caller(step.role, now, subject.city if step.role == "city" else None, subject.lead)
        request: Request = request_of(step, self.number, subject)
        with attempt(self.database, self.log, me, ("project", subject.id), step.event) as tx:
            outcome = transition_project(tx, self.log, me, subject.id, request)
        assert isinstance(outcome, Outcome)
        return outcome

    def cycle(self) -> Iterator[None]:
        """Act on random projects of the stripe for ever: an objection comes in, or is found unfounded."""
        states = self._states()
        while True:
            subject = self.chance.choice(self.subjects)
            states[subject.id] = self.act(CYCLE[states[subject.id]], subject).target
            yield

    def life(self) -> Iterator[None]:
        """Take one draft after another through its whole life; ends when the drafts do."""
        for subject in self.subjects:
            for step in LIFE:
                self.act(step, subject)
                yield

    def _states(self) -> dict[str, str]:
        with self.database.reading() as tx:
            wanted = [subject.id for subject in self.subjects]
            sql = "SELECT id, state FROM project WHERE id = ANY(%s::uuid[])"
            return dict(tx.driver.execute(sql, (wanted,)).fetchall())


def act_for(series: Iterator[None], seconds: float, most: int) -> tuple[list[int], float]:
    """Act until the time or the number is up; return the acts' times (µs) and the seconds gone by."""
    times: list[int] = []
    began = last = time.perf_counter()
    while len(times) < most and last - began < seconds:
        if next(series, series) is series:
            break
        now = time.perf_counter()
        times.append(round((now - last) * 1e6))
        last = now
    return times, last - began


def main() -> None:
    """Do the task on standard input and print the result, both one line of JSON."""
    task: dict[str, Any] = json.loads(sys.stdin.readline())
    subjects = [Subject(*item) for item in task["subjects"]]
    with opened(Path(task["folder"]), task["url"]) as (database, log):
        client = Client(database, log, subjects, task["seed"], task["epoch"])
        series = client.cycle() if task["series"] == "cycle" else client.life()
        warm, _ = act_for(series, 60, task["warm"])
        print("ready", flush=True)
        if sys.stdin.readline().strip() != "go":
            return  # the harness is gone
        spent = time.process_time()
        times, seconds = act_for(series, task["seconds"], task["most"])
        spent = time.process_time() - spent
    print(json.dumps({"warm": len(warm), "times": times, "seconds": seconds, "cpu": spent}), flush=True)


if __name__ == "__main__":
    main()
