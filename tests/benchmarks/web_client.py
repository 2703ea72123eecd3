"""A client on one keep-alive connection: turns of each kind of request, or acts without pause beside other clients."""

import json
import socket
import sys
import time
from typing import Any

from .acts import CYCLE, UA, Subject, request_of

TURN = 25  # requests of one kind, before the next has its turn
WARM = 10  # acts before the others are waited for
KINDS = ("noop", "me", "dry", "act")


class Line:
    """A connection that is kept; requests are made beforehand, so that the client costs next to nothing."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, int]:
        """Send a request, read the whole answer, and return its status and the time it took."""
        began = time.perf_counter_ns()
        self.socket.sendall(request)
        answer = self.socket.recv(65536)
        while True:
            head, found, body = answer.partition(b"\r\n\r\n")
            if found:
                lower = head.lower()
                size = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
                if len(body) >= size:
                    break
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server has hung up")
            answer += more
        return int(head[9:12]), (time.perf_counter_ns() - began) // 1000


class Caller:
    """Makes requests of every kind; knows its projects' states, so that each act is one that goes through."""

    def __init__(self, task: dict[str, Any]) -> None:
        """Connect, as the task says."""
        self.line = Line(task["port"])
        self.token = task["token"]
        self.subjects = [Subject(*item) for item in task["subjects"]]
        self.states = dict(task["states"])
        self.number = task["seed"] * 1_000_003 % 9_000_000

    def ask(self, kind: str) -> int:
        """Make a request of a kind and return the microseconds that it took."""
        subject = self.subjects[self.number % len(self.subjects)]
        step = CYCLE[self.states[subject.id]]
        wanted = request_of(step, self.number)
        body = {"event": wanted.event, "fields": wanted.fields, "documents": wanted.documents}
        path = f"/api/v1/projects/{subject.id}/transitions"
        posted = {
            "noop": ("GET", "/healthz", "", None),
            "me": ("GET", "/api/v1/people/me", self.token, None),
            "dry": ("POST", path, self.token, {**body, "dry_run": True}),
            "act": ("POST", path, self.token, body),
        }[kind]
        status, spent = self.line.ask(request(*posted))
        if status != 200:
            raise RuntimeError(f"{kind}, {step.event}: answered {status}")
        if kind == "act":
            self.states[subject.id] = "under_objection" if step.event == "object" else "in_publicity"
        self.number += 1
        return spent


def request(method: str, path: str, token: str, body: Any = None) -> bytes:
    """Return a request's bytes."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"User-Agent: {UA}", "Accept: application/json"]
    if token:
        lines += [f"Authorization: Bearer {token}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def turns(caller: Caller, number: int) -> dict[str, Any]:
    """Take turns of every kind and return the times by kind; the first turn warms up."""
    times: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for turn in range(number + 1):
        for kind in KINDS:
            spent = [caller.ask(kind) for _ in range(TURN)]
            times[kind] += spent if turn else []
    return {"times": times, "acts": (number + 1) * TURN}


def crowd(caller: Caller, seconds: float) -> dict[str, Any]:
    """Act without pause, once all are told to go, and return the times."""
    for _ in range(WARM):
        caller.ask("act")
    print("ready", flush=True)
    if sys.stdin.readline().strip() != "go":
        raise SystemExit("the harness is gone")
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds:
        times.append(caller.ask("act"))
    return {"warm": WARM, "times": times, "seconds": time.perf_counter() - began}


def main() -> None:
    """Do the task on standard input and print the times."""
    task = json.loads(sys.stdin.readline())
    caller = Caller(task)
    found = crowd(caller, task["seconds"]) if "seconds" in task else turns(caller, task["turns"])
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
