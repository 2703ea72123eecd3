"""The command that runs the clock in a process of its own."""

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from api.cli.output import emit
from api.cli.people import AsJson
from api.cli.session import now, open_session
from api.scheduling import context_of
from api.server import configure_log
from api.service import open_service
from schedules.runner import Runner, tick


def schedule(
    once: Annotated[bool, typer.Option("--once", help="办完当前到期的即止 / do what is due now, then end")] = False,
    as_json: AsJson = False,
) -> None:
    """运行时钟：到期提醒、发送、日历；可同时运行多个 / run the clock until told to end; any number may run at once."""
    session = open_session()
    context = context_of(open_service(session.settings, session.database, session.log, None))
    if once:
        instant = now()
        context.calendar(instant)
        done = tick(context, instant)
        told = {"swept": done.swept, "composed": done.composed, **done.delivered._asdict()}
        emit(
            told,
            as_json,
            lambda console: console.print(f"已检查 swept {done.swept}，已发送 sent {done.delivered.sent}"),
        )
        return
    configure_log(session.settings.log_level)
    stopped = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    emit({"running": True}, as_json, lambda console: console.print("时钟已启动 the clock runs（Ctrl-C 停止 to stop）"))
    Runner(context).run_until(stopped)
