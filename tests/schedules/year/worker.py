"""One scheduler process: told an instant on standard input, it does all that is due by then and says so."""

import json
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from lifecycle.database import open_database
from lifecycle.settings import Settings
from schedules.channels import senders
from schedules.runner import Context, tick


def settings_of(task: dict[str, Any]) -> Settings:
    """Return the settings of one process."""
    return Settings(
        data_dir=Path(task["folder"]),
        database_url=task["url"],
        origin=task["origin"],
        pool_size=2,
        smtp_host="127.0.0.1",
        smtp_port=task["smtp_port"],
        smtp_security="none",
        mail_from="pilot@example.invalid",
        webhook_private=True,
    )


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is for answers
    settings = settings_of(json.loads(sys.stdin.readline()))
    with closing(open_database(settings)) as database:
        send = senders(settings)
        print("ready", flush=True)
        for line in sys.stdin:
            now = datetime.fromisoformat(line.strip())
            try:
                done = tick(Context(database, send, lambda now=now: now, settings.origin), now)
                said = {"swept": done.swept, "composed": done.composed, **done.delivered._asdict()}
            except Exception as error:
                said = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
