"""The command: which parts to run, how thoroughly, and where the page goes."""

import argparse
import json
import signal
import sys
import tempfile
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from . import bulk, contest, growth, machine, outbox, profiling, report, sealing, ticks, web
from .crew import ROOT
from .figures import text, verdict
from .server import running_server

PARTS = ("door", "bulk", "http", "growth", "seal", "ticks")
FULL = contest.Effort(rounds=5, seconds=5, projects=2000, batches=20)
QUICK = contest.Effort(rounds=1, seconds=2, projects=400, batches=3)


def main() -> None:
    """Run what was asked for."""
    asked = _arguments()
    effort = QUICK if asked.quick else FULL
    if asked.rounds:
        effort = contest.Effort(asked.rounds, effort.seconds, effort.projects, effort.batches)
    signal.signal(signal.SIGTERM, _end)
    with running_server() as server, tempfile.TemporaryDirectory(prefix="pilot-bench-") as name:
        folder = Path(name)
        if asked.profile:
            profiling.run(server, folder, effort, _say)
            return
        sizes = bulk.QUICK if asked.quick else bulk.SIZES
        scale = asked.growth_scale or (0.001 if asked.quick else 1)
        parts = {
            "door": lambda: contest.run(server, folder, effort, _say),
            "bulk": lambda: bulk.run(server, folder, effort, sizes, _say),
            "http": lambda: web.run(server, folder, effort, _say),
            "growth": lambda: growth.run(server, folder, effort, scale, _say),
            "seal": lambda: sealing.run(server, folder, sealing.QUICK if asked.quick else sealing.FULL, _say),
            "ticks": lambda: ticks.run(server, folder, effort, *_pending(asked.quick), _say),
        }
        measured = {**machine.describe(server), "date": asked.date}
        output = asked.output or (None if asked.quick else ROOT / "docs" / "benchmarks")
        found = _earlier(output)
        for part in asked.only:
            found[part] = {**parts[part](), "measured": measured}
            if output:  # after every part: a later one that fails does not take the earlier ones along
                report.write(found, output)
    print("\n" + report.page({part: found[part] for part in asked.only}))
    for words, one, wanted, fits in report.targets(found):
        _say(f"{words}: {text(one, 2)}, target {wanted}, {verdict(one, fits)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", type=_parts, default=PARTS, help="parts to run, with commas: " + ",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="one short round; the page is printed, not kept")
    parser.add_argument("--rounds", type=int, help="rounds of every part")
    parser.add_argument("--growth-scale", type=float, help="share of the million projects to fill, such as 0.01")
    parser.add_argument("--date", default=date.today().isoformat(), help="the date on the page")  # noqa: DTZ011
    parser.add_argument("--output", type=Path, help="folder of the page and the raw figures (docs/benchmarks)")
    parser.add_argument("--profile", action="store_true", help="print where one act's time goes, and nothing else")
    return parser.parse_args()


def _parts(given: str) -> tuple[str, ...]:
    wanted = tuple(given.split(","))
    if strange := set(wanted) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such parts: {', '.join(sorted(strange))}")
    return tuple(part for part in PARTS if part in wanted)


def _pending(quick: bool) -> tuple[tuple[int, ...], int]:
    """Return the numbers of pending checkpoints, and of messages in the outbox."""
    return (ticks.QUICK, outbox.QUICK) if quick else (ticks.SIZES, outbox.FULL)


def _earlier(output: Path | None) -> dict[str, Any]:
    """Return the figures kept earlier: parts that are not run again stay on the page."""
    file = output / "latest.json" if output else None
    return json.loads(file.read_text("utf-8")) if file and file.exists() else {}


def _say(line: str) -> None:
    print(line, flush=True)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit("ended")  # the contexts stop clients and server


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted")
