"""The first answer to a request that named an Idempotency-Key, kept so that the same request is never done twice."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import KeyReused, Refusal, Unreadable, remembered_refusal
from lifecycle.statements import Statement
from lifecycle.tables import Answer
from states.findings import Text

_table = Answer.__table__  # type: ignore[attr-defined]
READ = Statement(
    sa.select(_table.c.request_hash, _table.c.answer).where(
        _table.c.actor == sa.bindparam("who"), _table.c.key == sa.bindparam("wanted")
    )
)
CLAIM = Statement(sa.insert(_table))
CLAIM_ONCE = Statement(
    sqlite.insert(_table).on_conflict_do_nothing(), postgresql=postgresql.insert(_table).on_conflict_do_nothing()
)
KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """The answer that this request was given the first time."""

    answer: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the first answer as it was."""
        return dict(self.answer)


def check_key(key: str | None) -> None:
    """Refuse a key that cannot be one.

    Raises:
        Unreadable: the key is not 1–200 visible ASCII characters.
    """
    if key is not None and not KEY.fullmatch(key):
        raise Unreadable(
            Text("幂等键应为1至200个可见ASCII字符", "an Idempotency-Key has 1 to 200 visible ASCII characters")
        )


def recall(row: Mapping[str, Any] | None, asked: Mapping[str, Any]) -> Remembered | None:
    """Return the first answer from the row read under the key, or None where there is none.

    Raises:
        KeyReused: the key was used for another request.
        Refusal: the first answer was this refusal.
    """
    if row is None:
        return None
    if row["request_hash"] != request_hash(asked):
        raise KeyReused(
            Text(
                "此幂等键已用于另一请求，请换新键",
                "this Idempotency-Key was used for another request: use a new one",
            )
        )
    refused = row["answer"].get("refused")
    if refused:
        raise remembered_refusal(refused)
    return Remembered(row["answer"])


def remember(tx: Transaction, caller: Caller, key: str, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Queue the answer under its key. Of two different requests at once under one key the later fails here, whole."""
    tx.queue(
        CLAIM,
        actor=caller.actor.id,
        key=key,
        request_hash=request_hash(asked),
        answer=answer,
        at=caller.now,
    )


def remember_refusal(tx: Transaction, caller: Caller, key: str, asked: Mapping[str, Any], refusal: Refusal) -> None:
    """Queue a refusal as the first answer under its key; of several at once the first stays."""
    tx.queue(
        CLAIM_ONCE,
        actor=caller.actor.id,
        key=key,
        request_hash=request_hash(asked),
        answer={"refused": refusal.to_dict()},
        at=caller.now,
    )


def request_hash(asked: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request as sorted JSON."""
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS, default=_plain)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in a request")
