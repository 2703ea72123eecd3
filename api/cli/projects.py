"""Commands about projects: list, show, advance, history."""

import json
from datetime import date
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import REFUSED, clock, emit, emit_history, escape, findings, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import Session, open_session
from lifecycle.attempts import attempt
from lifecycle.batches import find_batch
from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.history import project_history
from lifecycle.listing import Filters, list_projects, show_project
from lifecycle.pages import Page
from lifecycle.past import read_instant, show_project_then
from lifecycle.past_lists import list_projects_then
from lifecycle.requests import Request
from lifecycle.transition import offered_transitions, transition_project, try_transition

Project = Annotated[str, typer.Argument(help="项目编号或标识 / project code or id")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="某一时刻（含） / as of an instant, RFC 3339: 2024-08-05T18:00:00+08:00")
]


def list_all(
    batch: Annotated[str | None, typer.Option("--batch", "-b", help="批次代码 / batch code")] = None,
    state: Annotated[list[str] | None, typer.Option(help="状态代码 / state code")] = None,
    city: Annotated[str | None, typer.Option(help="城市代码 / city code")] = None,
    text: Annotated[str | None, typer.Option(help="名称、编号或牵头单位含 / in title, code or lead")] = None,
    sort: str = "code",
    after: Annotated[str | None, typer.Option(help="上一页给出的位置 / cursor from the page before")] = None,
    limit: int = 50,
    as_of: AsOf = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """项目台账 / list projects, as they are or as of an instant."""
    session = open_session()
    if as_of and (batch is None or text or sort != "code"):
        usage("--as-of须与--batch同用，可按--state、--city筛选", "--as-of goes with --batch, --state and --city alone")
    more: dict[str, Any] = {}
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            batch_id = find_batch(tx, batch)["id"] if batch else None
            if as_of and batch_id:
                at = read_instant(as_of, caller.now)
                past = list_projects_then(tx, caller, at, batch_id, state or (), city, after, limit)
                page, more = Page(past.items, past.next), {"as_of": instant(at), "broken": past.broken}
            else:
                filters = Filters(batch=batch_id, states=tuple(state or ()), city=city, text=text)
                page = list_projects(tx, caller, filters, sort, after, limit)

    def render(console: Console) -> None:
        rows = [
            (item["code"], item["title"], item["city"], item["lead_name"], item["state_label"]["zh"], item["version"])
            for item in page.items
        ]
        columns = ("编号 code", "项目 title", "市 city", "牵头单位 lead", "状态 state", "版本 version")
        table(console, columns, rows)
        for one in more.get("broken", ()):
            console.print(f"留痕不完整 broken: {escape(one['code'])}")
        if page.next:
            console.print(f"下一页 next: --after {page.next}")

    emit({"items": page.items, "next": page.next, **more}, as_json, render)


def show(project: Project, as_of: AsOf = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """查看项目及当前可办事项 / show a project and what can be done now, or the project as of an instant."""
    session = open_session()
    if as_of:
        _show_then(session, project, as_of, as_login, as_json)
        return
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            found = show_project(tx, caller, find_project(tx, caller, project))
            loaded, decisions = offered_transitions(tx, caller, found["id"])
    events = loaded.rules.definition.by_event
    offers: list[dict[str, Any]] = [
        {
            "event": decision.case.act.event,
            "label": events[decision.case.act.event][0].zh,
            "allowed": decision.allowed,
            "findings": [finding.to_dict() for finding in decision.refusals],
        }
        for decision in decisions
        if decision.case.transition is not None
    ]

    def render(console: Console) -> None:
        _print_whole(console, found)
        if found["undelivered"]:
            _undelivered(console, found["undelivered"])
        rows = [
            (
                o["event"],
                o["label"],
                "可办 ready" if o["allowed"] else "；".join(f["message"]["zh"] for f in o["findings"]),
            )
            for o in offers
        ]
        table(console, ("事项 event", "名称", "情况"), rows)

    emit({**found, "transitions": offers}, as_json, render)


def _show_then(session: Session, project: str, as_of: str, as_login: str | None, as_json: bool) -> None:
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            at = read_instant(as_of, caller.now)
            found = show_project_then(tx, caller, find_project(tx, caller, project), at)

    def render(console: Console) -> None:
        _print_whole(console, found)
        source = found["rebuilt_from"]
        console.print(
            f"据留痕还原 rebuilt as of {found['as_of']}: {source['stream']} {source['seq']}, {source['leaf']}"
        )

    emit(found, as_json, render)


def _print_whole(console: Console, found: dict[str, Any]) -> None:
    names = ("code", "title", "city", "task_code", "lead_name", "investment_fen", "version", "entered_on")
    table(console, ("项目", found["code"]), [(name, found[name]) for name in names])
    console.print(f"状态 state: {found['state_label']['zh']} {found['state']}")
    lights = [(item["kind"], item["due_on"], item["light"]) for item in found["checkpoints"]]
    table(console, ("期限 checkpoint", "日期 due", "灯 light"), lights)


def _undelivered(console: Console, items: list[dict[str, Any]]) -> None:
    rows = []
    for item in items:
        person = item["recipient"]
        told = (clock(item["planned_at"]), item["series"], item["occasion"], person["name"] or person["role"])
        rows.append((*told, item["channel"], item["reason"]["zh"], item["error"]))
    table(console, ("未送达 planned", "期限 series", "提醒", "收件人 to", "渠道", "原因", "回执 error"), rows)


def advance(
    project: Project,
    event: Annotated[str, typer.Argument(help="事项代码 / event code")],
    field: Annotated[list[str] | None, typer.Option("--field", "-f", help="字段=值（JSON或文本） / name=value")] = None,
    document: Annotated[list[str] | None, typer.Option(help="种类=JSON{id,sha256,size} / kind=JSON reference")] = None,
    reason: str | None = None,
    override: Annotated[list[str] | None, typer.Option(help="突破的规则编号 / rule to set aside")] = None,
    on: Annotated[str | None, typer.Option(help="业务日期 / business date, YYYY-MM-DD")] = None,
    expected_version: Annotated[int | None, typer.Option(help="所见版本 / the version you saw")] = None,
    key: Annotated[str | None, typer.Option(help="幂等键 / idempotency key")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只判断不办理 / decide, do nothing")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """办理一项 / do one act on a project."""
    session = open_session()
    request = Request(
        event=event,
        fields=pairs(field),
        documents=pairs(document),
        reason=reason,
        override=frozenset(override or ()),
        on=read_date(on),
        expected_version=expected_version,
    )
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            name = find_project(tx, caller, project)
        if dry_run:
            _dry_run(session, caller, name, request, as_json)
            return
        asked = {"project": name, "request": request}
        with attempt(session.database, session.log, caller, ("project", name), event, key, asked) as tx:
            outcome = transition_project(tx, session.log, caller, name, request, key).to_dict()

    def render(console: Console) -> None:
        verb = (
            "已签，待另一人办理 / signed, another person has to confirm"
            if outcome["awaiting_second_person"]
            else "已办 done"
        )
        console.print(f"{verb}: {outcome['code']} {outcome['from']} → {outcome['to']}，第{outcome['version']}版")

    emit(outcome, as_json, render)


def history(
    project: Project, after: int = 0, limit: int = 200, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """办理留痕 / what happened to a project."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            page = project_history(tx, caller, find_project(tx, caller, project), after, limit)
    emit_history(page, as_json)


def _dry_run(session: Session, caller: Caller, project: str, request: Request, as_json: bool) -> None:
    with session.database.reading() as tx:
        decision = try_transition(tx, caller, project, request)
    found = [finding.to_dict() for finding in decision.told]
    answer = {"allowed": decision.allowed, "findings": found}
    emit(answer, as_json, lambda console: findings(console, found, only_unmet=False))
    if not decision.allowed:
        raise typer.Exit(REFUSED)


def find_project(tx: Transaction, caller: Caller, name: str) -> str:
    """Return a project's id by code or id; a code that no project within reach has ends the command."""
    if len(name) == 36 and name.count("-") == 4:
        return name
    page = list_projects(tx, caller, Filters(text=name), "code", None, 200)
    exact = [item["id"] for item in page.items if item["code"] == name]
    if not exact:
        usage(f"没有编号为{escape(name)}的项目", f"no project has the code {name}")
    return str(exact[0])


def pairs(items: list[str] | None) -> dict[str, Any]:
    """Return `name=value` as typed, values read as JSON where they are; what is none ends the command."""
    found = {}
    for item in items or ():
        name, equals, value = item.partition("=")
        if not equals:
            usage(f"应写作 名称=值：{item}", f"write name=value: {item}")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def read_date(text: str | None) -> date | None:
    """Return a date as typed; what is none ends the command."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        usage(f"日期应如2024-08-05：{text}", f"a date is written 2024-08-05: {text}")
