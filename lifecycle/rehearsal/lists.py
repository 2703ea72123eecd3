"""Steps that are done with lists of actual investment: claimed in lines, verified line by line, invoices flagged."""

from typing import Any

from lifecycle.attempts import attempt
from lifecycle.database import Transaction
from lifecycle.investment_reading import read_list
from lifecycle.investments import Kept, claim_investment, verify_investment
from lifecycle.rehearsal.moment import Moment
from lifecycle.statements import Row
from lifecycle.workbook.money import to_wan
from states.findings import Text
from states.steps import InvestmentStep

WHOLE = 100
CUT = "付款凭证与合同不符，核减（演示）。"
STANDS = "与另一项目共用发票，已核对原件和分摊协议（演示）。"
LABELS = {"claim": Text("申报", "claimed"), "verify": Text("逐行核定", "verified by line")}


def play_list(moment: Moment) -> None:
    """Claim or verify the list of each of the step's projects, and tell the sum and the flags."""
    stage, asked, total, flags = moment.stage, _asked(moment), 0, 0
    for row in moment.rows:
        caller = moment.caller(stage.actor(moment.step.by, row))
        act = f"{asked.do}_investment"
        with attempt(stage.database, stage.log, caller, ("project", row["id"]), act) as tx:
            if asked.do == "claim":
                lines = _lines(asked, row)
                kept = claim_investment(tx, stage.log, caller, row["id"], asked.round, lines)
            else:
                found = read_list(tx, caller, row["id"], asked.round)
                flags += sum(bool(line["flags"]) for line in found["lines"])
                kept = _verify(tx, moment, row, found)
        total += kept.total_fen
        moment.done.append(moment.alias(row["id"]))
    told = to_wan(total)
    moment.more.append(
        Text(
            f"合计{told:,}万元" + (f"，发票重复提示{flags}行" if flags else ""),
            f"10,000 yuan in all {told:,}" + (f", {flags} lines flagged for their invoice" if flags else ""),
        )
    )


def told_list(moment: Moment) -> Text:
    """Return what a step does with lists, in words."""
    asked, rounds = _asked(moment), moment.stage.rules.definition.rounds
    label, act = rounds[asked.round], LABELS[asked.do]
    return Text(f"{label.zh}实际投入明细：{act.zh}", f"list of the {label.en}: {act.en}")


def _asked(moment: Moment) -> InvestmentStep:
    assert moment.step.investment is not None
    return moment.step.investment


def _lines(asked: InvestmentStep, row: Row) -> list[dict[str, Any]]:
    """Return invented payments that come to the step's share of the planned investment, to the fen."""
    whole = row["investment_fen"] * asked.percent // WHOLE
    amounts = [whole * share // WHOLE for share in asked.shares]
    amounts[0] += whole - sum(amounts)
    day = asked.paid_on.isoformat() if asked.paid_on else None
    return [
        {
            "item": asked.item,
            "payee": asked.payee,
            "contract_number": f"{row['code']}-H{number}",
            "invoice_number": asked.invoice.format(code=row["code"], number=number),
            "invoice_on": day,
            "invoice_fen": amount,
            "payment_number": f"{row['code']}-P{number}",
            "paid_on": day,
            "paid_fen": amount,
            "claimed_fen": amount,
        }
        for number, amount in enumerate(amounts, 1)
    ]


def _verify(tx: Transaction, moment: Moment, row: Row, found: dict[str, Any]) -> Kept:
    """Verify the lines as claimed but for the cuts; a flagged one is taken with a reason."""
    stage, asked = moment.stage, _asked(moment)
    verdicts = []
    for line in found["lines"]:
        percent = asked.cuts.get(line["line"], WHOLE)
        if percent < WHOLE or line["flags"]:
            fen, why = line["claimed_fen"] * percent // WHOLE, STANDS if line["flags"] else CUT
            verdicts.append({"position": line["line"], "verified_fen": fen, "reason": why})
    caller = moment.caller(stage.actor(moment.step.by, row))
    return verify_investment(
        tx,
        stage.log,
        caller,
        row["id"],
        asked.round,
        verdicts,
        basis=found["number"],
        after=found["last_verified"],
        rest_accepted=True,
    )
