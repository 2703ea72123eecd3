"""Commands about what a batch counts and reminds by: calendars and reminder plans."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import emit, escape, refusals, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import open_session
from lifecycle import calendars
from lifecycle import plans as plans_of_batches
from lifecycle.attempts import attempt
from lifecycle.batches import find_batch, rules_of
from schedules.scenarios import read_reminders
from schedules.wording import preview
from states.reminders import KINDS

calendar = typer.Typer(help="工作日历 / calendars", no_args_is_help=True)
plan = typer.Typer(help="提醒方案 / reminder plans", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="文件 / file", exists=True, dir_okay=False)]
Batch = Annotated[str, typer.Option("--batch", help="批次代码 / batch code")]
Reason = Annotated[str, typer.Option("--reason", help="理由 / reason")]


@calendar.command("preview")
def preview_calendar(file: File, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """预览改用该日历的影响 / say which dates would move; nothing is written."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        found = calendars.preview_calendar(
            tx, session.caller(as_login), find_batch(tx, batch), read_text(file)
        ).to_dict()
    emit(found, as_json, lambda console: _counts(console, found))


@calendar.command("adopt")
def adopt_calendar(
    file: File, batch: Batch, digest: Annotated[str, typer.Option("--digest", help="预览摘要 / of the preview")],
    reason: Reason, as_login: AsLogin = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """启用预览过的日历 / let the batch count by a previewed calendar."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            row = find_batch(tx, batch)
        with attempt(session.database, session.log, caller, ("batch", row["id"]), "adopt_calendar") as tx:
            done = calendars.adopt_calendar(tx, session.log, caller, row, read_text(file), digest, reason).to_dict()
    emit(done, as_json, lambda console: _counts(console, done))


@plan.command("show")
def show_plan(batch: Batch, as_json: AsJson = False) -> None:
    """显示批次的提醒方案 / show a batch's plan."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        found = plans_of_batches.show_plan(tx, find_batch(tx, batch))
    emit(found, as_json, lambda console: console.print(escape(found["text"])))


@plan.command("preview")
def preview_plan(file: File, batch: Batch, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """检查方案并预览影响 / say what is wrong with a plan and what it would change."""
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        row = find_batch(tx, batch)
        found = plans_of_batches.preview_plan(tx, session.caller(as_login), row, read_text(file)).to_dict()
    emit(found, as_json, lambda console: console.print(escape(str(found["faults"] or found["effect"]))))


@plan.command("words")
def show_words(
    kind: Annotated[str, typer.Argument(help="、".join(KINDS))],
    batch: Batch,
    checkpoint: Annotated[str, typer.Option(help="期限代码 / kind of checkpoint")] = "",
    file: Annotated[Path | None, typer.Option(help="尚未启用的方案 / a plan not set yet", exists=True)] = None,
    as_json: AsJson = False,
) -> None:
    """预览提醒文字 / show what a notice would look like as a mail."""
    known = next((one for one in KINDS if one == kind), None)
    if known is None:
        usage(f"种类应为{'、'.join(KINDS)}之一", f"the kind is one of {', '.join(KINDS)}")
    session = open_session()
    with refusals(as_json), session.database.reading() as tx:
        present = rules_of(tx, find_batch(tx, batch)).reminders
        shown = preview(read_reminders(read_text(file)) if file else present, known, None, checkpoint)
    emit(shown._asdict(), as_json, lambda console: console.print(escape(f"{shown.subject}\n\n{shown.text}")))


@plan.command("set")
def set_plan(
    batch: Batch,
    reason: Reason,
    file: Annotated[Path | None, typer.Argument(help="方案文件 / file", exists=True, dir_okay=False)] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="改回随规则附带的方案 / back to the one that ships")
    ] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """启用提醒方案 / let the batch's reminders follow a plan."""
    if (file is None) != shipped:
        usage("请给出方案文件或--shipped", "give either a file or --shipped")
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            row = find_batch(tx, batch)
        with attempt(session.database, session.log, caller, ("batch", row["id"]), "set_plan") as tx:
            receipt = plans_of_batches.set_plan(
                tx, session.log, caller, row, read_text(file) if file else None, reason
            ).to_dict()
    emit({"receipt": receipt}, as_json, lambda console: console.print("已启用 set"))


def _counts(console: Console, found: dict[str, Any]) -> None:
    counts = found["counts"]
    console.print(f"项目 projects {counts['projects']}，日期变动 dates moved {counts['moved']}")
    if "digest" in found:
        console.print(f"预览摘要 digest: {found['digest']}")


def read_text(file: Path) -> str:
    """Return a file's text: UTF-8 with or without a mark, or as Excel in China writes it."""
    data = file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")
