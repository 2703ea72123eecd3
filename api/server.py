"""Serving: one process, one worker, a listener of our own, and an orderly end."""

import logging
import socket
import sys
from collections.abc import Callable

import structlog
import uvicorn

from api.app import create_app
from api.scheduling import runs_inside
from lifecycle.settings import Settings

BACKLOG = 2048
GRACE_SECONDS = 20  # for requests under way when the process is told to end


def serve(settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Serve until told to end (SIGINT, SIGTERM); requests under way are finished.

    `ready` is told the address once connections are taken. For more than one core start more processes.
    """
    configure_log(settings.log_level)
    app = create_app(settings, with_scheduler=runs_inside(settings))
    with open_listener(settings.host, settings.port) as listener:
        if ready:
            host, port = listener.getsockname()[:2]
            ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        make_server(app).run(sockets=[listener])


def make_server(app: object) -> uvicorn.Server:
    """Return a server for an application. Forwarded headers are not believed: nobody says who may send them."""
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket whose connections send small answers at once.

    asyncio sets TCP_NODELAY only where it sees IPPROTO_TCP on the listener; without it a no-op took five times as long.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def configure_log(level: str) -> None:
    """Write structlog's events to the error stream as JSON lines, from a level on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
