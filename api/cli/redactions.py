"""Commands about redactions: previewed, proposed, seen, approved by another person, withdrawn; an entry disclosed."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import emit, emit_page, escape, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import visiting
from lifecycle.disclosing import disclose_entry
from lifecycle.redaction import reading, register

redactions = typer.Typer(help="隐去个人信息 / redaction of personal data", no_args_is_help=True)
Redaction = Annotated[str, typer.Argument(help="隐去申请编号 / id of the redaction")]
Entry = Annotated[
    list[str] | None, typer.Option(help="记录编号，或 编号:路径 / an entry's id, or id:path (/changes/3/new, /reason)")
]
Person = Annotated[
    str | None, typer.Option(help="人员的全部内容：contact/…、user/…、objector/… / all that is this person's")
]
Erase = Annotated[bool, typer.Option("--erase", help="同时从现有数据中清除 / from the live rows too")]
Reason = Annotated[str, typer.Option(help="依据和理由 / why")]


@redactions.command("preview")
def preview(
    entry: Entry = None,
    person: Person = None,
    erase: Erase = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """预览将隐去的内容，不写入 / show what would go; nothing is written."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = register.preview_redaction(tx, here.caller, _named(entry), person, erase)
    told = reading.preview_told(found)
    emit(told, as_json, lambda console: _print(console, told))


@redactions.command("propose")
def propose(
    reason: Reason,
    entry: Entry = None,
    person: Person = None,
    erase: Erase = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """提出隐去，由另一人批准 / propose a redaction; another person approves it."""
    with visiting(as_login, as_json) as here, here.acting(("redaction", "new"), "propose_redaction") as tx:
        name, found, receipt = register.propose_redaction(
            tx, here.log, here.caller, _named(entry), person, reason, erase_too=erase
        )
    told = reading.preview_told(found)

    def render(console: Console) -> None:
        _print(console, told)
        console.print(f"已提出，待另一人批准 proposed, another person has to approve: {name}")

    emit({"redaction": name, "preview": told, "receipt": receipt.to_dict()}, as_json, render)


@redactions.command("list")
def list_all(
    after: Annotated[str | None, typer.Option(help="上一页给出的位置 / from the page before")] = None,
    limit: int = 50,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """隐去申请及其结果 / redactions and what became of them."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        page = reading.list_redactions(tx, here.caller, after, limit)

    def row(item: dict[str, Any]) -> Sequence[Any]:
        return [item[name] for name in ("id", "status", "person", "number", "proposed_by", "settled_by", "reason")]

    columns = ("编号 id", "状态 status", "人员 person", "项数", "提出 by", "办结 by", "理由 reason")
    emit_page(page, as_json, columns, row)


@redactions.command("show")
def show(redaction: Redaction, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """查看隐去申请：将隐去或已隐去的内容 / show what a redaction would take, or took."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = reading.show_redaction(tx, here.caller, redaction)

    def render(console: Console) -> None:
        console.print(escape(f"{found['id']} {found['status']}: {found['reason']}"))
        if found["preview"]:
            _print(console, found["preview"])
        else:
            table(console, ("记录 entry", "路径 path"), [(one["entry"], one["path"]) for one in found["gone"]])

    emit(found, as_json, render)


@redactions.command("approve")
def approve(
    redaction: Redaction,
    digest: Annotated[str, typer.Option(help="所见预览的摘要 / digest of the preview that was seen")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """批准并隐去，不可恢复 / carry out what another person proposed; it cannot be undone."""
    with visiting(as_login, as_json) as here, here.acting(("redaction", redaction), "approve_redaction") as tx:
        number, receipt = register.approve_redaction(tx, here.log, here.caller, redaction, digest)
    answer = {"redaction": redaction, "number": number, "receipt": receipt.to_dict()}
    emit(answer, as_json, lambda console: console.print(f"已隐去{number}项 redacted: {number}"))


@redactions.command("withdraw")
def withdraw(
    redaction: Redaction, reason: str | None = None, as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """撤回隐去申请 / withdraw a proposal."""
    with visiting(as_login, as_json) as here, here.acting(("redaction", redaction), "withdraw_redaction") as tx:
        receipt = register.withdraw_redaction(tx, here.log, here.caller, redaction, reason)
    answer = {"redaction": redaction, "receipt": receipt.to_dict()}
    emit(answer, as_json, lambda console: console.print("已撤回 withdrawn"))


def disclose(
    entry: Annotated[str, typer.Argument(help="记录编号 / id of the entry")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """披露一条记录的内容及其盐值，并留痕 / give the values behind an entry's commitments with salts, on record."""
    with visiting(as_login, as_json) as here, here.acting(("audit", "entry"), "disclose") as tx:
        found, _ = disclose_entry(tx, here.log, here.caller, entry)

    def render(console: Console) -> None:
        rows = [(one["path"], one["value"], one["salt"], "✓" if one["opens"] else "✗") for one in found["disclosures"]]
        rows += [(one["path"], "—", one["redaction"], "") for one in found["withheld"]]
        table(console, ("路径 path", "内容 value", "盐值或隐去申请 salt", "相符 opens"), rows)
        console.print(escape(found["formula"]))

    emit(found, as_json, render)


def _named(entries: list[str] | None) -> dict[str, Sequence[str] | None]:
    """Return entries with their paths as typed; the same entry whole and by path ends the command."""
    found: dict[str, list[str] | None] = {}
    for text in entries or ():
        name, colon, path = text.partition(":")
        paths = found.setdefault(name, [] if colon else None)
        if (paths is None) == bool(colon):
            usage(f"记录{name}不能既列全部又列路径", f"entry {name} is named whole and by path")
        if paths is not None:
            paths.append(path)
    return dict(found)


def _print(console: Console, told: dict[str, Any]) -> None:
    rows = [
        (entry["stream"], entry["seq"], entry["type"], path["what"], path["path"])
        for entry in told["entries"]
        for path in entry["paths"]
    ]
    table(console, ("留痕 stream", "序号 seq", "类型 type", "内容 what", "路径 path"), rows)
    standing = [
        (one["kind"], one["id"], one["path"], "清除 goes" if one["goes"] else "保留 stays") for one in told["standing"]
    ]
    if standing:
        table(console, ("现有数据 live row", "编号 id", "位置 path", "处理"), standing)
    console.print(f"共{told['number']}项 disclosures, {told['standing_number']}处现有数据 live places")
    console.print(f"摘要 digest: {told['digest']}")
