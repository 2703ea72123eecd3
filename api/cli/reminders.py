"""Commands about what people were told: the ledger of notices, to-dos, the outbox and its dead letters."""

from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.deadlines import After, Batch, Mine, OfProject
from api.cli.output import clock, emit, emit_page, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.projects import find_project
from api.cli.session import open_session
from lifecycle import messages, notices, outbox
from lifecycle.attempts import attempt
from lifecycle.batches import find_batch


def list_notices(
    batch: Batch = None,
    project: OfProject = None,
    status: Annotated[str | None, typer.Option(help="、".join(notices.STATUSES))] = None,
    channel: Annotated[str | None, typer.Option(help="inbox、email、chat、sms、webhook")] = None,
    mine: Mine = False,
    after: After = None,
    limit: int = 50,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """提醒台账：发给谁、为何发或不发 / the ledger: who was told what, and why or why not."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            filters = notices.Filters(
                batch=find_batch(tx, batch)["id"] if batch else None,
                project=find_project(tx, caller, project) if project else None,
                status=status,
                channel=channel,
                mine=mine,
            )
            page = notices.list_notices(tx, caller, filters, after, limit)
    emit_page(
        page,
        as_json,
        ("计划 planned", "项目 code", "期限 checkpoint", "提醒 occasion", "收件人 to", "渠道", "结果 status", "原因"),
        lambda item: (
            clock(item["planned_at"]),
            *_about(item),
            item["occasion"],
            item["recipient"]["name"] or item["recipient"]["role"],
            item["channel"],
            item["status"],
            item["reason"]["zh"] if item["reason"] else None,
        ),
    )


def list_to_dos(as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """待办与已办 / what one has to do, and has done."""
    if as_login is None:
        usage("待办属于个人，须用 --as 指明登录名", "to-dos are somebody's own: name them with --as")
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            found = notices.to_dos(tx, caller)

    def render(console: Console) -> None:
        for title, items in (("待办 to do", found["open"]), ("已办 done", found["done"])):
            rows = [(item["checkpoint"]["due_on"], *_about(item), item["project"]["title"]) for item in items]
            table(console, ("日期 due", "项目 code", "期限 checkpoint", "名称 title"), rows, title)

    emit(found, as_json, render)


def list_messages(
    batch: Batch = None,
    status: Annotated[str | None, typer.Option(help="、".join(outbox.STATUSES))] = None,
    channel: Annotated[str | None, typer.Option(help="email、chat、sms、webhook")] = None,
    after: After = None,
    limit: int = 50,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """发信记录；未送达的为 --status dead / the outbox; dead letters are --status dead."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            of_batch = find_batch(tx, batch)["id"] if batch else None
            filters = outbox.Filters(of_batch, None, status, channel)
            page = outbox.list_messages(tx, caller, filters, after, limit)
    emit_page(
        page,
        as_json,
        ("标识 id", "时间 created", "收件人 to", "渠道 channel", "结果 status", "次数 attempts", "最近 last"),
        lambda item: (
            item["id"],
            clock(item["created_at"]),
            item["recipient"]["name"],
            item["channel"],
            item["status"],
            item["attempts"],
            (item["tries"][-1]["error"] or item["tries"][-1]["result"]) if item["tries"] else None,
        ),
    )


def requeue(
    message: Annotated[str, typer.Argument(help="消息标识 / id of the message")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """重发未送达的消息 / send a dead letter once more."""
    session, name = open_session(), message.lower()
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("message", name), "requeue") as tx:
            receipt = messages.requeue(tx, session.log, caller, name)
    answer = {"message": name, "status": "waiting", "receipt": receipt.to_dict()}
    emit(answer, as_json, lambda console: console.print(f"已列入重发 waiting again: {name}"))


def _about(item: dict[str, Any]) -> tuple[str | None, str | None]:
    project, checkpoint = item["project"], item["checkpoint"]
    return (project["code"] if project else None, checkpoint["label"]["zh"] if checkpoint else None)
