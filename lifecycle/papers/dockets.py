"""A docket as it stood at an entry of its stream, with its projects as they stood then; and its papers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.commitments import Disclosure
from lifecycle.database import Transaction
from lifecycle.dockets.shelf import DRAFT, find_docket
from lifecycle.errors import NotFound, Unreadable
from lifecycle.exports import INVENTED
from lifecycle.papers.layout import Page
from lifecycle.papers.positions import BrokenLog, Past, Position, pasts, position_of
from lifecycle.papers.sheets import set_list
from lifecycle.papers.values import Source
from lifecycle.papers.writing import Written, begin, find_paper, finish, may_have, set_columns, set_part
from lifecycle.rulebooks import RuleSet, rules_for
from lifecycle.sets import select_many
from lifecycle.statements import Row
from lifecycle.streams import DISCLOSURES, ENTRIES, Cut, Played, chain, opened
from lifecycle.visibility import hidden_fields, label_of
from states.deadlines import business_date
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


@dataclass(frozen=True, slots=True)
class Filled:
    """A paper of a docket with what fills it: its projects at the position, in order."""

    row: Row
    paper: Paper
    position: Position
    sources: Sequence[Source]

    @property
    def name(self) -> str:
        """Return what a file of it is called, without its ending."""
        return f"{self.row['batch_code']}-{self.paper.zh}-{self.row['number']}-{self.position.seq}"


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
    return set_paper(fill_paper(tx, caller, origin, docket, name, seq))


def write_docket_sheet(
    tx: Transaction, caller: Caller, origin: str, docket: str, name: str, seq: int | None = None
) -> Written:
    """Write the list of a docket's paper as a workbook, from the same position and with the same rows and sums.

    Raises:
        NotFound, Forbidden, Unreadable, BrokenLog: as `write_docket_paper`; or the paper has no list.
    """
    return set_sheet(fill_paper(tx, caller, origin, docket, name, seq))


def fill_paper(tx: Transaction, caller: Caller, origin: str, docket: str, name: str, seq: int | None) -> Filled:
    """Return a paper of a docket within the caller's reach, filled as far as the caller may see.

    Raises:
        NotFound, Forbidden, Unreadable, BrokenLog: as `write_docket_paper`.
    """
    held = find_docket(tx, caller, docket)
    position = position_of(tx, origin, f"docket/{docket}", seq)
    listed = play_docket(tx, docket, position.seq)
    rules = rules_for(tx, *listed.versions)
    paper = find_paper(rules.policy.papers.kinds, caller, name, held.row["kind"])
    hidden = hidden_fields(caller.actor, rules.definition)
    return fill(tx, held.row, listed, paper, rules, position, hidden)


def fill(
    tx: Transaction,
    row: Row,
    listed: Listed,
    paper: Paper,
    rules: RuleSet,
    position: Position,
    hidden: frozenset[str],
) -> Filled:
    """Return a paper filled with the projects of a docket that are for it.

    Raises:
        Unreadable: there is none.
        BrokenLog: a project's entries do not hold together.
    """
    sources = _sources(tx, row, listed, paper, rules, position, hidden)
    if not sources:
        raise Unreadable(Text("清单中没有适用于此文书的项目", "no project of the docket is one for this paper"))
    return Filled(row, paper, position, sources)


def set_paper(filled: Filled) -> Written:
    """Return a filled paper as a Word file."""
    paper, first = filled.paper, filled.sources[0]
    page = Page(landscape=paper.landscape)
    begin(page, paper, first)
    for part in paper.parts:
        if part.columns:
            set_columns(page, part.columns, filled.sources)
        set_part(page, part, first)
    if filled.row["invented"]:
        page.note(INVENTED)
    return finish(page, paper, first, filled.position, filled.name)


def set_sheet(filled: Filled) -> Written:
    """Return a filled paper's list as a workbook.

    Raises:
        NotFound: the paper has no list.
    """
    columns = next((part.columns for part in filled.paper.parts if part.columns), None)
    if columns is None:
        raise NotFound(Text(f"{filled.paper.zh}没有名单", f"the {filled.paper.en} has no list"))
    first, note = filled.sources[0], INVENTED if filled.row["invented"] else None
    title, position = first.fill(filled.paper.title), filled.position
    content = set_list(filled.paper.zh, title, columns, filled.sources, position, note)
    return Written(content, f"{filled.name}.xlsx", position)


def _sources(
    tx: Transaction,
    row: Row,
    listed: Listed,
    paper: Paper,
    rules: RuleSet,
    position: Position,
    hidden: frozenset[str],
) -> list[Source]:
    wanted = [
        (project, item)
        for project, item in sorted(listed.items.items(), key=lambda one: (one[1]["position"], one[0]))
        if (not paper.events or item["event"] in paper.events)
        and (listed.status == DRAFT or "version" in (item.get("outcome") or {}))
    ]
    cuts = {project: _cut(item, position) for project, item in wanted}
    found = pasts(tx, [project for project, _ in wanted], cuts)
    city = rules.policy.cities.get(row["city"])
    common = {
        "count": str(len(wanted)),
        "docket_number": str(row["number"]),
        "docket_city": city.zh if city else "",
    }
    return [
        Source(
            _with(replace(past, rules=rules), listed.header, {**item["fields"], **item["private"]}),
            business_date(position.at, rules.policy.policy.zone),
            hidden,
            header=listed.header,
            more={
                **common,
                "number": str(number),
                "rank": _rank(past, item, number),
                "act": rules.definition.by_event[item["event"]][0].zh,
            },
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


def play_docket(tx: Transaction, docket: str, seq: int) -> Listed:
    """Return a docket as its entries tell it up to one of them.

    Raises:
        BrokenLog: they do not hold together.
    """
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
