"""What a route is handed: the visit, its transactions, and the headers that guard a write."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.requests import Request

from api.middlewares import CARRIED
from api.requests import refuse
from api.service import Service
from lifecycle import answers, overviews
from lifecycle.attempts import attempt, translated
from lifecycle.callers import Caller
from lifecycle.canonical import NotCanonical
from lifecycle.database import Database, Transaction
from lifecycle.errors import Refusal, Unreadable
from lifecycle.requests import is_identifier
from lifecycle.signing import Receipt
from lifecycle.statements import Row
from lifecycle.transition import nowhere
from states.findings import Text

ETAG = re.compile(r'"([1-9][0-9]{0,17})"')


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one caller. Routes open a transaction here and answer after it has committed."""

    service: Service
    caller: Caller
    receipts: list[Receipt]  # of what this request wrote; they go out with the answer
    database: Database  # what is first done in it confirms the caller

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that only reads."""
        with translated(), self.database.reading() as tx:
            yield tx

    @contextmanager
    def acting(
        self, subject: tuple[str, str], action: str, key: str | None = None, asked: dict[str, Any] | None = None
    ) -> Iterator[Transaction]:
        """Open a transaction for an act; a refusal is in the log before it goes on up.

        Raises:
            Refusal: what the use case raised; what the log's format cannot hold is `Unreadable`.
        """
        try:
            with attempt(self.database, self.service.log, self.caller, subject, action, key, asked) as tx:
                try:
                    yield tx
                except NotCanonical as error:
                    raise Unreadable(
                        Text("内容过多或格式特殊，无法留痕", "too long, or not of a form that the log can hold")
                    ) from error
        except Refusal as refusal:
            self.receipts.extend(refusal.receipts)
            raise
        self.receipts.extend(tx.receipts)

    @contextmanager
    def acting_on_batch(
        self, name: str, action: str, key: str | None = None, asked: dict[str, Any] | None = None
    ) -> Iterator[tuple[Transaction, Row]]:
        """Open a transaction for an act on a batch named by code or id, and hand out its row.

        Raises:
            Refusal: as `acting`; also where there is no such batch within reach.
        """
        with self.reading() as tx:
            found = overviews.seek_batch(tx, name)
        with self.acting(("batch", found["id"] if found else name), action, key, asked) as tx:
            if found is None:
                raise overviews.no_batch(name)
            yield tx, overviews.find_batch(tx, self.caller, found["id"])

    def once(
        self, tx: Transaction, key: str | None, asked: dict[str, Any], act: Callable[[], dict[str, Any]]
    ) -> tuple[dict[str, Any], bool]:
        """Return the act's answer and whether it is the first answer to the same key, given again.

        Raises:
            KeyReused, Unreadable: the key was used for another request, or cannot be one.
        """
        if key is None:
            return _with_receipts(tx, act()), False
        answers.check_key(key)
        first = answers.recall(tx.one(answers.READ, who=self.caller.actor.id, wanted=key), asked)
        if first is not None:
            return first.to_dict(), True
        answer = _with_receipts(tx, act())
        answers.remember(tx, self.caller, key, asked, answer)
        return answer, False


async def visit(request: Request) -> Visit:
    """Return the visit of the caller whom the gate let in."""
    request.state.receipts = []
    service: Service = request.app.state.service
    state = request.state
    return Visit(service, state.caller, state.receipts, service.database.under(state.proviso))


def _with_receipts(tx: Transaction, answer: dict[str, Any]) -> dict[str, Any]:
    """Add the receipts of an act that wrote more entries than headers carry."""
    if len(tx.receipts) <= CARRIED or "receipts" in answer:
        return answer
    return {**answer, "receipts": [receipt.to_dict() for receipt in tx.receipts]}


def project_id(text: str) -> str:
    """Return a project's id from a path or body, in the form in which it is stored.

    Raises:
        NotFound: it cannot be an id.
    """
    name = text.lower()
    if not is_identifier(name):
        raise nowhere()
    return name


def expected_version(if_match: str | None, stated: int | None) -> int | None:
    """Return the version that the caller decided on, from If-Match or the body.

    Raises:
        EdgeProblem: If-Match is not one strong entity tag, or says another version than the body.
    """
    if if_match is None:
        return stated
    found = ETAG.fullmatch(if_match.strip())
    if found is None:
        refuse('If-Match应形如"7"', 'If-Match is one version in quotes, like "7"')
    version = int(found[1])
    if stated is not None and stated != version:
        refuse("If-Match与expected_version不一致", "If-Match and expected_version name different versions")
    return version


Here = Annotated[Visit, Depends(visit)]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description='所见版本，如"7" / the version decided on, from the ETag'),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1–200个可见ASCII字符；同键同请求返回首次答复 / the same key and request get the first answer",
        max_length=4096,
    ),
]
