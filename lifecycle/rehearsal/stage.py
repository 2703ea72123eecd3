"""The stage of a story: the opened batch, its people, its tables brought in, and which project is which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from lifecycle import batches, people
from lifecycle.audit import Log
from lifecycle.batches import find_batch, rules_of
from lifecycle.callers import Caller, Source
from lifecycle.database import Database, Transaction
from lifecycle.imports import commit_import, preview_import
from lifecycle.invention.files import demonstration_files
from lifecycle.invention.material import Material
from lifecycle.invention.projects import Invented, invent_projects
from lifecycle.people import NewPerson
from lifecycle.rulebooks import RuleSet
from lifecycle.statements import Row, Statement
from lifecycle.tables import Project
from states.facts import Actor, Member
from states.library import bundled_definitions, bundled_policies
from states.roles import actor_of
from states.story import Story

SOURCE = Source("rehearsal")
MORNING = 9
_project = Project.__table__  # type: ignore[attr-defined]
_NEEDED = (
    *("id", "code", "title", "state", "version", "city", "lead_code", "filed_rank", "investment_fen", "record"),
    "lists",
)
OF_BATCH = Statement(
    sa.select(*(_project.c[name] for name in _NEEDED))
    .where(_project.c.batch_id == sa.bindparam("batch"))
    .order_by(_project.c.code)
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A story ready to be played; `memory` holds the ids of what it speaks of again: dockets, panels, objections."""

    database: Database
    log: Log
    story: Story
    batch: str  # id
    rules: RuleSet
    people: Mapping[str, Actor]  # by login
    aliases: Mapping[str, str]  # project id -> alias
    memory: dict[str, str] = field(default_factory=dict)  # docket/<kind>/<city>, panel/<name>, objection/<alias> -> id

    def actor(self, part: str, project: Row) -> Actor:
        """Return who plays this part towards a project."""
        return self.people[login_of(self.story, part, project["city"], project["lead_code"])]

    def login(self, part: str) -> str:
        """Return the login of a part that one person plays."""
        return login_of(self.story, part)

    def person(self, part: str) -> Actor:
        """Return who plays a part that one person plays."""
        return self.people[self.login(part)]

    def row(self, tx: Transaction) -> Row:
        """Return the batch's row as it stands."""
        return find_batch(tx, self.story.story.batch)

    def caller(self, actor: Actor, now: datetime) -> Caller:
        """Return the actor calling at an instant."""
        return Caller(actor, SOURCE, now)

    def instant(self, on: date, hour: int) -> datetime:
        """Return an hour of a day in the batch's zone."""
        return datetime.combine(on, time(hour), tzinfo=ZoneInfo(self.rules.policy.policy.zone)).astimezone(UTC)

    def projects(self, tx: Transaction) -> list[Row]:
        """Return the batch's projects as they stand, by number: what a story asks of them."""
        return tx.fetch(OF_BATCH, batch=self.batch)


def set_stage(database: Database, log: Log, story: Story, material: Material) -> Stage:
    """Enrol the people, open the batch, bring in its four tables as a person of the province would, and return it all.

    People, batch and projects that are there already stay as they are.
    """
    zone = ZoneInfo(material.policy.policy.zone)
    opened, filed = (
        datetime.combine(day, time(MORNING), tzinfo=zone).astimezone(UTC)
        for day in (story.story.opened_on, story.story.filed_on)
    )
    cast = invent_projects(material)
    with database.transaction() as tx:
        staff = enrol(tx, log, story, material, cast, opened)
    opener = staff[login_of(story, story.story.by)]
    with database.transaction() as tx:
        open_batch(tx, log, Caller(opener, SOURCE, opened), story)
    for kind, data in demonstration_files(material).items():
        at = filed if kind == "projects" else opened
        bring_in(database, log, Caller(opener, SOURCE, at), story.story.batch, kind, data)
    with database.reading() as tx:
        row = find_batch(tx, story.story.batch)
        rules = rules_of(tx, row)
        filed_rows = tx.fetch(OF_BATCH, batch=row["id"])
    alias_of = {project.application.title: project.alias for project in cast}
    aliases = {item["id"]: alias_of[item["title"]] for item in filed_rows if item["title"] in alias_of}
    return Stage(database, log, story, row["id"], rules, staff, aliases)


def enrol(
    tx: Transaction, log: Log, story: Story, material: Material, cast: list[Invented], now: datetime
) -> dict[str, Actor]:
    """Enter everyone who plays a part, where nobody has the login yet, and return the actors by login."""
    installer = Caller(actor_of("installation", story.story.installer), SOURCE, now)
    found = {}
    for _, new in parts_of(story, material, cast):
        row = tx.one(people.BY_LOGIN, wanted=new.login)
        name = row["id"] if row else people.add_person(tx, log, installer, new)
        found[new.login] = actor_of(name, new.role, new.city, new.unit)
    return found


def parts_of(story: Story, material: Material, cast: list[Invented]) -> Iterator[tuple[str, NewPerson]]:
    """Yield every person of the story with the part: one for a part, or one for each city or lead unit."""
    leads: dict[str, Member] = {}
    units = {project.alias: project.application.members[0].credit_code for project in cast}
    for project in cast:
        lead = project.application.members[0]
        leads.setdefault(lead.credit_code, lead)
    for key, part in story.parts.items():
        if part.each == "city":
            for city in material.cities:
                name = part.name.format(city=material.policy.cities[city].zh)
                yield key, NewPerson(login_of(story, key, city=city), name, part.role, city=city)
        elif part.each == "lead":
            for code, lead in leads.items():
                name = part.name.format(unit=lead.name)[:100]
                yield key, NewPerson(login_of(story, key, unit=code), name, part.role, unit=code)
        else:
            unit = units.get(part.unit_of or "")
            yield key, NewPerson(login_of(story, key), part.name, part.role, unit=unit)


def login_of(story: Story, part: str, city: str = "", unit: str = "") -> str:
    """Return the login of whoever plays a part, for a city or a unit where there is one for each."""
    each = {"city": f"-{city}", "lead": f"-{unit.lower()}", None: ""}[story.parts[part].each]
    return f"{story.story.login_prefix}{part}{each}"


def open_batch(tx: Transaction, log: Log, caller: Caller, story: Story) -> None:
    """Open the story's batch, marked as invented, unless it is there."""
    if tx.one(batches.BY_CODE, wanted=story.story.batch):
        return
    policy, policy_text = bundled_policies()[story.story.policy]
    definition_text = bundled_definitions()[policy.policy.definition][1]
    title = f"{policy.policy.zh}{story.story.suffix}"
    batches.open_batch(tx, log, caller, story.story.batch, definition_text, policy_text, title=title, invented=True)


def bring_in(database: Database, log: Log, caller: Caller, batch: str, kind: str, data: bytes) -> None:
    """Preview a table and enter it by the digest of what was shown."""
    with database.transaction() as tx:
        row = find_batch(tx, batch)
        if kind == "projects" and row["last_number"]:
            return
        preview = preview_import(tx, caller, row, kind, data)
        commit_import(tx, log, caller, row, kind, data, preview.digest)
