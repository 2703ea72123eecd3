"""The command that takes the log away as tables or for process mining."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import emit, usage
from api.cli.people import AsJson, AsLogin
from api.cli.projects import read_date
from api.cli.session import visiting
from lifecycle.exporting.forms import FORMS, record_export
from lifecycle.exporting.scope import Kind


def export(
    form: Annotated[str, typer.Argument(help="格式 / one of " + ", ".join(FORMS))],
    output: Annotated[Path, typer.Option(help="写入的文件 / the file to write")],
    batch: Annotated[str | None, typer.Option(help="批次代码 / a batch")] = None,
    project: Annotated[str | None, typer.Option(help="项目编号 / a project, by id")] = None,
    first_on: Annotated[str | None, typer.Option("--from", help="起始日期（含） / first business day")] = None,
    last_on: Annotated[str | None, typer.Option("--to", help="截止日期（含） / last business day")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导出留痕：表格或流程挖掘格式 / export the log as tables, XES or OCEL 2.0: the whole, a batch or a project."""
    if batch and project:
        usage("批次与项目只能选一", "choose a batch or a project")
    kind: Kind = "batch" if batch else "project" if project else "log"
    days = (read_date(first_on), read_date(last_on))
    draft = output.with_name(f"{output.name}.part")
    with visiting(as_login, as_json) as here:
        with here.acting(("audit", kind), "export_log") as tx:
            made, receipt = record_export(
                tx, here.log, here.session.settings.tiles, here.caller, form, kind, batch or project, *days
            )
        with here.reading() as tx, draft.open("wb") as file:
            file.writelines(made.pieces(tx))
    draft.replace(output)
    head = made.source.head
    answer = {
        **{"file": str(output), "bytes": output.stat().st_size, "size": head.size, "root": head.root.hex()},
        "receipt": receipt.to_dict(),
    }
    words = f"{output}: 截至 as of {head.size}, {head.root.hex()}"
    emit(answer, as_json, lambda console: console.print(words))
