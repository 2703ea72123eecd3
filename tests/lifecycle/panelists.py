"""A panel set up in front of projects that stand to be reviewed: its experts, what they declare, what they score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Database
from lifecycle.panels import assignments, conflicts, founding, reading, reviews, rounds, sessions, sheets
from lifecycle.panels.panel import SHEETS
from lifecycle.people import NewPerson, add_person
from lifecycle.statements import Row
from tests.lifecycle.builders import OPENED, POLICY_TEXT, at, caller, create_projects, drive, open_batch, read_entries

NOW = at(date(2024, 8, 7))
DUE = date(2024, 8, 12)
HANDLER = caller("handler", NOW)
AUDITOR = caller("auditor", NOW)
FULL = {"necessity": 20, "technology": 30, "capability": 20, "benefit": 20, "funding": 10}
POINTS = {"necessity": "18", "technology": "25.5", "capability": "15", "benefit": "16", "funding": "8"}  # 82.50
THREE = POLICY_TEXT.replace(
    "experts = 5\nsheets = 5\ntrim = 1\nwide_from = 20\n\n[panels.review.criteria]",
    "experts = 3\nsheets = 3\ntrim = 1\nwide_from = 20\n\n[panels.review.criteria]",
)


@dataclass
class Panel:
    """A panel under way, its acts done as an edge would do them: attempts that fail are recorded."""

    database: Database
    log: Log
    batch: Row
    projects: list[Row]
    people: dict[str, Caller] = field(default_factory=dict)
    id: str = ""

    def do(self, act: Any, *given: Any, by: Caller = HANDLER, **named: Any) -> Any:
        """Do an act of the panel: `act(tx, log, caller, panel, …)`."""
        name = act.__name__
        with attempt(self.database, self.log, by, ("panel", self.id), name) as tx:
            return act(tx, self.log, by, self.id, *given, **named)

    def sheet_act(self, act: Any, login: str, sheet: str, *given: Any, **named: Any) -> Any:
        """Do an expert's act on a sheet."""
        me = self.people[login]
        with attempt(self.database, self.log, me, ("panel", self.id), act.__name__) as tx:
            return act(tx, self.log, me, sheet, *given, **named)

    def shown(self, by: Caller = HANDLER) -> dict[str, Any]:
        with self.database.reading() as tx:
            return reading.show_panel(tx, by, self.batch, 1)

    def results(self, by: Caller = HANDLER) -> dict[str, Any]:
        with self.database.reading() as tx:
            return reading.list_results(tx, by, self.batch, "review")

    def review(self, login: str) -> dict[str, Any]:
        with self.database.reading() as tx:
            return reviews.show_review(tx, self.people[login], self.id)

    def papers(self, login: str, project: Row) -> dict[str, Any]:
        with self.database.reading() as tx:
            return reviews.show_papers(tx, self.people[login], self.id, project["id"])

    def sheets(self) -> list[Row]:
        with self.database.reading() as tx:
            return tx.fetch(SHEETS, panel=self.id)

    def sheet_of(self, login: str, project: Row, number: int = 1) -> str:
        wanted = (login, project["id"], number)
        return str(
            next(row["id"] for row in self.sheets() if (row["login"], row["project_id"], row["round"]) == wanted)
        )

    def declare_all(self, **named: Sequence[Mapping[str, Any]]) -> None:
        for login, me in self.people.items():
            self.do(conflicts.declare, named.get(login, ()), by=me)

    def assign(self, logins: Sequence[str] | None = None) -> None:
        pairs = [(row["id"], login) for row in self.projects for login in logins or self.people]
        self.do(assignments.assign_by_hand, pairs)

    def score(self, project: Row, totals: Mapping[str, int], number: int = 1) -> None:
        """Submit sheets whose totals are these, points taken off one criterion after the other."""
        for login, total in totals.items():
            self.sheet_act(sheets.submit_sheet, login, self.sheet_of(login, project, number), points_for(total))

    def sit(self, **named: Any) -> Any:
        return self.do(sessions.record_session, "material", date(2024, 8, 7), "评审纪要〔2024〕1号", **named)

    def bodies(self) -> list[dict[str, Any]]:
        return [dict(parse_canonical(row["body"])) for row in read_entries(self.database, f"panel/{self.id}")]

    def scoring(self) -> "Panel":
        """Bring the panel to scoring: all declare no conflict, everybody scores everything."""
        self.declare_all()
        self.assign()
        self.do(rounds.open_scoring, DUE)
        return self

    def concluded(self, totals: Mapping[str, int] | None = None) -> "Panel":
        """Bring the panel to its end, every project with these totals (default: 80, 85 and 90)."""
        self.scoring()
        for row in self.projects:
            self.score(row, totals or dict(zip(self.people, (80, 85, 90), strict=True)))
        self.sit()
        self.do(rounds.conclude)
        return self


def points_for(total: int) -> dict[str, Any]:
    """Return points of a whole sheet that come to a total."""
    left, points = total, {}
    for name, most in FULL.items():
        points[name] = min(left, most)
        left -= points[name]
    return points


def new_expert(database: Database, log: Log, login: str, **about: Any) -> Caller:
    with database.transaction() as tx:
        person = add_person(
            tx, log, caller("security_admin", OPENED), NewPerson(login, f"{login}教授", "expert", **about)
        )
    return caller("expert", NOW, person=person)


def new_panel(
    database: Database,
    log: Log,
    projects: int = 2,
    experts: Sequence[str] = ("ann", "bob", "cid"),
    *,
    policy_text: str = THREE,
    now: datetime = NOW,
) -> Panel:
    """Return a panel with these experts and so many projects under review, nothing declared or assigned yet."""
    batch = open_batch(database, log, policy_text=policy_text)
    rows = [
        drive(database, log, row["id"], "under_review")
        for row in (create_projects(database, log, batch, projects) if projects else ())
    ]
    panel = Panel(database, log, batch, rows)
    panel.people = {login: new_expert(database, log, login) for login in experts}
    with attempt(database, log, HANDLER, ("batch", batch["id"]), "found_panel") as tx:
        panel.id = founding.found_panel(tx, log, replace(HANDLER, now=now), batch, "review", "评审一组").row["id"]
    if experts:
        panel.do(founding.add_experts, list(experts))
    if projects:
        panel.do(founding.add_projects)
    return panel
