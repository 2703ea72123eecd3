"""What the figures were measured on: processor, memory, disk's fsync, versions. No names of hosts or users."""

import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .server import SETTINGS, Server

PACKAGES = ("psycopg", "sqlalchemy", "transitions", "cryptography", "orjson", "fastapi", "uvicorn")


def describe(server: Server) -> dict[str, Any]:
    """Return the description as JSON values."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "fsync_us": _fsync(),
        "python": platform.python_version(),
        "postgresql": server.version(),
        "settings": SETTINGS,
        "packages": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _fsync() -> int:
    """Return the median time of appending 8 KiB and forcing it to disk, in microseconds."""
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(200):
            file.write(bytes(8192))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e6)
