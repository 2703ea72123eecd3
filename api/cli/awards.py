"""Commands about the rewards of a draft: other score lines tried out, amounts filled in."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.dockets import Docket
from api.cli.output import emit, escape, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import visiting
from lifecycle.dockets.awards import Trial, allot, try_awards

FEN = 100


def try_out(
    docket: Docket,
    line: Annotated[list[str] | None, typer.Option("--line", help="档次=分数线，如first=92 / tier=score line")] = None,
    share: Annotated[int | None, typer.Option("--share", min=0, max=100, help="核定投入比例% / percent")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """测算奖补：调整分数线后谁变动、需多少资金，不写入 / try out score lines; nothing is written."""
    trial = Trial(dict(_line(text) for text in line or ()), share)
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = try_awards(tx, here.caller, docket, trial)
    emit(found, as_json, lambda console: _tried(console, found))


def fill_in(docket: Docket, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """按批次规定和得分填写拟奖补档次、金额 / fill tiers and amounts into the draft."""
    with visiting(as_login, as_json) as here, here.acting(("docket", docket), "allot") as tx:
        done, reckoning = allot(tx, here.log, here.caller, docket, here.limit)
    emit({**done.to_dict(), "reckoning": reckoning}, as_json, lambda console: _awards(console, reckoning))


def _line(text: str) -> tuple[str, Decimal]:
    tier, _, line = text.partition("=")
    try:
        return tier, Decimal(line)
    except InvalidOperation:
        usage(f"分数线应形如first=92：{text}", f"a line is written like first=92: {text}")


def _tried(console: Console, found: dict[str, Any]) -> None:
    _awards(console, found["tried"])
    rows = [(move["code"], _part(move["from"]), "→", _part(move["to"])) for move in found["moves"]]
    table(console, ("变动 moves", "现行 now", "", "测算 tried"), rows)
    console.print(f"资金增减 costs more: {found['costs_more_fen'] // FEN:,}元")


def _awards(console: Console, found: dict[str, Any]) -> None:
    rows = [
        (
            one["code"],
            one["title"],
            f"{one['score'] or '—'}{'＝线' if one['at_line'] else ''}{'（同分）' if one['tied'] > 1 else ''}",
            found["tiers"][one["tier"]]["zh"] if one["tier"] else "—",
            f"{one['amount_fen'] // FEN:,}",
            one["message"]["zh"],
        )
        for one in found["awards"]
    ]
    table(console, ("编号 code", "项目 title", "得分 score", "档次 tier", "金额（元） yuan", "说明 why"), rows)
    console.print(escape(f"合计 cost: {found['cost_fen'] // FEN:,}元，余 left: {found['left_fen'] // FEN:,}元"))


def _part(part: dict[str, Any]) -> str:
    return f"{part['tier'] or '—'} {part['amount_fen'] // FEN:,}"
