"""Commands about documents: list, bring in, save, and sweep what belongs to none."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.output import emit, escape, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.projects import find_project
from api.cli.session import Visit, visiting
from lifecycle.documents.keeping import Asked, admit, announce, store_document
from lifecycle.documents.reading import download_name, find_document, list_documents
from lifecycle.documents.sweep import find_orphans
from lifecycle.documents.sweep import sweep as sweep_files
from lifecycle.files.drafts import receiving
from lifecycle.files.store import open_store

documents = typer.Typer(name="documents", help="材料 / documents", no_args_is_help=True)
Of = Annotated[str | None, typer.Argument(help="项目编号或标识 / project code or id")]
OfDocket = Annotated[str | None, typer.Option("--docket", help="清单标识 / of a docket instead, by id")]
OfBatch = Annotated[str | None, typer.Option("--batch", "-b", help="批次材料：批次代码 / of a batch instead")]
PIECE = 1024 * 1024


@documents.command("list")
def list_all(
    project: Of = None,
    batch: OfBatch = None,
    docket: OfDocket = None,
    kind: Annotated[str | None, typer.Option(help="材料种类代码 / code of the kind")] = None,
    versions: Annotated[bool, typer.Option("--versions", help="全部版本 / all versions")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """材料列表 / list documents."""
    with visiting(as_login, as_json) as here:
        subject = subject_of(here, project, batch, docket)
        with here.reading() as tx:
            found = list_documents(tx, here.caller, subject, kind, versions=versions)

    def render(console: Console) -> None:
        rows = [
            (one["kind_label"]["zh"], one["name"], one["version"], one["format"], one["size"], one["at"], one["id"])
            for one in found
        ]
        columns = ("种类 kind", "文件 name", "版本", "格式 format", "字节 bytes", "时间 at", "标识 id")
        table(console, columns, rows)

    emit({"items": found}, as_json, render)


@documents.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="文件 / the file", exists=True, dir_okay=False)],
    kind: Annotated[str, typer.Argument(help="材料种类代码 / code of the kind")],
    project: Of = None,
    batch: OfBatch = None,
    docket: OfDocket = None,
    name: Annotated[str | None, typer.Option(help="登记的文件名 / the name to register")] = None,
    replaces: Annotated[str | None, typer.Option(help="所替换的材料标识 / document to replace")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """上传材料 / bring in a document."""
    with visiting(as_login, as_json) as here:
        asked = Asked(subject_of(here, project, batch, docket), kind, name or file.name, replaces)
        kept = _keep(here, asked, file)

    def render(console: Console) -> None:
        console.print(escape(f"已存 stored: {kept['name']}（{kept['format']}，第{kept['version']}版）{kept['id']}"))

    emit(kept, as_json, render)


@documents.command("get")
def get(
    document: Annotated[str, typer.Argument(help="材料标识 / the document's id")],
    project: Of = None,
    batch: OfBatch = None,
    docket: OfDocket = None,
    version: Annotated[int | None, typer.Option(help="版本；默认最新 / the version; the newest by default")] = None,
    to: Annotated[Path | None, typer.Option(help="存为 / where to save it")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """下载材料（核对校验值） / save a document, checked against its hash."""
    with visiting(as_login, as_json) as here:
        subject = subject_of(here, project, batch, docket)
        with here.reading() as tx:
            found = find_document(tx, here.caller, subject, document, version)
        with open_store(here.session.settings).fetch(found["sha256"], found["size"]) as content:
            path = to or Path(download_name(found))
            try:
                with path.open("xb") as saved:
                    shutil.copyfileobj(content, saved)
            except FileExistsError:
                usage(f"{path}已存在", f"{path} is there already")
    emit({**found, "path": str(path)}, as_json, lambda console: console.print(escape(f"已存为 saved: {path}")))


@documents.command("sweep")
def sweep(
    commit: Annotated[bool, typer.Option("--commit", help="确认清理 / remove them")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """清理无主文件；默认只列出 / remove files that belong to no document; without --commit they are only listed."""
    with visiting(as_login, as_json) as here:
        database, store = here.session.database, open_store(here.session.settings)
        found = find_orphans(database, store, here.caller)
        if commit:
            found = sweep_files(database, store, here.log, here.caller)

    def render(console: Console) -> None:
        verb = "已清理 removed" if commit else "可清理 would go"
        table(console, (verb, "原因 why", "字节 bytes"), [(one.path, one.why, one.size) for one in found.orphans])
        console.print(f"在用文件 files in use: {found.files}；缺失 missing: {len(found.missing)}")
        for sha256 in found.missing:
            console.print(f"  {sha256}")

    emit({**found.to_dict(), "removed": commit}, as_json, render)


def subject_of(
    here: Visit, project: str | None, batch: str | None = None, docket: str | None = None
) -> tuple[str, str]:
    """Return the one subject that a command names; none or two end it."""
    if sum(name is not None for name in (project, batch, docket)) != 1:
        usage("请指明项目、--docket或--batch之一", "name a project, or --docket, or --batch where there is one")
    if batch is not None:
        return "batch", batch
    if docket is not None:
        return "docket", docket
    with here.reading() as tx:
        return "project", find_project(tx, here.caller, project or "")


def _keep(here: Visit, asked: Asked, file: Path) -> dict[str, object]:
    settings, act = here.session.settings, "store_document"
    store = open_store(settings)
    with here.acting(asked.subject, act) as tx:
        limit = admit(tx, here.caller, settings, asked)
    with receiving(store.incoming, limit) as draft:
        with file.open("rb") as source:
            draft.take(iter(lambda: source.read(PIECE), b""))
        with here.acting(asked.subject, act) as tx:
            announce(tx, here.caller, settings, asked, draft)
        store.keep(draft)
        with here.acting(asked.subject, act) as tx:
            return store_document(tx, here.log, here.caller, asked, draft.sha256).to_dict()
