"""Commands about panels of experts 专家组: set up, given projects, scored, concluded, reopened, read."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from api.cli.output import emit, emit_history, escape, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import visiting
from lifecycle.batches import find_batch
from lifecycle.panels import assignments, chasing, founding, reading, rounds, sessions
from lifecycle.panels.panel import Done, may_see, panel_of_batch
from lifecycle.trails import panel_history
from states.rules.record import read_date

panels = typer.Typer(help="专家组 / panels of experts", no_args_is_help=True)
Batch = Annotated[str, typer.Option("--batch", help="批次代码 / batch code")]
Number = Annotated[int, typer.Argument(help="专家组编号 / number of the panel", min=1)]
Logins = Annotated[list[str] | None, typer.Argument(help="专家登录名 / logins of experts")]
Reason = Annotated[str | None, typer.Option(help="理由 / reason")]
Due = Annotated[str, typer.Option("--due", help="评分截止日，如2024-08-12 / sheets are due on")]


@panels.command("list")
def list_all(batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """列出批次的专家组 / list a batch's panels."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.list_panels(tx, here.caller, find_batch(tx, batch))
    columns = (
        "编号 no.",
        "名称 title",
        "用途 purpose",
        "状态 status",
        "专家 experts",
        "项目 projects",
        "已交 submitted",
    )
    rows = [
        (
            *(one["number"], one["title"], one["purpose_label"]["zh"], one["status_label"]["zh"]),
            *(f"{one['declared']}/{one['experts']}", one["projects"], one["sheets"]["submitted"]),
        )
        for one in found
    ]
    emit(found, as_json, lambda console: table(console, columns, rows))


@panels.command("show")
def show(number: Number, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """显示专家组 / show a panel: who scores what, how far, conflicts, results."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.show_panel(tx, here.caller, find_batch(tx, batch), number)

    def render(console: Console) -> None:
        console.print(escape(f"{found['number']} {found['title']} {found['status_label']['zh']}"))
        experts = [
            (one["login"], one["name"], "■" if one["chair"] else "", one["declared_at"], one["load"], one["submitted"])
            for one in found["experts"]
        ]
        heads = ("登录名 login", "姓名 name", "组长 chair", "申报 declared", "分配 load", "提交 submitted")
        table(console, heads, experts)
        projects = [
            (one["code"], one["title"], _scorers(one["scored_by"]), *_result(one["result"]))
            for one in found["projects"]
        ]
        table(console, ("项目 project", "名称 title", "专家 experts", "得分 score", "极差 spread"), projects)

    emit(found, as_json, render)


@panels.command("results")
def results(
    batch: Batch,
    purpose: Annotated[str, typer.Option(help="用途代码 / purpose")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """按得分排列结果，并列如实显示 / results by score, ties shown."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.list_results(tx, here.caller, find_batch(tx, batch), purpose)
    rows = [
        (
            f"{one['rank']}{'（并列 tied）' if one['tied'] > 1 else ''}",
            *(one[name] for name in ("score", "code", "title", "city", "sheets", "spread")),
            "!" if one["wide"] else "",
        )
        for one in found["results"]
    ]
    columns = ("名次 rank", "得分 score", "项目 project", "名称 title", "市 city", "份数 sheets", "极差 spread", "")

    def render(console: Console) -> None:
        table(console, columns, rows)
        if found["unconcluded"]:
            names = "、".join(one["code"] for one in found["unconcluded"])
            console.print(escape(f"尚无结果 no result yet: {names}"))

    emit(found, as_json, render)


@panels.command("found")
def found_panel(
    batch: Batch,
    purpose: Annotated[str, typer.Option(help="用途代码 / purpose")],
    title: Annotated[str, typer.Option(help="名称 / title")],
    task: Annotated[str | None, typer.Option(help="只评此任务 / for one task")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """组建专家组 / set up a panel."""
    with visiting(as_login, as_json) as here:
        with here.reading() as tx:
            row = find_batch(tx, batch)
        with here.acting(("batch", row["id"]), "found_panel") as tx:
            done = founding.found_panel(tx, here.log, here.caller, row, purpose, title, task)
    _told(done, as_json)


@panels.command("experts")
def add_experts(
    number: Number,
    batch: Batch,
    logins: Logins = None,
    chair: Annotated[str | None, typer.Option(help="组长登录名 / login of the chair")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """增加专家、指定组长 / add experts, name the chair."""
    _act(At(batch, number, as_login, as_json), "add_experts", founding.add_experts, logins or [], chair)


@panels.command("projects")
def add_projects(number: Number, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """分入全部待评项目 / give the panel all projects that stand to be scored and are on no panel yet."""
    _act(At(batch, number, as_login, as_json), "add_projects", founding.add_projects)


@panels.command("assign")
def assign(
    number: Number,
    batch: Batch,
    seed: Annotated[int | None, typer.Option(help="随机种子，缺省抽取 / seed; drawn where none is given")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """均衡分配专家 / give every project its experts, loads even, conflicts never."""
    _act(At(batch, number, as_login, as_json), "assign_balanced", assignments.assign_balanced, seed)


@panels.command("open")
def open_scoring(number: Number, batch: Batch, due: Due, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """开始评分 / let the experts score."""
    day = _day(due)
    _act(At(batch, number, as_login, as_json), "open_scoring", rounds.open_scoring, day)


@panels.command("session")
def record_session(
    number: Number,
    batch: Batch,
    method: Annotated[str, typer.Option(help="评审方式代码 / way of review")],
    held: Annotated[str, typer.Option(help="会议日期 / day")],
    minutes: Annotated[str, typer.Option(help="纪要编号 / number of the minutes")],
    note: Annotated[str | None, typer.Option(help="说明 / note")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """登记评审会 / put a sitting on record, of all projects and experts."""
    day = _day(held)
    _act(
        At(batch, number, as_login, as_json), "record_session", sessions.record_session, method, day, minutes, note=note
    )


@panels.command("chase")
def chase(
    number: Number,
    batch: Batch,
    logins: Logins = None,
    note: Annotated[str | None, typer.Option(help="催办说明 / note")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """催办未交评分表 / chase experts whose sheets are missing."""
    _act(At(batch, number, as_login, as_json), "chase_sheets", chasing.chase_sheets, logins or None, note)


@panels.command("conclude")
def conclude(
    number: Number, batch: Batch, reason: Reason = None, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """结束评分，形成结果 / work out every result and end the round."""
    _act(At(batch, number, as_login, as_json), "conclude", rounds.conclude, reason)


@panels.command("reopen")
def reopen(
    number: Number,
    batch: Batch,
    due: Due,
    reason: Annotated[str, typer.Option(help="理由 / reason")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """重新评审，原结果作废 / begin a new round: the results stand no more, the sheets stay readable."""
    day = _day(due)
    _act(At(batch, number, as_login, as_json), "reopen", rounds.reopen, reason, day)


class At(NamedTuple):
    """Which panel an act is asked of, by whom, and how it is answered."""

    batch: str
    number: int
    as_login: str | None
    as_json: bool


def _act(at: At, action: str, act: Callable[..., Done], *given: Any, **named: Any) -> None:
    """Do `act(tx, log, caller, panel, *given, **named)` and tell how it left the panel."""
    with visiting(at.as_login, at.as_json) as here:
        with here.reading() as tx:
            may_see(here.caller)
            panel = panel_of_batch(tx, find_batch(tx, at.batch), at.number)["id"]
        with here.acting(("panel", panel), action) as tx:
            done = act(tx, here.log, here.caller, panel, *given, **named)
    _told(done, at.as_json)


def _told(done: Done, as_json: bool) -> None:
    told = done.to_dict()
    more = "；".join(f"{name}: {value}" for name, value in done.told.items())
    line = f"专家组 panel {told['number']} {told['title']}：{told['status_label']['zh']} {more}"
    emit(told, as_json, lambda console: console.print(escape(line)))


def _scorers(scorers: Sequence[dict[str, Any]]) -> str:
    return "、".join(f"{one['login']} {one['total'] or one['status']}" for one in scorers)


def _result(result: dict[str, Any] | None) -> tuple[str | None, str | None]:
    return (result["score"], result["spread"]) if result else (None, None)


def _day(text: str) -> date:
    day = read_date(text)
    if day is None:
        usage("须写明日期，如2024-08-12", "give a date like 2024-08-12")
    return day


@panels.command("history")
def history(
    number: Number, batch: Batch, after: int = 0, limit: int = 200, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """办理留痕 / what happened to it."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = panel_history(tx, here.caller, find_batch(tx, batch), number, after, limit)
    emit_history(found, as_json)
