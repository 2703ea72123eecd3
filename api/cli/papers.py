"""Commands about papers 公文: which a project has, and one written as a Word file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.documents import Of, OfDocket, subject_of
from api.cli.output import emit, escape, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import now, visiting
from lifecycle.papers.dockets import docket_papers, write_docket_paper, write_docket_sheet
from lifecycle.papers.public import write_public_list
from lifecycle.papers.writing import Written, offered_papers, write_project_paper


class Form(StrEnum):
    """What a public list is written as."""

    DOCX = "docx"
    XLSX = "xlsx"


To = Annotated[Path | None, typer.Option(help="存为 / where to save it")]
papers = typer.Typer(name="papers", help="公文 / papers as Word files", no_args_is_help=True)


@papers.command("list")
def list_all(project: Of = None, docket: OfDocket = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """项目或清单可生成的文书 / the papers of a project or docket."""
    with visiting(as_login, as_json) as here:
        kind, name = subject_of(here, project, docket=docket)
        with here.reading() as tx:
            found = docket_papers(tx, here.caller, name) if kind == "docket" else offered_papers(tx, here.caller, name)

    def render(console: Console) -> None:
        rows = [(one["paper"], one["label"]["zh"], "可生成 yes" if one["offered"] else "—") for one in found]
        table(console, ("代码 paper", "文书", "当前 now"), rows)

    emit({"items": found}, as_json, render)


@papers.command("write")
def write(
    paper: Annotated[str, typer.Argument(help="文书代码 / code of the paper")],
    project: Of = None,
    docket: OfDocket = None,
    seq: Annotated[int | None, typer.Option(help="留痕序号；默认最新 / entry to make it from")] = None,
    to: To = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="只要名单，存为Excel / its list as a workbook")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """生成文书 / write a paper from an entry of the log."""
    with visiting(as_login, as_json) as here:
        kind, name = subject_of(here, project, docket=docket)
        if sheet and kind != "docket":
            usage("只有清单的文书有名单", "only a docket's papers have lists: name one by --docket")
        write_one = write_docket_sheet if sheet else write_docket_paper if kind == "docket" else write_project_paper
        with here.reading() as tx:
            written = write_one(tx, here.caller, here.log.origin, name, paper, seq)
    _save(written, to, as_json)


@papers.command("public")
def public(
    docket: Annotated[str, typer.Argument(help="已公开的清单标识 / id of a docket that is public")],
    form: Annotated[Form, typer.Option(help="格式 / form")] = Form.DOCX,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """生成公众所见的名单 / write a list as the public sees it, from the entry that released it."""
    with visiting(None, as_json) as here, here.reading() as tx:
        written = write_public_list(tx, here.log.origin, docket, form.value, now())
    _save(written, to, as_json)


def _save(written: Written, to: Path | None, as_json: bool) -> None:
    path = to or Path(written.name)
    try:
        with path.open("xb") as saved:
            saved.write(written.content)
    except FileExistsError:
        usage(f"{path}已存在", f"{path} is there already")
    answer = {"path": str(path), "bytes": len(written.content), "position": written.position.to_dict()}
    emit(answer, as_json, lambda console: console.print(escape(f"已存为 saved: {path}（{written.position.text}）")))
