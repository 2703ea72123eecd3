"""Papers written: found among the batch's, filled from a position in the log, set on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Forbidden, NotFound, NotOffered
from lifecycle.history import project_history
from lifecycle.papers.amounts import in_wan
from lifecycle.papers.layout import Page
from lifecycle.papers.lists import LISTS, Told
from lifecycle.papers.positions import Past, Position, project_at
from lifecycle.papers.values import Source
from lifecycle.transition import load_project
from lifecycle.visibility import hidden_fields, label_of
from states.deadlines import business_date
from states.facts import Actor
from states.findings import Text
from states.papers import Column, Paper, Part
from states.roles import role_book

PAGE = 200  # entries of history at a time


@dataclass(frozen=True, slots=True)
class Written:
    """A paper as a Word file, what it is called, and the position it was made from."""

    content: bytes
    name: str
    position: Position


def offered_papers(tx: Transaction, caller: Caller, project: str) -> list[dict[str, Any]]:
    """Return the papers of a project that the caller may have, each with whether its state offers it now.

    Raises:
        NotFound: there is no such project within the caller's reach.
    """
    loaded = load_project(tx, caller, project)
    state = loaded.row["state"]
    return [
        {
            "paper": name,
            "label": label_of(paper, name),
            "offered": not paper.states or state in paper.states,
            "states": list(paper.states),
        }
        for name, paper in loaded.rules.policy.papers.kinds.items()
        if not paper.dockets and may_have(caller.actor, paper)
    ]


def write_project_paper(
    tx: Transaction, caller: Caller, origin: str, project: str, name: str, seq: int | None = None
) -> Written:
    """Write a paper of a project as it stood at an entry of its stream, by default the last.

    The words are those of the policy that the project was under there. The same position, asked for by the same role,
    gives the same bytes, unless a value was redacted since.

    Raises:
        NotFound: no such project within reach, entry or paper.
        Forbidden: the paper is not for the caller's role.
        NotOffered: the project's state at the position has no such paper.
    """
    past, position = project_at(tx, caller, origin, project, seq)
    paper = find_paper(past.rules.policy.papers.kinds, caller, name, docket=None)
    definition = past.rules.definition
    state = definition.states[past.columns["state"]]
    if paper.states and past.columns["state"] not in paper.states:
        known = "、".join(definition.states[code].zh for code in paper.states)
        raise NotOffered(
            Text(
                f"“{state.zh}”状态没有{paper.zh}；有此文书的状态：{known}",
                f"a project that is {state.en} has no {paper.en}",
            ),
            [],
        )
    source = source_of(caller.actor, past, position)
    history = _history(tx, caller, project, position.seq) if any(part.list for part in paper.parts) else []
    page = Page(landscape=paper.landscape)
    begin(page, paper, source)
    for part in paper.parts:
        set_part(page, part, source, history)
    return finish(page, paper, source, position, f"{past.columns['code']}-{paper.zh}-{position.seq}")


def find_paper(kinds: dict[str, Paper], caller: Caller, name: str, docket: str | None) -> Paper:
    """Return a paper of a project (None) or of a kind of docket.

    Raises:
        NotFound: there is none.
        Forbidden: it is not for the caller's role.
    """
    paper = kinds.get(name)
    if paper is None or (docket not in paper.dockets if docket else bool(paper.dockets)):
        raise NotFound(Text(f"没有文书{name[:64]}", f"there is no paper {name[:64]}"))
    if not may_have(caller.actor, paper):
        raise Forbidden(Text(f"您的角色不能取得{paper.zh}", f"your role may not have the {paper.en}"))
    return paper


def source_of(actor: Actor, past: Past, position: Position, **more: Any) -> Source:
    """Return what fills the places of a project's paper at a position, as far as somebody may see it."""
    on = business_date(position.at, past.rules.policy.policy.zone)
    return Source(past, on, hidden_fields(actor, past.rules.definition), **more)


def begin(page: Page, paper: Paper, source: Source) -> None:
    """Set the paper's number, its title and whom it is addressed to."""
    if paper.number:
        page.number(source.fill(paper.number))
    page.title(source.fill(paper.title))
    if paper.to:
        page.address(source.fill(paper.to))


def set_part(page: Page, part: Part, source: Source, history: Sequence[dict[str, Any]] = ()) -> None:
    """Set one part of a project's paper; a list of nothing says so."""
    if part.heading:
        page.heading(source.fill(part.heading))
    for text in part.text:
        page.text(source.fill(text))
    if part.form or part.sign:
        page.form([[source.fill(cell) for cell in row] for row in part.form], part.sign)
    if part.list:
        found = LISTS[part.list](Told(source, history))
        if found.rows:
            page.table(found.heads, found.rows, found.widths, right=found.right, foot=found.foot)
        else:
            page.text("无。")


def set_columns(page: Page, columns: Sequence[Column], sources: Sequence[Source]) -> None:
    """Set a list of projects, with the sums of its amounts at the foot."""
    rows = [[_cell(column, source) for column in columns] for source in sources]
    right = frozenset(index for index, column in enumerate(columns) if column.money)
    foot = None
    if right and sources:
        sums = {index: sum(source.money(columns[index].money) or 0 for source in sources) for index in right}
        foot = [in_wan(sums[index]) if index in sums else "" for index in range(len(columns))]
        foot[next(index for index in range(len(columns)) if index not in right)] = "合计"
    page.table([column.zh for column in columns], rows, [column.width for column in columns], right=right, foot=foot)


def finish(page: Page, paper: Paper, source: Source, position: Position, name: str) -> Written:
    """Set issuer and date where the paper is issued, and return the file."""
    if paper.issued:
        page.signed(source.value("issuer"), source.value("on"))
    return Written(page.done(source.fill(paper.title), position), f"{name}.docx", position)


def _cell(column: Column, source: Source) -> str:
    if not column.money:
        return source.fill(column.text)
    amount = source.money(column.money)
    return "—" if amount is None else in_wan(amount)


def may_have(actor: Actor, paper: Paper) -> bool:
    """Return whether a paper is for somebody's role."""
    return not paper.by or actor.role in role_book().expand(paper.by)


def _history(tx: Transaction, caller: Caller, project: str, seq: int) -> list[dict[str, Any]]:
    """Return the project's history up to an entry, as the caller may see it."""
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None and after < seq:
        page = project_history(tx, caller, project, after, PAGE)
        found += [item for item in page.items if item["seq"] <= seq]
        after = int(page.next) if page.next else None
    return found
