"""A docket as it stood at an entry of its stream, with its projects as they stood then; and its papers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import Disclosure
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import DRAFT, Held, find_docket
from lifecycle.errors import Unreadable
from lifecycle.papers.layout import Page
from lifecycle.papers.positions import BrokenLog, Past, Position, pasts, position_of
from lifecycle.papers.values import Source
from lifecycle.papers.writing import Written, begin, find_paper, finish, may_have, set_columns, set_part, source_of
from lifecycle.rulebooks import RuleSet, rules_for
from lifecycle.sets import select_many
from lifecycle.statements import Row
from lifecycle.streams import DISCLOSURES, ENTRIES, Cut, Played, chain, opened
from lifecycle.visibility import label_of
from states.findings import Text
from states.papers import Paper


@dataclass(slots=True)
class Listed:
    """A docket as its entries tell it up to a position."""

    status: str = DRAFT
    header: dict[str, Any] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # project -> position, event, fields, private, outcome
    versions: tuple[str, str] = ("", "")  # definition and policy


def docket_papers(tx: Transaction, caller: Caller, docket: str) -> list[dict[str, Any]]:
    """Return the papers that the caller may have of a docket.

    Raises:
        NotFound: there is no such docket within the caller's reach.
    """
    held = find_docket(tx, caller, docket)
    return [
        {"paper": name, "label": label_of(paper, name), "offered": bool(held.items), "states": []}
        for name, paper in held.rules.policy.papers.kinds.items()
        if held.row["kind"] in paper.dockets and may_have(caller.actor, paper)
    ]


def write_docket_paper(
    tx: Transaction, caller: Caller, origin: str, docket: str, name: str, seq: int | None = None
) -> Written:
    """Write a paper of a docket as it stood at an entry of its stream, by default the last.

    Its projects are as they stood at that instant; once it is released, those that it moved, as it left them.

    Raises:
        NotFound: no such docket within reach, entry or paper.
        Forbidden: the paper is not for the caller's role.
        Unreadable: no project of the docket is one for this paper.
        BrokenLog: entries do not hold together: nothing is made from them.
    """
    held = find_docket(tx, caller, docket)
    position = position_of(tx, origin, f"docket/{docket}", seq)
    listed = _play(tx, docket, position.seq)
    rules = rules_for(tx, *listed.versions)
    paper = find_paper(rules.policy.papers.kinds, caller, name, held.row["kind"])
    sources = _sources(tx, caller, held, listed, paper, rules, position)
    if not sources:
        raise Unreadable(Text("清单中没有适用于此文书的项目", "no project of the docket is one for this paper"))
    page, first = Page(landscape=paper.landscape), sources[0]
    begin(page, paper, first)
    for part in paper.parts:
        if part.columns:
            set_columns(page, part.columns, sources)
        set_part(page, part, first)
    row = held.row
    return finish(page, paper, first, position, f"{row['batch_code']}-{paper.zh}-{row['number']}-{position.seq}")


def _sources(
    tx: Transaction, caller: Caller, held: Held, listed: Listed, paper: Paper, rules: RuleSet, position: Position
) -> list[Source]:
    wanted = [
        (project, item)
        for project, item in sorted(listed.items.items(), key=lambda one: (one[1]["position"], one[0]))
        if (not paper.events or item["event"] in paper.events)
        and (listed.status == DRAFT or "version" in (item.get("outcome") or {}))
    ]
    cuts = {project: _cut(item, position) for project, item in wanted}
    found = pasts(tx, [project for project, _ in wanted], cuts)
    city = rules.policy.cities.get(held.row["city"])
    common = {
        "count": str(len(wanted)),
        "docket_number": str(held.row["number"]),
        "docket_city": city.zh if city else "",
    }
    return [
        source_of(
            caller.actor,
            _with(replace(past, rules=rules), listed.header, {**item["fields"], **item["private"]}),
            position,
            header=listed.header,
            more={**common, "number": str(number), "rank": _rank(past, item, number)},
        )
        for number, (past, (_, item)) in enumerate(zip(found, wanted, strict=True), 1)
    ]


def _cut(item: Mapping[str, Any], position: Position) -> Cut:
    """Return how far an item's project is played: to the version the release made of it, else up to the instant."""
    version = (item.get("outcome") or {}).get("version")
    return Cut(version=version) if version else Cut(before=position.at)


def _with(past: Past, header: Mapping[str, Any], own: Mapping[str, Any]) -> Past:
    """Return a project with what its docket gives it, as if on record: a draft's proposals are shown as they stand."""
    record = {**(past.columns.get("record") or {}), **header, **own}
    return replace(past, columns={**past.columns, "record": record})


def _rank(past: Past, item: Mapping[str, Any], number: int) -> str:
    given = (item.get("outcome") or {}).get("rank") or past.record("rank")
    return str(given or number)


def _play(tx: Transaction, docket: str, seq: int) -> Listed:
    stream = f"docket/{docket}"
    rows = [row for row in select_many(tx, ENTRIES, "streams", [stream]) if row["seq"] <= seq]
    disclosures = {
        (row["entry_id"], row["path"]): Disclosure(**row) for row in select_many(tx, DISCLOSURES, "streams", [stream])
    }
    played, listed = Played(), Listed()
    for row in rows:
        body = parse_canonical(row["body"])
        chain(played, row, body)
        if body["outcome"] == "success":
            action = body["action"] or {}  # none where a document was brought in
            if action.get("definition"):
                listed.versions = (action["definition"], action["policy"])
            for path, value in _values(played, row, body, disclosures):
                _apply(listed, path, value)
    if played.problems:
        raise BrokenLog(played.problems)
    return listed


def _values(
    played: Played, row: Row, body: Mapping[str, Any], disclosures: Mapping[tuple[str, str], Disclosure]
) -> Iterator[tuple[Sequence[str], Any]]:
    for index, change in enumerate(body["changes"]):
        value = opened(played, row["id"], change["new"], f"/changes/{index}/new", disclosures)
        yield change["path"].split("/")[1:], value


def _apply(listed: Listed, path: Sequence[str], value: Any) -> None:
    """Put one change into the docket: its status, a field of the header, an item or a part of one."""
    head, *rest = path
    if head == "status":
        listed.status = value
    elif head == "header" and rest:
        _put(listed.header, rest[0], value)
    elif head == "items" and len(rest) == 1:
        if value is None:
            listed.items.pop(rest[0], None)
        else:
            # Sensitive fields come in changes of their own and stay; the others are all in this one.
            listed.items[rest[0]] = {**listed.items.get(rest[0], {"private": {}}), **value}
    elif head == "items" and rest[0] in listed.items:
        if rest[1] == "fields":
            _put(listed.items[rest[0]]["private"], rest[2], value)
        else:
            listed.items[rest[0]][rest[1]] = value


def _put(held: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        held.pop(name, None)
    else:
        held[name] = value
