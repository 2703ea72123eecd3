"""The scheduler processes: let go together, killed or stopped in the midst of it, and started again."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from schedules.delivery import LEASE
from tests.schedules.year.outside import Trap

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "tests.schedules.year.worker")
PATIENT = 300  # seconds that a process may take over one instant
STALL = LEASE + timedelta(minutes=4)


class Worker:
    """One process with its pipes; `busy` while it has an instant to see to."""

    def __init__(self, task: dict[str, Any], said_to: Path) -> None:
        with said_to.open("ab") as errors:
            self.process = subprocess.Popen(
                COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0
            )
        self.busy = True  # getting ready
        self._heard = b""
        self.say(json.dumps(task))

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.busy = True
        with suppress(BrokenPipeError):  # it was killed; its end is seen when it is listened to
            self.process.stdin.write(line.encode() + b"\n")

    def hear(self) -> list[str] | None:
        """Return the lines that have come, or None where the process is gone."""
        assert self.process.stdout
        heard = os.read(self.process.stdout.fileno(), 65536)
        if not heard:
            return None
        *lines, self._heard = (self._heard + heard).split(b"\n")
        return [line.decode() for line in lines]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()


class Crew:
    """The processes; one that is killed is replaced while the others go on."""

    def __init__(self, size: int, task: dict[str, Any], said_to: Path) -> None:
        self.task, self.said_to = task, said_to
        self.done: Counter[str] = Counter()
        self.errors: list[str] = []
        self.killed = self.stalled = 0
        self.rounds = 0
        self.took = 0.0  # seconds of the last round
        self.now: datetime | None = None
        self._asleep: tuple[Worker, datetime] | None = None
        self._workers = [Worker(task, said_to) for _ in range(size)]

    def tick(self, now: datetime, victim: int | None = None, after: float = 0) -> bool:
        """Let all processes that are ready see to an instant, and return whether one was killed.

        `victim` names one to be killed so many seconds after the beginning, if it is still at work then.
        """
        self.now = now
        if self._asleep and now > self._asleep[1] + STALL:
            self.rouse()
        self._hear_all(0)
        while all(worker.busy for worker in self._workers):
            self._hear_all(PATIENT)
        began, killed, self.rounds = time.monotonic(), self.killed, self.rounds + 1
        going = [worker for worker in self._workers if not worker.busy]
        for worker in going:
            worker.say(now.isoformat())
        chosen = going[victim % len(going)] if victim is not None else None
        while any(self._at_work(worker) for worker in going):
            left = began + after - time.monotonic() if chosen else None
            if chosen is not None and left is not None and left <= 0:
                if self._at_work(chosen):
                    self.strike("killed", chosen.process.pid)
                chosen = None
            self._hear_all(max(0.0, left) if chosen and left is not None else 0.05)  # one may be stopped meanwhile
            if time.monotonic() - began > PATIENT:
                raise TimeoutError(f"a scheduler did not come to an end with {now}")
        self.took = time.monotonic() - began
        return self.killed > killed

    def strike(self, how: Trap, pid: int) -> None:
        """Kill a process as the kernel would, or stop it in its tracks until the lease of its work has run out."""
        if how == "killed":
            self.killed += 1
            os.kill(pid, signal.SIGKILL)
            return
        assert self.now
        self.stalled += 1
        self._asleep = next(worker for worker in self._workers if worker.process.pid == pid), self.now
        os.kill(pid, signal.SIGSTOP)

    def rouse(self) -> None:
        """Let a process that was stopped go on as if nothing had been."""
        if self._asleep:
            os.kill(self._asleep[0].process.pid, signal.SIGCONT)
            self._asleep = None

    def rest(self) -> None:
        """Return when all have come to the end of what they are doing."""
        self.rouse()
        while any(worker.busy for worker in self._workers):
            self._hear_all(PATIENT)

    @property
    def may_stall(self) -> bool:
        """True while none is stopped."""
        return self._asleep is None

    @property
    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers]

    def end(self) -> None:
        for worker in self._workers:
            worker.end()

    def _at_work(self, worker: Worker) -> bool:
        stopped = self._asleep is not None and self._asleep[0] is worker
        return worker.busy and worker in self._workers and not stopped

    def _hear_all(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                assert worker.process.stdout
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            for key, _ in selector.select(seconds):
                self._take(key.data)

    def _take(self, worker: Worker) -> None:
        lines = worker.hear()
        if lines is None:
            if worker.process.wait() != -signal.SIGKILL:
                raise RuntimeError(f"a scheduler ended by itself: see {self.said_to}")
            worker.end()
            self._workers[self._workers.index(worker)] = Worker(self.task, self.said_to)
            return
        for line in lines:
            worker.busy = False
            if line != "ready":
                said = json.loads(line)
                self.errors += [said.pop("error")] if "error" in said else []
                self.done.update(said)


@contextmanager
def crew_of(size: int, task: dict[str, Any], said_to: Path) -> Iterator[Crew]:
    crew = Crew(size, task, said_to)
    try:
        yield crew
    finally:
        crew.end()
