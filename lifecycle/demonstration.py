"""The demonstration batch: invented, and saying so everywhere; brought in and moved along as people would do it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lifecycle import batches, people
from lifecycle.audit import Log
from lifecycle.batches import find_batch
from lifecycle.callers import Caller
from lifecycle.database import Database, Transaction
from lifecycle.errors import Unreadable
from lifecycle.invention.files import demonstration_files
from lifecycle.invention.material import Material, first_material
from lifecycle.invention.projects import invent_projects
from lifecycle.people import NewPerson
from lifecycle.rehearsal.play import Progress, play
from lifecycle.rehearsal.stage import OF_BATCH, SOURCE, parts_of, set_stage
from lifecycle.statements import Row
from states.deadlines import business_date
from states.findings import Text
from states.roles import actor_of

LABEL = "演示 demonstration"

__all__ = ["DemonstrationReport", "demonstration_files", "install_demonstration"]


@dataclass(frozen=True, slots=True)
class DemonstrationReport:
    """What is there after an installation; `tokens` holds the secrets by login, shown this once and kept nowhere."""

    batch: str
    title: str
    created: bool  # False: it was there already, nothing was changed
    counts: Mapping[str, int]  # state -> projects
    people: tuple[NewPerson, ...]
    tokens: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "batch": self.batch,
            "title": self.title,
            "created": self.created,
            "projects": sum(self.counts.values()),
            "counts": dict(self.counts),
            "people": [
                {name: getattr(person, name) for name in ("login", "name", "role", "city", "unit")}
                for person in self.people
            ],
            "tokens": dict(self.tokens),
        }


def install_demonstration(
    database: Database, log: Log, now: datetime, material: Material | None = None, progress: Progress | None = None
) -> DemonstrationReport:
    """Open the demonstration batch, bring in its tables, enrol its people and move its projects along.

    Acts carry the simulated instants of the story, of days before `now`; the tokens that of `now`. Where the batch has
    projects already, nothing is changed and no token is made.

    Raises:
        Unreadable: a batch of this code is there and is not invented.
        StoryBroken: the material, the story and the rules do not go together.
    """
    material = material or first_material()
    story = material.story
    with database.reading() as tx:
        row = tx.one(batches.BY_CODE, wanted=story.story.batch)
    if row is not None and not row["invented"]:
        raise Unreadable(Text("批次代码已被真实批次使用", "a batch that is not invented has this code"))
    created = row is None or not row["last_number"]
    if created:
        stage = set_stage(database, log, story, material)
        yesterday = business_date(now, material.policy.policy.zone) - timedelta(days=1)
        until = min(material.material.until, yesterday)
        play(stage, until, material.last_days, progress)
    with database.transaction() as tx:
        tokens = _make_tokens(tx, log, material, now) if created else {}
    return _report(database, material, created, tokens)


def _make_tokens(tx: Transaction, log: Log, material: Material, now: datetime) -> dict[str, str]:
    installer = Caller(actor_of("installation", material.story.story.installer), SOURCE, now)
    return {login: people.add_token(tx, log, installer, login, LABEL)[1] for login in _token_holders(material)}


def _token_holders(material: Material) -> Iterator[str]:
    """Yield the logins that are given a token: the first of each part, as many as it says, and some lead units."""
    story, cast = material.story, invent_projects(material)
    people_of = list(parts_of(story, material, cast))
    for key, part in story.parts.items():
        yield from [person.login for own, person in people_of if own == key][: part.tokens]
    leads = {
        project.application.members[0].credit_code for project in cast if project.alias in material.material.tokens
    }
    yield from (person.login for _, person in people_of if person.unit in leads)


def _report(database: Database, material: Material, created: bool, tokens: Mapping[str, str]) -> DemonstrationReport:
    story = material.story
    with database.reading() as tx:
        batch = find_batch(tx, story.story.batch)
        rows: list[Row] = tx.fetch(OF_BATCH, batch=batch["id"])
    found = Counter(row["state"] for row in rows)
    staff = tuple(person for _, person in parts_of(story, material, invent_projects(material)))
    return DemonstrationReport(batch["code"], batch["title"], created, dict(sorted(found.items())), staff, tokens)
