"""Commands about lists of actual investment: shown, claimed from a workbook, verified, written; doubled invoices."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import emit, escape, refuse, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.projects import Project, find_project
from api.cli.session import visiting
from lifecycle.batches import find_batch
from lifecycle.claims import commit_claim, export_list, preview_claim
from lifecycle.errors import ImportRefused
from lifecycle.investment_reading import read_list
from lifecycle.investments import verify_investment
from lifecycle.invoices import list_doubled
from states.findings import Text

lists = typer.Typer(help="实际投入明细 / lists of actual investment", no_args_is_help=True)
Round = Annotated[str, typer.Argument(help="验收期代码，如half_year / the round's code")]
Source = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Excel文件 / .xlsx file")]


@lists.command("show")
def show(
    project: Project, name: Round, number: int | None = None, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """明细、核定与提示 / a round's list with verdicts and flags."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = read_list(tx, here.caller, find_project(tx, here.caller, project), name, number)

    def render(console: Console) -> None:
        rows = [
            (
                item["line"],
                item["item"],
                item["invoice_number"],
                item["paid_on"],
                _yuan(item["claimed_fen"]),
                _yuan(item["verified_fen"]),
                item["reason"],
                "⚑" * len(item["flags"]),
            )
            for item in found["lines"]
        ]
        columns = (
            "行 line",
            "内容 item",
            "发票 invoice",
            "付款 paid",
            "申报 claimed",
            "核定 verified",
            "理由 reason",
            "",
        )
        table(console, columns, rows)
        console.print(f"申报 claimed {_yuan(found['claimed_fen'])}，核定 verified {_yuan(found['verified_fen'])}")

    emit(found, as_json, render)


@lists.command("claim")
def claim(
    project: Project,
    name: Round,
    file: Source,
    commit: Annotated[bool, typer.Option("--commit", help="预览后报送 / claim it after the preview")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """从Excel报送明细；不加 --commit 只预览 / claim a list from a workbook; without --commit only a preview."""
    data = file.read_bytes()
    with visiting(as_login, as_json) as here:
        with here.reading() as tx:
            found = find_project(tx, here.caller, project)
            preview = preview_claim(tx, here.caller, found, name, data)
        shown = preview.to_dict()
        if not preview.ready:
            text = Text("表中有错误，未报送", "the workbook has errors; nothing was claimed")
            refuse(ImportRefused(text, errors=shown["errors"], counts=shown["counts"]), as_json)
        if not commit:
            sums = (
                f"{len(preview.lines)}行 lines，合计 in all {_yuan(shown['total_fen'])}；加 --commit 报送 to claim it"
            )
            emit(shown, as_json, lambda console: console.print(sums))
            return
        with here.acting(("project", found), "claim_investment") as tx:
            done = commit_claim(tx, here.log, here.caller, found, name, data, preview.digest)
    emit(done.to_dict(), as_json, lambda console: console.print(f"已报送 claimed: 第{done.number}版"))


@lists.command("verify")
def verify(
    project: Project,
    name: Round,
    basis: Annotated[int, typer.Option(help="所见明细版本 / version of the list you saw")],
    after: Annotated[int, typer.Option(help="所见核定版本，没有为0 / verification you saw, 0 for none")] = 0,
    verdicts: Annotated[str, typer.Option(help='如[{"position":2,"verified_fen":0,"reason":"…"}]')] = "[]",
    rest_accepted: Annotated[
        bool, typer.Option("--rest-accepted", help="其余按申报数认可 / the rest as claimed")
    ] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """逐行核定 / verify a list line by line."""
    given = _verdicts(verdicts)
    with visiting(as_login, as_json) as here:
        with here.reading() as tx:
            found = find_project(tx, here.caller, project)
        with here.acting(("project", found), "verify_investment") as tx:
            done = verify_investment(
                tx, here.log, here.caller, found, name, given, basis=basis, after=after, rest_accepted=rest_accepted
            )
    shown = f"已核定 verified: 第{done.number}版，{_yuan(done.total_fen)}元"
    emit(done.to_dict(), as_json, lambda console: console.print(shown))


@lists.command("export")
def export(
    project: Project,
    name: Round,
    file: Annotated[Path, typer.Argument(help="写到何处 / where to write")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导出明细 / write a list as a workbook that can be read in again."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        data = export_list(tx, here.caller, find_project(tx, here.caller, project), name)
    file.write_bytes(data)
    answer = {"file": str(file), "bytes": len(data)}
    emit(answer, as_json, lambda console: console.print(f"已导出 written: {escape(str(file))}"))


@lists.command("doubled")
def doubled(batch: str, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """重复发票 / invoices of a batch that another project claims too."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = list_doubled(tx, here.caller, find_batch(tx, batch))

    def place(at: dict[str, Any]) -> str:
        return f"{at['project']} {at['round']} #{at['line']}"

    rows = [(item["invoice"], place(item["here"]), place(item["there"])) for item in found]
    emit(found, as_json, lambda console: table(console, ("发票 invoice", "此处 here", "彼处 there"), rows))


def _verdicts(text: str) -> list[dict[str, Any]]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        usage("核定应为JSON数组", "give the verdicts as a JSON list of objects")
    return given


def _yuan(fen: int | None) -> str:
    return "—" if fen is None else f"{fen / 100:,.2f}"
