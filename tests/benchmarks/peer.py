"""django-fsm-2 + django-fsm-log beside the door: its environment, its database on the same server, its checks."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .crew import EPOCH, UNLIMITED, Slice, run_clients
from .invariants import Broken
from .server import Server

HERE = Path(__file__).parent
LOCK = HERE / "requirements-django.lock"
# What the door does in the same act and the peer does not: printed under the tables.
LACKS = (
    "no hash chain, no canonical bytes, no signature",
    "no checkpoints computed, closed or opened",
    "no commitments to personal data and no disclosures",
    "guards stop at the first that fails and give no reasons: no findings",
    "no refused attempts on record, no append-only triggers, no queue for a seal",
    "no capacities, no second person, no rule versions pinned by hash",
)


def environment() -> Path:
    """Return the Python of the peer's own virtual environment; it is made once for each lock."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(tempfile.gettempdir()) / "pilot-bench")
    folder = cache / f"django-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "-r", str(LOCK))
        subprocess.run([str(python), *install], check=True)
        stamp.touch()
    return python


def versions() -> str:
    """Return the peers' versions as the lock names them."""
    wanted = ("django==5", "django-fsm-2==", "django-fsm-log==", "psycopg==")
    lines = [line.split(" ")[0] for line in LOCK.read_text().splitlines() if line.startswith(wanted)]
    return ", ".join(line.replace("==", " ") for line in lines)


@dataclass(frozen=True, slots=True)
class Peer:
    """The peer on its own database."""

    python: Path
    server: Server
    database: str
    projects: int

    def prepare(self, sample: Mapping[str, Any]) -> None:
        """Make the database and its projects, as many as the door has and like this row."""
        self.server.create(self.database)
        plain = {name: value for name, value in sample.items() if not isinstance(value, bytes)}
        task = json.dumps({"sample": plain, "count": self.projects}, default=str)
        command, settings = self._command(), {**os.environ, **self._settings()}
        subprocess.run(command, cwd=HERE / "django_peer", env=settings, input=task + "\n", text=True, check=True)

    def run(self, clients: int, seconds: float, seed: int, most: int = UNLIMITED) -> Slice:
        """Let the peer's clients act, and check that no act was lost.

        Raises:
            Broken: versions, log rows or audit rows are not as many as acts.
        """
        size = self.projects // clients
        tasks = [
            {
                "range": (number * size + 1, (number + 1) * size + 1),
                "seconds": seconds,
                "most": most,
                "warm": 20,
                "seed": seed * 100 + number,
                "epoch": EPOCH,
            }
            for number in range(clients)
        ]
        before = self._counts()
        found = run_clients("django", self._command(), tasks, HERE / "django_peer", self._settings())
        grown = tuple(new - old for old, new in zip(before, self._counts(), strict=True))
        if grown != (found.total,) * 3:
            raise Broken(f"django: {found.total} acts, versions, log rows and audit rows grew by {grown}")
        return found

    def audit_size(self) -> int:
        """Return the octets of its audit row's body, on average."""
        with self.server.connect(self.database) as connection:
            row = connection.execute("SELECT avg(octet_length(body::text))::int FROM pilots_audit").fetchone()
            return int(row[0] or 0) if row else 0

    def _counts(self) -> tuple[int, int, int]:
        with self.server.connect(self.database) as connection:
            row = connection.execute(
                "SELECT (SELECT sum(version) FROM pilots_project)::bigint, "
                "(SELECT count(*) FROM django_fsm_log_statelog), (SELECT count(*) FROM pilots_audit)"
            ).fetchone()
            assert row
            return row[0], row[1], row[2]

    def _command(self) -> list[str]:
        return [str(self.python), "runner.py"]

    def _settings(self) -> dict[str, str]:
        return {"BENCH_DATABASE": self.database, "BENCH_HOST": self.server.host}
