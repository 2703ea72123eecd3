"""Commands about what falls due: checkpoints and their lights, deadlines added by hand, handovers, chases."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import emit, emit_page, escape, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.projects import Project, find_project, read_date
from api.cli.session import visiting
from lifecycle import chases, lights
from lifecycle.audit import Log
from lifecycle.batches import find_batch
from lifecycle.business_days import today_of
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.deadlines import add_deadline, end_deadline, move_deadline
from lifecycle.responsibles import assign as hand_over

deadlines = typer.Typer(help="增设期限 / deadlines added by hand", no_args_is_help=True)
Batch = Annotated[str | None, typer.Option("--batch", "-b", help="批次代码 / batch code")]
OfProject = Annotated[str | None, typer.Option("--project", "-p", help="项目编号或标识 / project code or id")]
Number = Annotated[int, typer.Argument(help="期限序号 / number of the deadline")]
On = Annotated[str, typer.Argument(help="日期，如2024-08-20 / date")]
Reason = Annotated[str | None, typer.Option(help="理由 / reason")]
Note = Annotated[str | None, typer.Option(help="附言 / note to those who are told")]
Seen = Annotated[int | None, typer.Option("--expected-version", help="所见版本 / the version you saw")]
Mine = Annotated[bool, typer.Option("--mine", help="仅本人的 / only mine")]
After = Annotated[str | None, typer.Option(help="上一页给出的位置 / cursor from the page before")]
Act = Callable[[Transaction, Log, Caller, str], dict[str, Any]]
LIGHT_WORDS = {"green": "绿 green", "yellow": "黄 yellow", "red": "红 red"}


def list_checkpoints(
    batch: Batch = None,
    project: OfProject = None,
    light: Annotated[str | None, typer.Option(help="green、yellow、red")] = None,
    kind: Annotated[str | None, typer.Option(help="期限代码 / kind of checkpoint")] = None,
    city: Annotated[str | None, typer.Option(help="城市代码 / city code")] = None,
    state: Annotated[str | None, typer.Option(help="状态代码 / state code")] = None,
    provisional: Annotated[bool | None, typer.Option("--provisional/--firm", help="暂定与否 / provisional")] = None,
    mine: Mine = False,
    after: After = None,
    limit: int = 50,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """期限与亮灯 / open checkpoints and their lights, the one due first at the head."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        row = find_batch(tx, batch) if batch else None
        of_project = find_project(tx, here.caller, project) if project else None
        today = today_of(tx, here.caller, row)
        filters = lights.Filters(row["id"] if row else None, of_project, light, kind, city, state, provisional, mine)
        page = lights.list_checkpoints(tx, here.caller, filters, today, after, limit)
    emit_page(
        page,
        as_json,
        ("灯 light", "日期 due", "天数 days", "期限 checkpoint", "编号 code", "项目 title", "市 city"),
        lambda item: (
            LIGHT_WORDS[item["light"]],
            item["due_on"] + ("（暂定 provisional）" if item["provisional"] else ""),
            item["days_left"],
            item["label"]["zh"],
            item["code"],
            item["title"],
            item["city"],
        ),
    )


def count_lights(batch: Batch = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """亮灯统计 / how many open checkpoints are green, yellow and red, by city."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        row = find_batch(tx, batch) if batch else None
        today = today_of(tx, here.caller, row)
        found = lights.count_lights(tx, here.caller, row["id"] if row else None, today)
    rows = [(city, *(counted[colour] for colour in lights.LIGHTS)) for city, counted in found.items()]
    columns = ("市 city", *(LIGHT_WORDS[colour] for colour in lights.LIGHTS))
    answer = {"on": today.isoformat(), "by_city": found}
    emit(answer, as_json, lambda console: table(console, columns, rows, f"截至 as of {today}"))


@deadlines.command("add")
def add_one(
    project: Project,
    title: Annotated[str, typer.Argument(help="期限名称 / what is due")],
    on: On,
    to: Annotated[list[str], typer.Option("--to", help="提醒的角色 / role to be reminded; repeat for more")],
    reason: Reason = None,
    expected_version: Seen = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """增设期限 / add a deadline to a project."""
    due_on = _day(on)

    def act(tx: Transaction, log: Log, caller: Caller, name: str) -> dict[str, Any]:
        return add_deadline(
            tx, log, caller, name, title, due_on, to, reason, expected_version=expected_version
        ).to_dict()

    done = _carry_out(project, "add_deadline", act, as_login, as_json)
    emit(done, as_json, lambda console: console.print(_line("已增设 added", done)))


@deadlines.command("move")
def move_one(
    project: Project,
    number: Number,
    on: On,
    reason: Reason = None,
    expected_version: Seen = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """调整期限 / give a deadline another date."""
    due_on = _day(on)

    def act(tx: Transaction, log: Log, caller: Caller, name: str) -> dict[str, Any]:
        return move_deadline(tx, log, caller, name, number, due_on, reason, expected_version=expected_version).to_dict()

    done = _carry_out(project, "move_deadline", act, as_login, as_json)
    verb = "已调整 moved" if done["receipt"] else "日期未变 no change"
    emit(done, as_json, lambda console: console.print(_line(verb, done)))


@deadlines.command("end")
def end_one(
    project: Project,
    number: Number,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="撤销而非办结 / withdrawn and not done")] = False,
    reason: Reason = None,
    expected_version: Seen = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """了结期限：办结或撤销 / end a deadline, done or withdrawn."""
    how = "withdrawn" if withdrawn else "done"

    def act(tx: Transaction, log: Log, caller: Caller, name: str) -> dict[str, Any]:
        return end_deadline(tx, log, caller, name, number, how, reason, expected_version=expected_version).to_dict()

    done = _carry_out(project, "end_deadline", act, as_login, as_json)
    verb = "已撤销 withdrawn" if withdrawn else "已办结 done"
    emit(done, as_json, lambda console: console.print(_line(verb, done)))


def assign(
    project: Project,
    role: Annotated[str, typer.Argument(help="角色代码 / role code")],
    to: Annotated[str | None, typer.Option("--to", help="接办人登录名 / login of who takes over")] = None,
    to_all: Annotated[bool, typer.Option("--to-all", help="不再指定个人 / give it back to all of the role")] = False,
    note: Note = None,
    expected_version: Seen = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """转办：指定承办人 / put a person in charge of a project."""
    if (to is None) != to_all:
        usage("须写明 --to 登录名 或 --to-all 之一", "give either --to LOGIN or --to-all")

    def act(tx: Transaction, log: Log, caller: Caller, name: str) -> dict[str, Any]:
        return hand_over(tx, log, caller, name, role, to, note, expected_version=expected_version).to_dict()

    done = _carry_out(project, "assign", act, as_login, as_json)
    verb = "已转办 handed over" if done["receipt"] else "承办人未变 no change"
    shown = escape(f"{verb}: {done['code']} {role} → {to or '不指定个人 all of the role'}")
    emit(done, as_json, lambda console: console.print(shown))


def chase(
    project: Project,
    checkpoint: Annotated[str | None, typer.Option(help="期限标识；缺省为最先到期者 / id of the checkpoint")] = None,
    note: Note = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """催办 / ask those concerned to get on with an open checkpoint."""

    def act(tx: Transaction, log: Log, caller: Caller, name: str) -> dict[str, Any]:
        return chases.chase(tx, log, caller, name, checkpoint, note).to_dict()

    done = _carry_out(project, "chase", act, as_login, as_json)

    def render(console: Console) -> None:
        told = "、".join(done["to"])
        console.print(escape(f"已催办 chased: {done['code']} {done['label']['zh']}（{done['due_on']}） → {told}"))
        console.print(f"今日还可催办 left today: {done['left_today']}")

    emit(done, as_json, render)


def _carry_out(project: str, action: str, act: Act, as_login: str | None, as_json: bool) -> dict[str, Any]:
    """Do an act on a project named by code or id; a refusal is in the log before the command leaves."""
    with visiting(as_login, as_json) as here:
        with here.reading() as tx:
            name = find_project(tx, here.caller, project)
        with here.acting(("project", name), action) as tx:
            return act(tx, here.log, here.caller, name)


def _line(verb: str, done: dict[str, Any]) -> str:
    return escape(f"{verb}: {done['code']} 第{done['number']}项 “{done['title']}” {done['due_on']}")


def _day(text: str) -> date:
    day = read_date(text)
    if day is None:
        usage("须写明日期，如2024-08-05", "give a date like 2024-08-05")
    return day
