"""Commands about batches and workbooks."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import emit, escape, refusals, refuse, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import open_session
from lifecycle import quotas
from lifecycle.attempts import attempt
from lifecycle.batches import ALL, find_batch, open_batch, summary
from lifecycle.errors import ImportRefused
from lifecycle.exports import export_ledger
from lifecycle.imports import KINDS, ImportPreview, commit_import, preview_import
from states.findings import Text
from states.library import bundled_definitions, bundled_policies

batches = typer.Typer(help="批次 / batches", no_args_is_help=True)
Batch = Annotated[str, typer.Option("--batch", "-b", help="批次代码 / batch code")]


@batches.command("list")
def list_batches(as_json: AsJson = False) -> None:
    """批次一览 / all batches."""
    session = open_session()
    with session.database.reading() as tx:
        rows = [summary(row) for row in tx.fetch(ALL)]
    columns = ("code", "title", "programme", "invented", "version")
    emit(rows, as_json, lambda console: table(console, columns, [[row[c] for c in columns] for row in rows]))


@batches.command("open")
def open_one(
    code: str,
    policy: Annotated[str, typer.Option(help="规则版本，如 sd-gongfu-2024-2/1 / policy name and version")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """开设批次 / open a batch."""
    session = open_session()
    if policy not in bundled_policies():
        usage(f"没有规则{policy}；现有：{'、'.join(bundled_policies())}", f"no policy {policy}")
    chosen, policy_text = bundled_policies()[policy]
    definition_text = bundled_definitions()[chosen.policy.definition][1]
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("system", "batches"), "open_batch") as tx:
            batch = open_batch(tx, session.log, caller, code, definition_text, policy_text)
    emit({"id": batch, "code": code}, as_json, lambda console: console.print(f"已开设 opened: {code} {batch}"))


@batches.command("quotas")
def watch(
    batch: Batch,
    ledger: Annotated[str | None, typer.Option(help="限额台账，如 city_quota/370100 / ledger of one")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """名额使用情况与台账 / quotas as they stand, or every movement of one."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        caller, row = session.caller(as_login), find_batch(tx, batch)
        if ledger is None:
            found: Any = quotas.watch_quotas(tx, caller, row)
            names: tuple[str, ...] = ("city", "ceiling", "used", "exempt", "drafted", "left", "over")
            lines = found
        else:
            pool, _, key = ledger.partition("/")
            found = quotas.read_movements(tx, caller, row, pool, key)
            names, lines = ("at", "code", "event", "actor", "change", "held"), found["movements"]
    emit(found, as_json, lambda console: table(console, names, [[line[name] for name in names] for line in lines]))


def import_workbook(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Excel文件 / .xlsx file")],
    batch: Batch,
    kind: Annotated[str, typer.Option(help=f"{'、'.join(KINDS)}")] = "projects",
    commit: Annotated[bool, typer.Option("--commit", help="预览后导入 / enter it after the preview")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导入汇总表、榜单、名额或入选名单；不加 --commit 只预览 / read a workbook; without --commit only a preview."""
    session = open_session()
    data = file.read_bytes()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            row = find_batch(tx, batch)
            preview = preview_import(tx, caller, row, kind, data)
        if not commit:
            emit(preview.to_dict(), as_json, lambda console: _show(console, preview))
            if not preview.ready:
                raise typer.Exit(1)
            return
        if not preview.ready:
            shown = preview.to_dict()
            text = Text("表中有错误，未导入任何数据", "the workbook has errors; nothing was imported")
            refuse(ImportRefused(text, errors=shown["errors"], counts=shown["counts"]), as_json)
        with attempt(session.database, session.log, caller, ("batch", row["id"]), f"import_{kind}") as tx:
            done = commit_import(tx, session.log, caller, row, kind, data, preview.digest)
    emit(done.to_dict(), as_json, lambda console: console.print(f"已导入 imported: {done.rows}行 rows ({kind})"))


def export_workbook(
    file: Annotated[Path, typer.Argument(help="写到何处 / where to write")],
    batch: Batch,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导出台账 / write the ledger as a workbook that can be imported again."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            data = export_ledger(tx, caller, find_batch(tx, batch))
    file.write_bytes(data)
    answer = {"file": str(file), "bytes": len(data)}
    emit(answer, as_json, lambda console: console.print(f"已导出 written: {escape(str(file))}"))


def _show(console: Console, preview: ImportPreview) -> None:
    counts = preview.to_dict()["counts"]
    console.print(f"数据行 rows {counts['rows']}，错误 errors {counts['errors']}，提示 warnings {counts['warnings']}")
    for label, found in (("错误 error", preview.errors), ("提示 warning", preview.warnings)):
        rows = [
            (label, item.sheet, item.row, item.column, item.header, item.message.zh, item.message.en, item.value)
            for item in found[:50]
        ]
        if rows:
            table(console, ("", "表 sheet", "行 row", "列 col", "表头 header", "说明", "what", "值 value"), rows)
    if preview.ready:
        console.print("可以导入：加 --commit 再运行一次 / ready: run again with --commit")
