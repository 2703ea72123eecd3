"""Commands about dockets 办理清单: listed, shown, drafted and edited by a file, previewed, released, given up."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from api.cli.output import emit, emit_history, emit_page, escape, findings, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import visiting
from api.docketing import EditBody, NewDocket, ReturnBody
from api.requests import parse_json
from lifecycle.batches import find_batch
from lifecycle.dockets import drafting, reading, receipt, release, summaries
from lifecycle.trails import docket_history

dockets = typer.Typer(help="办理清单 / dockets", no_args_is_help=True)
Batch = Annotated[str, typer.Option("--batch", help="批次代码 / batch code")]
Docket = Annotated[str, typer.Argument(help="清单编号 / docket id")]
File = Annotated[Path, typer.Argument(help="JSON文件，同接口的请求体 / as the API's body", exists=True, dir_okay=False)]


@dockets.command("list")
def list_all(
    batch: Batch,
    kind: Annotated[str | None, typer.Option(help="清单种类 / kind")] = None,
    status: Annotated[str | None, typer.Option(help="状态 / status")] = None,
    after: Annotated[str | None, typer.Option(help="上一页末项 / go on after")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """列出批次的清单 / list a batch's dockets."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.list_dockets(tx, here.caller, find_batch(tx, batch), kind, status, after)
    columns = ("编号 id", "种类 kind", "市 city", "号 no.", "状态 status", "项目 projects")
    emit_page(
        found,
        as_json,
        columns,
        lambda one: (
            one["id"],
            one["label"]["zh"],
            one["city"],
            one["number"],
            one["status_label"]["zh"],
            one["projects"],
        ),
    )


@dockets.command("show")
def show(docket: Docket, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """显示清单 / show a docket."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.show_docket(tx, here.caller, docket)
    emit(found, as_json, lambda console: _show(console, found))


@dockets.command("draft")
def draft(file: File, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """按文件新建清单 / open a draft from a file."""
    body = body_of(file, NewDocket)
    with visiting(as_login, as_json) as here:
        with here.reading() as tx:
            row = find_batch(tx, batch)
        with here.acting(("batch", row["id"]), "open_docket") as tx:
            done = drafting.draft_docket(
                tx, here.log, here.caller, row, body.kind, body.city, body.to_edit(), here.limit
            ).to_dict()
    emit(done, as_json, lambda console: console.print(f"已新建 opened: {done['docket']}"))


@dockets.command("edit")
def edit(docket: Docket, file: File, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """按文件修改拟办清单 / edit a draft from a file."""
    body = body_of(file, EditBody)
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "edit_docket") as tx:
        version = body.expected_version
        done = drafting.edit_docket(tx, here.log, here.caller, docket, body.to_edit(), here.limit, version).to_dict()
    emit(done, as_json, lambda console: console.print(f"已修改 edited: 第{done['version']}版 version"))


@dockets.command("preview")
def preview(docket: Docket, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """预览清单发出的结果 / say what releasing a draft would do."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = release.preview_docket(tx, here.caller, docket, here.limit).to_dict()
    emit(found, as_json, lambda console: _preview(console, found))


@dockets.command("release")
def release_one(
    docket: Docket,
    digest: Annotated[str, typer.Option("--digest", help="预览摘要 / of the preview")],
    leave_blocked: Annotated[bool, typer.Option(help="不可办理的项目留待另办 / leave what is blocked")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """发出预览过的清单 / carry out a previewed docket."""
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "release_docket") as tx:
        done = release.release_docket(
            tx, here.log, here.caller, docket, digest, here.limit, leave_blocked=leave_blocked
        ).to_dict()
    emit(
        done,
        as_json,
        lambda console: console.print(
            "已签署，待另一人发出 signed: another person has to release it"
            if done["awaiting_second_person"]
            else f"已办理 done: {len(done['moved'])}，留下 left: {len(done['left'])}"
        ),
    )


@dockets.command("withdraw")
def withdraw(
    docket: Docket,
    reason: Annotated[str, typer.Option("--reason", help="理由 / reason")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """撤销拟办清单 / give up a draft."""
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "withdraw_docket") as tx:
        done = drafting.withdraw_docket(tx, here.log, here.caller, docket, reason).to_dict()
    emit(done, as_json, lambda console: console.print("已撤销 withdrawn"))


def body_of(file: Path, kind: Any) -> Any:
    """Return a file's content as the API's body of this kind; a wrong one ends the command."""
    try:
        return kind.model_validate_json(json.dumps(parse_json(file.read_bytes())))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:10])
        usage(f"文件填写有误：{told}", f"the file is not valid: {told}")


def _show(console: Console, found: dict[str, Any]) -> None:
    status, label = found["status_label"]["zh"], found["label"]["zh"]
    console.print(escape(f"{label} 第{found['number']}号 {status} 第{found['version']}版"))
    rows = [
        (
            item["position"],
            item["rank"],
            item["code"],
            item["title"],
            item["event_label"]["zh"],
            item["state_label"]["zh"],
        )
        for item in found["items"]
    ]
    table(console, ("序 no.", "排序 rank", "编号 code", "项目 title", "事项 act", "现状 state"), rows)


def _preview(console: Console, found: dict[str, Any]) -> None:
    findings(console, found["findings"])
    rows = [
        (
            row["code"],
            row["title"],
            "✓" if row["allowed"] else "✗",
            "；".join(one["message"]["zh"] for one in row["refusals"]),
        )
        for row in found["rows"]
    ]
    table(console, ("编号 code", "项目 title", "", "说明 why not"), rows)
    columns = ("限额 pool", "对象 key", "上限 ceiling", "已用 used", "变动 change", "余 left")
    names = ("pool", "key", "ceiling", "used", "change", "left")
    table(console, columns, [tuple(room[name] for name in names) for room in found["capacities"]])
    console.print(f"预览摘要 digest: {found['digest']}")


def _why(refusals: list[dict[str, Any]]) -> str:
    return "；".join(one["message"]["zh"] for one in refusals)


@dockets.command("receive")
def receive(
    docket: Docket,
    on: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="接收日期 / day of receipt")],
    copies: Annotated[int, typer.Option("--copies", help="纸质份数 / paper copies", min=0)],
    reason: Annotated[str | None, typer.Option("--reason", help="逾期接收理由 / where it is late")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """接收并点收清单 / record that a released docket has come, and count its paper."""
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "receive_docket") as tx:
        done = receipt.receive_docket(tx, here.log, here.caller, docket, on.date(), copies, reason).to_dict()
    emit(done, as_json, lambda console: console.print("已接收 received"))


@dockets.command("return")
def give_back(
    docket: Docket,
    file: Annotated[Path, typer.Option("--file", help="JSON：fields、projects、reason", exists=True, dir_okay=False)],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """退回清单，全部或部分项目 / give a docket back, whole or some of its projects."""
    body = body_of(file, ReturnBody)
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "return_docket") as tx:
        done = receipt.return_docket(
            tx, here.log, here.caller, docket, body.fields, here.limit, projects=body.projects, reason=body.reason
        ).to_dict()
    emit(done, as_json, lambda console: console.print(f"已退回 returned: {len(done['projects'])}"))


@dockets.command("admit")
def admit(
    docket: Docket,
    reason: Annotated[str, typer.Option("--reason", help="理由 / reason")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """准予拟办清单逾期报送 / let a draft come after its date."""
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "admit_docket") as tx:
        done = receipt.admit_late(tx, here.log, here.caller, docket, reason, here.limit).to_dict()
    emit(done, as_json, lambda console: console.print(f"已准予 admitted: {len(done['projects'])}"))


@dockets.command("export")
def export(
    docket: Docket,
    file: Annotated[Path, typer.Argument(help="写到何处 / where to write")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导出清单的汇总表 / write a docket's summary table."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        data = summaries.export_docket(tx, here.caller, docket)
    file.write_bytes(data)
    emit({"file": str(file), "bytes": len(data)}, as_json, lambda console: console.print(f"已导出 {escape(str(file))}"))


@dockets.command("history")
def history(
    docket: Docket, after: int = 0, limit: int = 200, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """办理留痕 / what happened to it."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = docket_history(tx, here.caller, docket, after, limit)
    emit_history(found, as_json)
