"""The command that says what would fall due and who would be told, as it stands or with changes assumed."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import clock, emit, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.plans import read_text
from api.cli.projects import find_project, pairs, read_date
from api.cli.session import now, open_session
from lifecycle.batches import find_batch
from schedules.outlooks import ProjectOutlook
from schedules.scenarios import Changes
from schedules.simulator import simulate_batch, simulate_project

BUSIEST = 15  # days and people shown
HEAD = (
    *("项目 code", "期限 kind", "序号 number", "日期 due", "暂定 provisional", "提醒 occasion", "收件人 to"),
    *("角色 role", "渠道 channel", "计划 planned", "发出 leaves", "结果 status", "原因 reason"),
)


def simulate(
    project: Annotated[str | None, typer.Argument(help="项目编号或标识 / project code or id")] = None,
    batch: Annotated[str | None, typer.Option("--batch", "-b", help="整个批次 / a whole batch")] = None,
    days: Annotated[int, typer.Option(help="推演天数 / days", min=1, max=730)] = 365,
    published_on: Annotated[str | None, typer.Option(help="假定公布日期 / published on another day")] = None,
    extend_months: Annotated[int, typer.Option(help="假定延期月数 / months of extension", min=0, max=120)] = 0,
    delay_days: Annotated[int, typer.Option(help="假定顺延天数，如60 / days of delay", min=0, max=3660)] = 0,
    state: Annotated[str | None, typer.Option(help="假定今日进入的状态 / a state entered today")] = None,
    field: Annotated[list[str] | None, typer.Option("--field", "-f", help="假定的字段=值 / a field assumed")] = None,
    calendar: Annotated[Path | None, typer.Option(help="假定采用的日历文件 / another calendar", exists=True)] = None,
    plan: Annotated[Path | None, typer.Option(help="假定采用的提醒方案 / another plan", exists=True)] = None,
    output: Annotated[Path | None, typer.Option("--csv", help="逐条写入CSV / write every reminder to a file")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """推演期限与提醒，不写入数据 / what would fall due and who would be told; nothing is written."""
    if (project is None) == (batch is None):
        usage("请给出项目编号或--batch", "give either a project or --batch")
    changes = Changes(
        pairs(field),
        read_date(published_on),
        extend_months,
        delay_days,
        state,
        read_text(calendar) if calendar else None,
        read_text(plan) if plan else None,
    )
    session, instant, outlooks = open_session(), now(), []
    until = instant + timedelta(days=days)
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            if project is not None:
                outlooks.append(
                    simulate_project(tx, caller, find_project(tx, caller, project), changes, instant, until)
                )
                found = outlooks[0].to_dict()
            else:
                keep = outlooks.append if output else None
                row = find_batch(tx, batch or "")
                found = simulate_batch(tx, caller, row, changes, instant, until, keep).to_dict()
    if output:
        with output.open("w", encoding="utf-8-sig", newline="") as file:  # with the mark, Excel reads it as it is
            csv.writer(file).writerows([HEAD, *(line for one in outlooks for line in _lines(one))])
    emit(found, as_json, lambda console: _project(console, outlooks[0]) if project else _batch(console, found))


def _lines(outlook: ProjectOutlook) -> Iterator[tuple[Any, ...]]:
    for checkpoint in outlook.to_dict()["checkpoints"]:
        for told in checkpoint["reminders"]:
            person = told["recipient"]
            yield (
                *(outlook.code, checkpoint["label"]["zh"], checkpoint["number"], checkpoint["due_on"]),
                *("暂定" if checkpoint["provisional"] else "", told["occasion"], person["name"], person["role"]),
                *(told["channel"], clock(told["planned_at"]), clock(told["leaves_at"]), told["status"], told["reason"]),
            )


def _project(console: Console, outlook: ProjectOutlook) -> None:
    dates = [
        (
            item.label["zh"],
            item.number,
            item.due_on,
            "暂定" if item.provisional else "",
            item.status,
            len(item.reminders),
        )
        for item in outlook.checkpoints
    ]
    table(console, ("期限 checkpoint", "序号", "日期 due", "", "情况 status", "提醒 reminders"), dates, outlook.code)
    rows = sorted(((line[9], line[1], *line[5:9], line[11]) for line in _lines(outlook)), key=lambda row: str(row[0]))
    table(console, ("计划 planned", "期限", "提醒 occasion", "收件人 to", "角色 role", "渠道", "结果 status"), rows)


def _batch(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"项目 projects {found['projects']}，期限 checkpoints {found['checkpoints']}，待办 inbox {found['inbox']}，"
        f"外发提醒 notices {found['notices']}，外发消息 messages {found['messages']}，"
        f"无人可通知 unreached {found['unreached']}"
    )
    busiest = sorted(found["days"], key=lambda day: (-day["messages"], -day["inbox"], day["day"]))[:BUSIEST]
    names = ("day", "inbox", "notices", "messages")
    title = "最忙的日子 the busiest days"
    table(console, names, [[day[name] for name in names] for day in busiest], title)
    people = [
        (item["name"], item["role"], item["inbox"], item["messages"], item["busiest"]["day"])
        for item in found["recipients"][:BUSIEST]
    ]
    table(console, ("收件人 to", "角色 role", "待办 inbox", "消息 messages", "最忙 busiest"), people)
