"""Commands about what a batch counts and reminds by: calendars, reminder plans, simulations."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import emit, escape, refusals, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import now, open_session
from lifecycle import calendars
from lifecycle import plans as plans_of_batches
from lifecycle.attempts import attempt
from lifecycle.batches import find_batch
from schedules.scenarios import Changes
from schedules.simulator import simulate_batch, simulate_project

calendar = typer.Typer(help="工作日历 / calendars", no_args_is_help=True)
plan = typer.Typer(help="提醒方案 / reminder plans", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="文件 / file", exists=True, dir_okay=False)]
Batch = Annotated[str, typer.Option("--batch", help="批次代码 / batch code")]
Reason = Annotated[str, typer.Option("--reason", help="理由 / reason")]


@calendar.command("preview")
def preview_calendar(file: File, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """预览改用该日历的影响 / say which dates would move; nothing is written."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        found = calendars.preview_calendar(tx, session.caller(as_login), find_batch(tx, batch), _read(file)).to_dict()
    emit(found, as_json, lambda console: _counts(console, found))


@calendar.command("adopt")
def adopt_calendar(
    file: File, batch: Batch, digest: Annotated[str, typer.Option("--digest", help="预览摘要 / of the preview")],
    reason: Reason, as_login: AsLogin = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """启用预览过的日历 / let the batch count by a previewed calendar."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            row = find_batch(tx, batch)
        with attempt(session.database, session.log, caller, ("batch", row["id"]), "adopt_calendar") as tx:
            done = calendars.adopt_calendar(tx, session.log, caller, row, _read(file), digest, reason).to_dict()
    emit(done, as_json, lambda console: _counts(console, done))


@plan.command("show")
def show_plan(batch: Batch, as_json: AsJson = False) -> None:
    """显示批次的提醒方案 / show a batch's plan."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        found = plans_of_batches.show_plan(tx, find_batch(tx, batch))
    emit(found, as_json, lambda console: console.print(escape(found["text"])))


@plan.command("preview")
def preview_plan(file: File, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """检查方案并预览影响 / say what is wrong with a plan and what it would change."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        row = find_batch(tx, batch)
        found = plans_of_batches.preview_plan(tx, session.caller(as_login), row, _read(file)).to_dict()
    emit(found, as_json, lambda console: console.print(escape(str(found["faults"] or found["effect"]))))


@plan.command("set")
def set_plan(file: File, batch: Batch, reason: Reason, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """启用提醒方案 / let the batch's reminders follow a plan."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            row = find_batch(tx, batch)
        with attempt(session.database, session.log, caller, ("batch", row["id"]), "set_plan") as tx:
            receipt = plans_of_batches.set_plan(tx, session.log, caller, row, _read(file), reason).to_dict()
    emit({"receipt": receipt}, as_json, lambda console: console.print("已启用 set"))


def simulate(
    project: Annotated[str | None, typer.Argument(help="项目编号 / project id")] = None,
    batch: Annotated[str | None, typer.Option("--batch", help="整个批次 / a whole batch")] = None,
    days: Annotated[int, typer.Option(help="推演天数 / days", min=1, max=730)] = 365,
    extend_months: Annotated[int, typer.Option(help="假定延期月数 / months of extension", min=0, max=120)] = 0,
    delay_days: Annotated[int, typer.Option(help="假定顺延天数 / days of delay", min=0, max=3660)] = 0,
    as_login: Annotated[str | None, typer.Option("--as", help="登录名 / login")] = None,
    as_json: AsJson = False,
) -> None:
    """推演期限与提醒，不写入 / what would fall due and who would be told; nothing is written."""
    if (project is None) == (batch is None):
        usage("请给出项目编号或--batch", "give either a project or --batch")
    session, instant = open_session(), now()
    changes, until = Changes(extend_months=extend_months, delay_days=delay_days), instant + timedelta(days=days)
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            if project is not None:
                found = simulate_project(tx, caller, project, changes, instant, until).to_dict()
            else:
                found = simulate_batch(tx, caller, find_batch(tx, batch or ""), changes, instant, until).to_dict()
    emit(found, as_json, lambda console: console.print_json(data=found))


def _counts(console: Console, found: dict[str, Any]) -> None:
    counts = found["counts"]
    console.print(f"项目 projects {counts['projects']}，日期变动 dates moved {counts['moved']}")
    if "digest" in found:
        console.print(f"预览摘要 digest: {found['digest']}")


def _read(file: Path) -> str:
    """Return a file's text: UTF-8 with or without a mark, or as Excel in China writes it."""
    data = file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")
