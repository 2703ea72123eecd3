"""Exports of a sealed log in a process of its own, so that its memory can be told: run by benchmark and tests.

`python -m tests.benchmarks.exporting URL FOLDER FORM SIZE…` takes the first SIZE entries in a form, keeps nothing,
and prints seconds, octets, and the process's peak of memory before and after, in MiB; sizes one after the other.
"""

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from lifecycle.database import open_database
from lifecycle.exporting.forms import FORMS
from lifecycle.exporting.scope import Scope
from lifecycle.exporting.sources import Source
from lifecycle.seal.heads import TreeHead
from lifecycle.settings import Settings

ROOT = Path(__file__).parents[2]


def taken(url: str, folder: Path, form: str, *sizes: int) -> list[dict[str, Any]]:
    """Take exports in a process of their own, and return what it prints of each."""
    command = [sys.executable, "-m", "tests.benchmarks.exporting", url, str(folder), form, *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return [{"form": form, **json.loads(line)} for line in done.stdout.splitlines()]


def main() -> None:
    """Take the exports that the arguments name."""
    url, folder, form, *sizes = sys.argv[1:]
    with closing(open_database(Settings(data_dir=Path(folder), database_url=url))) as database:
        for size in map(int, sizes):
            with database.reading() as tx:
                before, began = _peak(), time.perf_counter()
                head = TreeHead("export.invalid/log", size, bytes(32))
                source = Source(Scope("log"), head, "2024-07-01T00:00:00.000000Z")
                octets = sum(len(piece) for piece in FORMS[form].write(tx, source))
            seconds = time.perf_counter() - began
            print(json.dumps({"seconds": seconds, "octets": octets, "before": before, "peak": _peak()}))


def _peak() -> float:
    """Return the most that this process held, in MiB; `getrusage` would count what its parent held at the fork."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
