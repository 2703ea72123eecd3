"""Commands about objections 异议: listed, received and completed by a file, decided."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.dockets import body_of
from api.cli.output import emit, emit_history, emit_page
from api.cli.people import AsJson, AsLogin
from api.cli.session import visiting
from api.routes.objections import ObjectionBody
from lifecycle.batches import find_batch
from lifecycle.objections import deciding, reading, receiving
from lifecycle.trails import objection_history

objections = typer.Typer(help="异议 / objections", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="JSON：fields、documents", exists=True, dir_okay=False)]
Objection = Annotated[str, typer.Argument(help="异议编号 / objection id")]


@objections.command("list")
def list_all(
    batch: Annotated[str, typer.Option("--batch", help="批次代码 / batch code")],
    status: Annotated[str | None, typer.Option(help="状态 / status")] = None,
    after: Annotated[str | None, typer.Option(help="上一页末项 / go on after")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """列出异议 / list objections."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.list_objections(tx, here.caller, find_batch(tx, batch), None, status, after)
    columns = ("编号 id", "项目 project", "号 no.", "状态 status", "核查期限 due")
    emit_page(
        found,
        as_json,
        columns,
        lambda one: (one["id"], one["code"], one["number"], one["status_label"]["zh"], one["due_on"]),
    )


@objections.command("receive")
def receive(
    project: Annotated[str, typer.Argument(help="项目id / project id")],
    file: File,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """登记异议 / enter an objection, in form or not."""
    body = body_of(file, ObjectionBody)
    with visiting(as_login, as_json) as here, here.acting(("project", project), "receive_objection") as tx:
        done = receiving.receive_objection(tx, here.log, here.caller, project, body.fields, body.papers()).to_dict()
    emit(done, as_json, lambda console: console.print(f"已登记 received: {done['objection']} {done['status']}"))


@objections.command("complete")
def complete(objection: Objection, file: File, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """补正异议 / add to an objection that was not in form."""
    body = body_of(file, ObjectionBody)
    with visiting(as_login, as_json) as here, here.acting(("objection", objection), "complete_objection") as tx:
        done = receiving.complete_objection(
            tx, here.log, here.caller, objection, body.fields, body.papers(), body.expected_version
        ).to_dict()
    emit(done, as_json, lambda console: console.print(f"已补正 completed: {done['status']}"))


@objections.command("decide")
def decide(
    objection: Objection,
    outcome: Annotated[Literal["dismissed", "rejected", "upheld"], typer.Option("--outcome", help="结论 / outcome")],
    finding: Annotated[str, typer.Option("--finding", help="核查结论 / what was found")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """登记核查结论 / record what was found."""
    with visiting(as_login, as_json) as here, here.acting(("objection", objection), "decide_objection") as tx:
        done = deciding.decide_objection(tx, here.log, here.caller, objection, outcome, finding).to_dict()
    emit(
        done,
        as_json,
        lambda console: console.print(f"已登记 recorded: {done['status']}，项目 project: {done['state']}"),
    )


@objections.command("history")
def history(
    objection: Objection, after: int = 0, limit: int = 200, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """办理留痕 / what happened to it."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = objection_history(tx, here.caller, objection, after, limit)
    emit_history(found, as_json)
