"""The real server on a real socket: answers without delay, ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.server import make_server, open_listener
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client


@pytest.fixture
def served(settings: Settings, database: Database, log: Log) -> Iterator[tuple[str, uvicorn.Server]]:
    """Address and server of the application, serving in a thread."""
    listener = open_listener("127.0.0.1", 0)
    server = make_server(create_app(settings, database, log))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    server.should_exit = True
    thread.join(10)
    listener.close()
    assert not thread.is_alive()


def test_the_application_is_served_over_a_socket(
    served: tuple[str, uvicorn.Server], client: Client, projects: list[Row]
) -> None:
    headers = {"Authorization": f"Bearer {client.tokens['handler']}"}
    with httpx.Client(base_url=served[0], headers=headers) as http:
        assert http.get("/healthz").json() == {"status": "ok"}
        shown = http.get(f"/api/v1/projects/{projects[0]['id']}")
        assert (shown.json()["code"], shown.headers["etag"]) == (projects[0]["code"], '"1"')
        forwarded = http.get("/api/v1/people/me", headers={"X-Forwarded-For": "198.51.100.1"})
        assert (forwarded.status_code, "server" in forwarded.headers) == (200, False)
        http.headers["Content-Type"] = "application/json"
        chunked = http.post("/api/v1/projects", content=iter([b"{", b"}"]))
        assert chunked.json()["type"] == "/problems/invalid"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_send_small_answers_at_once(host: str) -> None:
    try:
        listener = open_listener(host, 0)
    except OSError:
        assert host == "::1"  # a machine without IPv6
        return
    with listener, socket.create_connection(listener.getsockname()[:2]):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_process_says_where_it_serves_logs_json_and_ends_when_told(settings: Settings) -> None:
    program = (
        "from api.server import serve; from lifecycle.settings import Settings; "
        "serve(Settings(), lambda where: print(where, flush=True))"
    )
    environment = {**os.environ, "PILOT_DATA_DIR": str(settings.data_dir), "PILOT_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        with httpx.Client(base_url=process.stdout.readline().strip()) as http:
            told = http.get("/readyz").json(), http.get("/api/v1/projects").status_code
        process.send_signal(signal.SIGTERM)  # before anything is asserted: else the process would stay
        _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
    assert (told[0]["status"], told[1]) == ("ready", 401)
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [(line["path"], line["status"]) for line in lines if line["event"] == "request"] == [
        ("/readyz", 200),
        (None, 401),
    ]
