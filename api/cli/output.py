"""What the command line prints: tables for people, JSON with `--json`, refusals with every finding, exit codes."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lifecycle.business_days import ZONE
from lifecycle.errors import Refusal
from lifecycle.pages import Page

DONE, REFUSED, USAGE = 0, 1, 2


def emit(value: Any, as_json: bool, render: Any) -> None:
    """Print a value: as JSON, or by `render(console)`."""
    if as_json:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
    else:
        render(Console(soft_wrap=True))


def table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Print rows as a table; nothing in them is read as markup."""
    shown = Table(title=title)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    console.print(shown)


def clock(at: str | None) -> str | None:
    """Return an instant as the clocks of the programme's zone show it, to the minute."""
    if at is None:
        return None
    return datetime.fromisoformat(at).astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M")


def emit_history(found: Page, as_json: bool) -> None:
    """Print a page of what happened to something: number, instant, outcome and sentence of each entry."""
    columns = ("序", "时间 at", "结果 outcome", "经过")
    emit_page(found, as_json, columns, lambda item: (item["seq"], item["at"], item["outcome"], item["sentence"]["zh"]))


def emit_page(
    page: Page, as_json: bool, columns: Sequence[str], row_of: Callable[[dict[str, Any]], Sequence[Any]]
) -> None:
    """Print a page of a list, as JSON or as a table, and how to get the next."""

    def render(console: Console) -> None:
        table(console, columns, map(row_of, page.items))
        if page.next:
            console.print(f"下一页 next: --after {page.next}")

    emit({"items": page.items, "next": page.next}, as_json, render)


def escape(text: str) -> str:
    """Return a text that rich prints as it is, without control characters of a terminal."""
    printable = "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
    return printable.replace("[", r"\[")


def findings(console: Console, found: Iterable[Mapping[str, Any]], only_unmet: bool = True) -> None:
    """Print findings rule by rule."""
    rows = [
        (
            "✓" if item["met"] else ("○" if item["overridden"] else "✗"),
            item["rule"],
            item["clause"],
            item["message"]["zh"],
            item["message"]["en"],
        )
        for item in found
        if not (only_unmet and item["met"])
    ]
    table(console, ("", "规则 rule", "条款 clause", "说明", "finding"), rows)


@contextmanager
def refusals(as_json: bool) -> Iterator[None]:
    """Print a refusal and leave with exit code 1."""
    try:
        yield
    except Refusal as refusal:
        refuse(refusal, as_json)


def refuse(refusal: Refusal, as_json: bool) -> NoReturn:
    """Print why something was not done, and leave with exit code 1."""
    answer = {
        "refused": refusal.code,
        "title": {"zh": refusal.title.zh, "en": refusal.title.en},
        "detail": {"zh": refusal.text.zh, "en": refusal.text.en},
        **refusal.details,
    }
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2, default=str) + "\n")
        raise typer.Exit(REFUSED)
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"[bold]{escape(refusal.title.zh)} {escape(refusal.title.en)}[/bold]")
    if refusal.details.get("findings"):
        findings(console, refusal.details["findings"])
    else:
        console.print(escape(f"{refusal.text.zh}\n{refusal.text.en}"))
    for error in refusal.details.get("errors", ())[:50]:
        place = f"{error['sheet']} 第{error['row']}行 {error['column']} {error['header']}"
        console.print(escape(f"  {place}：{error['message']['zh']}（{error['value']}） / {error['message']['en']}"))
    raise typer.Exit(REFUSED)


def usage(zh: str, en: str) -> NoReturn:
    """Say what is wrong with the call and leave with exit code 2."""
    Console(stderr=True, soft_wrap=True).print(escape(f"{zh} / {en}"))
    raise typer.Exit(USAGE)


@contextmanager
def progress(label: str, total: int, as_json: bool) -> Iterator[Any]:
    """Show a progress bar on standard error while long work runs; yields a function that moves it on."""
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as bar:
        task = bar.add_task(label, total=total)
        yield lambda step=1: bar.advance(task, step)
