"""Commands for auditors who read here: the reports, printed as they are read, stretch by stretch."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from api.auditing import before, moment, since
from api.cli.output import clock, emit, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import Session, open_session
from lifecycle import overviews
from lifecycle.attempts import attempt
from lifecycle.auditing.counts import added
from lifecycle.auditing.entries import Listed
from lifecycle.auditing.reach import require_audit
from lifecycle.auditing.reports import REPORTS, run_report
from lifecycle.callers import Caller

PAGE = 200
Read = Callable[[int | None, int], Listed]
COUNTS, STAYS = ("kind", "outcome", "number", "first", "last"), ("code", "state", "days", "entered", "deadlines")
MARKS = ("index", "at", "who", "what", "why")


def report(
    name: Annotated[str | None, typer.Argument(help="报表名称；不写则列出全部 / which; none: list them")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="起 / from this day or instant on")] = None,
    to: Annotated[str | None, typer.Option("--to", help="止（日期含当日） / to this day, included, or instant")] = None,
    batch: Annotated[str | None, typer.Option(help="批次代码 / a batch")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """审计报表：准予例外、未予办理、补记、非工作时间、期限等 / reports; each line names its entry."""
    if name is None:
        items = [one.to_dict() for one in REPORTS.values()]
        rows = [(one["name"], one["title"]["zh"], one["told"]["zh"], one["title"]["en"]) for one in items]
        emit(items, as_json, lambda console: table(console, ("名称 name", "报表", "内容", "report"), rows))
        return
    first, last = (_moment(text) for text in (from_, to))
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("audit", "reports"), "read_log"):
            require_audit(caller)
        read = _reader(session, caller, name, since(first), before(last), batch)
        pages = _pages(read)
        if name == "counts":
            pages = _summed(pages)
        _print(name, pages, as_json)


def _moment(text: str | None) -> Any:
    try:
        return moment(text) if text is not None else None
    except ValueError as error:
        usage(f"日期或时刻无法读取：{text[:64] if text else ''}", str(error))


def _reader(
    session: Session, caller: Caller, name: str, first: datetime | None, end: datetime | None, batch: str | None
) -> Read:
    def read(size: int | None, begin: int) -> Listed:
        with session.database.reading() as tx:
            of_batch = overviews.find_batch(tx, caller, batch)["id"] if batch else None
            return run_report(
                tx, caller, name, since=first, before=end, batch=of_batch, size=size, begin=begin, limit=PAGE
            )

    return read


def _pages(read: Read) -> Iterator[Listed]:
    """Yield a report's stretches, each in a transaction of its own, all as of the size that the first one found."""
    page = read(None, 0)
    yield page
    while page.next is not None:
        page = read(page.size, page.next)
        yield page


def _summed(pages: Iterator[Listed]) -> Iterator[Listed]:
    lines: list[dict[str, Any]] = []
    for page in pages:
        lines, last = added([*lines, *page.items]), page
    yield Listed(lines, 0, last.end, last.size)


def _print(name: str, pages: Iterator[Listed], as_json: bool) -> None:
    """Print as the stretches come: nothing is held but one of them."""
    if as_json:
        _print_json(name, pages)
        return
    columns, row_of = _columns(name)
    console, number, page = Console(soft_wrap=True), 0, None
    for page in pages:
        number += len(page.items)
        if page.items:
            table(console, columns, map(row_of, page.items))
    size = page.size if page else 0
    console.print(f"截至封存 as of size {size}：{number}行 lines")


def _print_json(name: str, pages: Iterator[Listed]) -> None:
    """Print one JSON value, piece by piece."""
    between = ""
    for page in pages:
        between = between or f'{{"report": {json.dumps(name)}, "size": {page.size}, "items": [\n'
        for item in page.items:
            sys.stdout.write(between + json.dumps(item, ensure_ascii=False))
            between = ",\n"
    sys.stdout.write((between if between != ",\n" else "") + "\n]}\n")


def _columns(name: str) -> tuple[tuple[str, ...], Callable[[dict[str, Any]], tuple[Any, ...]]]:
    if name == "counts":
        return COUNTS, _count
    return (STAYS, _stay) if name == "deadlines" else (MARKS, _mark)


def _count(item: dict[str, Any]) -> tuple[Any, ...]:
    kind = f"{item['type_label']['zh']} {item['type']}"
    return kind, item["outcome_label"]["zh"], item["number"], item["first"]["index"], item["last"]["index"]


def _stay(item: dict[str, Any]) -> tuple[Any, ...]:
    words = {"met": "按期 met", "open": "未到期 open"}
    lines = [
        f"{one['label']['zh']} {one['due_on']}: {words.get(one['verdict']) or _late(one)}" for one in item["deadlines"]
    ]
    entered = f"{item['entered']['index']} {clock(item['entered']['at'])}"
    return item["code"], item["state_label"]["zh"], item["days"], entered, "\n".join(lines)


def _late(one: dict[str, Any]) -> str:
    word = "逾期 late" if one["verdict"] == "late" else "超期未办 overdue"
    return f"{word} {one['days_late']}天 days"


def _mark(item: dict[str, Any]) -> tuple[Any, ...]:
    actor, sentence = item["actor"], item["sentence"] or {"zh": item["problem"] and item["problem"]["message"]["zh"]}
    code = item["subject"]["code"] if item["subject"] else None
    return item["index"], clock(item["at"]), actor.get("name") or actor["id"], code, sentence["zh"]
