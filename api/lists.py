"""Bodies of requests about lists of actual investment: lines as claimed, and what was verified of them."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from api.schemas import NO_BREAK, NO_CONTROL, Body, Code, Day, Fen, Flag, Version

Number = Annotated[int, Field(strict=True, ge=0, le=100_000)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=NO_BREAK)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_BREAK)]
Remarks = Annotated[str, StringConstraints(max_length=500, pattern=NO_CONTROL)]


class LineBody(Body):
    """One payment under one invoice of one contract; money in fen."""

    item: Name
    payee: Name
    contract_number: ShortText
    contract_on: Day | None = None
    invoice_number: ShortText
    invoice_on: Day
    invoice_fen: Fen
    payment_number: ShortText
    paid_on: Day
    paid_fen: Fen
    claimed_fen: Fen
    category: Code | None = None
    remarks: Remarks | None = None


class ListBody(Body):
    """The whole list of a round."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lines": [
                        {
                            "item": "数控机床",
                            "payee": "某设备公司",
                            "contract_number": "HT-2024-01",
                            "contract_on": "2024-09-01",
                            "invoice_number": "24372000000012345678",
                            "invoice_on": "2024-10-10",
                            "invoice_fen": 65000000,
                            "payment_number": "FK-001",
                            "paid_on": "2024-11-11",
                            "paid_fen": 65000000,
                            "claimed_fen": 65000000,
                            "category": "equipment",
                        }
                    ]
                }
            ]
        }
    )
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=2000)]
    expected_version: Version | None = None


class VerdictBody(Body):
    """What was verified of one line, counted from 1; less than claimed takes a reason."""

    position: Annotated[int, Field(strict=True, ge=1, le=2000)]
    verified_fen: Fen
    reason: Remarks | None = None


class VerdictsBody(Body):
    """What was verified of the claim numbered `basis`, having seen the verification numbered `after` (0: none)."""

    basis: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    after: Number
    lines: Annotated[list[VerdictBody], Field(default_factory=list, max_length=2000)]
    rest_accepted: Flag = False
    expected_version: Version | None = None
