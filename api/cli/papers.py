"""Commands about papers 公文: which a project has, and one written as a Word file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.documents import Of, OfDocket, subject_of
from api.cli.output import emit, escape, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import open_session
from lifecycle.papers.dockets import docket_papers, write_docket_paper
from lifecycle.papers.writing import offered_papers, write_project_paper

papers = typer.Typer(name="papers", help="公文 / papers as Word files", no_args_is_help=True)


@papers.command("list")
def list_all(project: Of = None, docket: OfDocket = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """项目或清单可生成的文书 / the papers of a project or docket."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        kind, name = subject_of(session, caller, project, docket=docket)
        with session.database.reading() as tx:
            found = docket_papers(tx, caller, name) if kind == "docket" else offered_papers(tx, caller, name)

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
    to: Annotated[Path | None, typer.Option(help="存为 / where to save it")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """生成文书 / write a paper from an entry of the log."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        kind, name = subject_of(session, caller, project, docket=docket)
        write_one = write_docket_paper if kind == "docket" else write_project_paper
        with session.database.reading() as tx:
            written = write_one(tx, caller, session.log.origin, name, paper, seq)
    path = to or Path(written.name)
    try:
        with path.open("xb") as saved:
            saved.write(written.content)
    except FileExistsError:
        usage(f"{path}已存在", f"{path} is there already")
    answer = {"path": str(path), "bytes": len(written.content), "position": written.position.to_dict()}
    emit(answer, as_json, lambda console: console.print(escape(f"已存为 saved: {path}（{written.position.text}）")))
