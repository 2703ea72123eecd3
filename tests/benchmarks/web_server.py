"""The real server on a free port, its clock within the measured day; says its address on standard output."""

import sys
import time
from pathlib import Path

from api.app import create_app
from api.server import configure_log, make_server, open_listener
from lifecycle.settings import Settings

from .acts import CYCLE_ON, instant
from .world import ORIGIN


def main() -> None:
    """Serve until told to end."""
    folder, url, epoch = sys.argv[1:]
    settings = Settings(data_dir=Path(folder), database_url=url, origin=ORIGIN)
    configure_log(settings.log_level)
    app = create_app(settings, clock=lambda: instant(CYCLE_ON, time.time() - float(epoch)))
    with open_listener("127.0.0.1", 0) as listener:
        print(listener.getsockname()[1], flush=True)
        make_server(app).run(sockets=[listener])


if __name__ == "__main__":
    main()
