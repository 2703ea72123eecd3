"""One client on one keep-alive connection: turns of no-ops and of acts, each request's time in microseconds."""

import json
import socket
import sys
import time
from typing import Any

from .acts import CYCLE, UA, Subject, request_of

TURN = 25  # requests of one kind, before the other has its turn


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


def request(method: str, path: str, token: str, body: Any = None) -> bytes:
    """Return a request's bytes."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"User-Agent: {UA}", "Accept: application/json"]
    if body is not None:
        lines += [f"Authorization: Bearer {token}", "Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def main() -> None:
    """Do the task on standard input and print the times."""
    task = json.loads(sys.stdin.readline())
    line = Line(task["port"])
    subjects = [Subject(*item) for item in task["subjects"]]
    states = dict(task["states"])
    times: dict[str, list[int]] = {"noop": [], "act": []}
    number = task["seed"] * 1_000_003 % 9_000_000
    noop = request("GET", "/healthz", task["token"])
    for turn in range(task["turns"] + 1):  # the first warms up
        for _ in range(TURN):
            status, spent = line.ask(noop)
            times["noop"] += [spent] if turn else []
            if status != 200:
                raise RuntimeError(f"/healthz answered {status}")
        for _ in range(TURN):
            subject = subjects[number % len(subjects)]
            step = CYCLE[states[subject.id]]
            asked = request_of(step, number)
            body = {"event": asked.event, "fields": asked.fields, "documents": asked.documents}
            posted = request("POST", f"/api/v1/projects/{subject.id}/transitions", task["token"], body)
            status, spent = line.ask(posted)
            times["act"] += [spent] if turn else []
            if status != 200:
                raise RuntimeError(f"{step.event} answered {status}")
            states[subject.id] = "under_objection" if step.event == "object" else "in_publicity"
            number += 1
    print(json.dumps({"times": times, "acts": (task["turns"] + 1) * TURN}), flush=True)


if __name__ == "__main__":
    main()
