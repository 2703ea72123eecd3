"""The world outside: a mail server and a webhook receiver that fail often, and remember all that reached them."""

import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import psutil
from aiosmtpd.smtp import Envelope

from tests.schedules.servers import OnFreePort

MESSAGE_ID = re.compile(rb"^message-id: <([^@>]+)@", re.IGNORECASE | re.MULTILINE)
MOST = 4  # failures of one message: then it is through within half an hour
Fate = Literal["taken", "refused", "taken and unsaid", "taken and denied", "never", "killed", "stalled"]
Trap = Literal["killed", "stalled"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that was taken, whatever was answered; of a mail, which is long, the content is not kept."""

    channel: str
    id: str
    target: str
    content: bytes


@dataclass
class Outside:
    """What has arrived; which share of deliveries fails, and how; what befalls the process that makes the next one.

    The `trap` springs when a message has been taken and its sender has still to hear and to settle so.
    """

    chance: random.Random
    failing: float
    smtp_port: int = 0
    url: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    pids: Callable[[], list[int]] = list
    strike: Callable[[Trap, int], None] = lambda trap, pid: None
    trap: Trap | None = None
    _failures: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, arrival: Arrival, port: int) -> Fate:
        """Decide what becomes of a delivery from a port of this machine, and remember what is taken."""
        with self._lock:
            fate = self._fate(arrival.id)
            if self.trap and self._strike_sender(self.trap, port):
                fate, self.trap = self.trap, None
            self.fates[fate] += 1
            self._failures[arrival.id] += fate != "taken"
            if fate not in ("refused", "never"):
                self.arrivals.append(arrival)
        return fate

    def _fate(self, name: str) -> Fate:
        drawn = self.chance.random()
        if drawn >= self.failing or self._failures[name] >= MOST:
            return "taken"
        share = drawn / self.failing
        if share < 0.02:
            return "never"
        return "refused" if share < 0.4 else "taken and unsaid" if share < 0.7 else "taken and denied"

    def _strike_sender(self, trap: Trap, port: int) -> bool:
        for pid in self.pids():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if any(
                    found.laddr and found.laddr.port == port for found in psutil.Process(pid).net_connections("tcp")
                ):
                    self.strike(trap, pid)
                    return True
        return False


class _Mail:
    """The mail server's manners: 451 is for now, 550 for good, and a lost connection says nothing."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        found = MESSAGE_ID.search(content)
        name = found[1].decode() if found else ""
        fate = self.outside.take(Arrival("email", name, envelope.rcpt_tos[0], b""), session.peer[1])
        if fate in ("taken and unsaid", "killed"):
            server.transport.abort()
        return {"taken": "250 OK", "stalled": "250 OK", "never": "550 no such mailbox"}.get(fate, "451 try again later")


def _handler(outside: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            arrival = Arrival("webhook", self.headers.get("webhook-id", ""), self.path, body)
            fate = outside.take(arrival, self.client_address[1])
            if fate in ("taken and unsaid", "killed"):
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response({"taken": 200, "stalled": 200, "never": 410}.get(fate, 500))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of senders that were killed."""


@contextmanager
def world_outside(seed: int, failing: float) -> Iterator[Outside]:
    """Open both receivers on free ports of this machine."""
    outside = Outside(random.Random(seed), failing)
    mail = OnFreePort(_Mail(outside), hostname="127.0.0.1", port=0)
    web = _Quiet(("127.0.0.1", 0), _handler(outside))
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mail.start()
    outside.smtp_port, outside.url = mail.port, f"http://127.0.0.1:{web.server_port}"
    try:
        yield outside
    finally:
        mail.stop()
        web.shutdown()
        thread.join()
        web.server_close()
