"""The batch, its people and what is done to its projects; each leaves the moments that the forecast is made from."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lifecycle import addresses, batches, calendars, chases, deadlines, people, plans, responsibles, transition
from lifecycle.audit import Log
from lifecycle.database import Database, Transaction
from lifecycle.errors import Refusal
from lifecycle.people import NewPerson
from lifecycle.rulebooks import rules_of_row
from lifecycle.settings import Settings
from lifecycle.statements import Row, Statement
from schedules.forecasts import Announced, Moment
from states.audience import Someone
from states.deadlines import business_date
from states.roles import role_book
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN, QINGDAO, caller, caller_for
from tests.schedules.year.story import BEGINS, Deed, house_story, story_of

READ = Statement(transition.SELECT_PROJECT.order_by(builders._project.c.id))
WHY = "按会议纪要办理"
OFFICERS: tuple[tuple[str, str, str | None, Mapping[str, bool]], ...] = (
    ("handler", "handler", None, {"email": False}),
    ("wang", "handler", None, {"email": True}),
    ("zhao", "handler", None, {"webhook": False}),
    ("head", "division_head", None, {"email": False, "webhook": True}),
    ("jinan", "city", JINAN, {"email": False}),
    ("qingdao", "city", QINGDAO, {"email": True, "webhook": False}),
)
# What applicants choose, in turn: no channel outside the house, one, a digest, two.
CHOICES: tuple[Mapping[str, bool], ...] = (
    {"email": False},
    {},
    {"webhook": False},
    {"email": True},
    {"email": False, "webhook": True},
)


@dataclass
class House:
    """A batch under way; `moments` by project, `refused` what the rules did not let through."""

    database: Database
    log: Log
    settings: Settings
    url: str  # of the webhooks
    batch: Row = field(default_factory=dict)
    staff: dict[str, Someone] = field(default_factory=dict)  # by login, as long as active
    channels: dict[str, dict[str, bool]] = field(default_factory=dict)  # person -> channel -> digest
    moments: dict[str, list[Moment]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def open(self, projects: int, seed: int) -> list[tuple[datetime, str, Deed]]:
        """Open the batch with its people and projects, and return all that will be done: when, to which, what."""
        self.batch = builders.open_batch(self.database, self.log, now=BEGINS)
        for login, role, city, chosen in OFFICERS:
            self._join(BEGINS, login, role, chosen, city=city)
        filed = [builders.application(n, JINAN if n % 3 else QINGDAO) for n in range(1, projects + 1)]
        for number, application in enumerate(filed):
            chosen = CHOICES[number % len(CHOICES)]
            lead = application.lead
            assert lead
            self._join(BEGINS, f"unit{number}", "applicant", chosen, unit=lead.credit_code)
        rows = builders.create_projects(self.database, self.log, self.batch, filed, now=BEGINS)
        self._note_all(BEGINS)
        chance = random.Random(seed)
        own = [(deed.at, row["id"], deed) for row in rows for deed in story_of(random.Random(chance.random()))]
        return sorted([*own, *((deed.at, "", deed) for deed in house_story())], key=lambda item: (item[0], item[1]))

    def do(self, project: str, deed: Deed) -> None:
        """Do a deed to a project, or to the house; what is refused changes nothing."""
        try:
            if project:
                row = builders.read_project(self.database, project)
                with self.database.transaction() as tx:
                    announced = self._to_project(tx, row, deed)
                self._note(project, deed.at, announced)
            else:
                self._to_house(deed)
                self._note_all(deed.at)
        except Refusal as refusal:
            self.refused.append(f"{deed.what}: {refusal.text.en}")
        else:
            self.done.append(deed.what)

    def _to_project(self, tx: Transaction, row: Row, deed: Deed) -> tuple[Announced, ...]:
        project, given, officer = row["id"], deed.given, caller("handler", deed.at)
        if deed.what == "assign":
            head, login = caller("division_head", deed.at), given["login"]
            assigned = responsibles.assign(tx, self.log, head, project, "handler", login, WHY)
            details = {"role": "handler", "person": assigned.person, "note": WHY}
            return (Announced("assigned", details),) if assigned.receipt and assigned.person else ()
        if deed.what == "chase":
            chased = chases.chase(tx, self.log, officer, project, note="请抓紧办理")
            details = {"checkpoint": chased.checkpoint, "note": "请抓紧办理"}
            return (Announced("chase", details, (chased.kind, chased.number)),)
        if deed.what == "add_deadline":
            deadlines.add_deadline(tx, self.log, officer, project, "补交附件", given["due_on"], ["city", "handler"])
        elif deed.what == "move_deadline":
            deadlines.move_deadline(tx, self.log, officer, project, 1, given["due_on"])
        elif deed.what == "end_deadline":
            deadlines.end_deadline(tx, self.log, officer, project, 1, "done")
        else:
            return self._event(tx, row, deed)
        return ()

    def _event(self, tx: Transaction, row: Row, deed: Deed) -> tuple[Announced, ...]:
        on = business_date(deed.at)
        doer = caller_for(builders.STEPS[deed.what].role, row, deed.at)
        request = builders.request_for(deed.what, row, on)
        outcome = transition.transition_project(tx, self.log, doer, row["id"], request)
        assert isinstance(outcome, transition.Outcome)
        told = rules_of_row(tx, _versions(tx, row["id"])).reminders.events
        details = {"from": outcome.source, "to": outcome.target, "on": on.isoformat()}
        return (Announced(deed.what, details),) if deed.what in told else ()

    def _to_house(self, deed: Deed) -> None:
        given, at = deed.given, deed.at
        officer, security = caller("handler", at), caller("security_admin", at)
        if deed.what == "join":
            self._join(at, given["login"], given["role"], {given["channel"]: False})
            return
        if deed.what == "adopt_calendar":
            with self.database.reading() as tx:
                digest = calendars.preview_calendar(tx, officer, self._batch(tx), given["text"]).digest
        with self.database.transaction() as tx:
            match deed.what:
                case "set_plan":
                    plans.set_plan(tx, self.log, officer, self._batch(tx), given["text"], WHY)
                case "adopt_calendar":
                    calendars.adopt_calendar(tx, self.log, officer, self._batch(tx), given["text"], digest, WHY)
                case "add_address":
                    self._add_address(tx, at, given["login"], given["channel"], digest=False)
                case "end_address":
                    addresses.end_address(tx, self.log, security, given["channel"], login=given["login"])
                    del self.channels[self.staff[given["login"]].id][given["channel"]]
                case "set_digest":
                    chosen = given["digest"]
                    addresses.set_digest(tx, self.log, security, given["channel"], chosen, login=given["login"])
                    self.channels[self.staff[given["login"]].id][given["channel"]] = chosen
                case "leave":
                    false = "false" if tx.is_postgres else "0"
                    tx.execute_driver(f"UPDATE person SET active = {false} WHERE login = '{given['login']}'")
                    del self.staff[given["login"]]

    def _join(
        self,
        at: datetime,
        login: str,
        role: str,
        chosen: Mapping[str, bool],
        *,
        city: str | None = None,
        unit: str | None = None,
    ) -> None:
        with self.database.transaction() as tx:
            new = NewPerson(login, f"某{login}", role, city, unit)
            person = people.add_person(tx, self.log, caller("security_admin", at), new)
        self.staff[login] = Someone(person, role, city, unit)
        for channel, digest in chosen.items():
            with self.database.transaction() as tx:
                self._add_address(tx, at, login, channel, digest=digest)

    def _add_address(self, tx: Transaction, at: datetime, login: str, channel: str, *, digest: bool) -> None:
        target = f"{login}@example.invalid" if channel == "email" else f"{self.url}/{login}"
        security = caller("security_admin", at)
        addresses.add_address(tx, self.log, self.settings, security, channel, target, digest=digest, login=login)
        self.channels.setdefault(self.staff[login].id, {})[channel] = digest

    def _batch(self, tx: Transaction) -> Row:
        return batches.find_batch(tx, self.batch["id"])

    def _note_all(self, at: datetime) -> None:
        """Note for every project what holds from an instant on."""
        with self.database.reading() as tx:
            for row in tx.fetch(READ):
                self._moment(tx, row, at, ())

    def _note(self, project: str, at: datetime, announced: tuple[Announced, ...]) -> None:
        with self.database.reading() as tx:
            self._moment(tx, _versions(tx, project), at, announced)

    def _moment(self, tx: Transaction, row: Row, at: datetime, announced: tuple[Announced, ...]) -> None:
        near = [person for person in self.staff.values() if _near(person, row)]
        channels = {person.id: dict(self.channels.get(person.id, {})) for person in near}
        moment = Moment(at, row, rules_of_row(tx, row), near, channels, announced)
        self.moments.setdefault(row["id"], []).append(moment)


def _near(person: Someone, row: Row) -> bool:
    scope = role_book().roles[person.role].scope
    return scope == "all" or (person.city if scope == "city" else person.unit) in (row["city"], row["lead_code"])


def _versions(tx: Transaction, project: str) -> Row:
    row = tx.one(transition.READ_PROJECT, wanted=project, me="")
    assert row
    return row
