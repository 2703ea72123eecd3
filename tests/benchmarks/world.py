"""What is measured: batches, and projects brought to where the acts begin, all through the program's own code."""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from lifecycle import batches, bulk, projects, schema, transition
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database, open_database
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from states.facts import Application, Member, UnitRole
from states.library import bundled_definitions, bundled_policies

from .acts import OBJECT, TO_PUBLICITY, Step, Subject, caller, instant, request_of

ORIGIN = "bench.invalid/log"
CITIES = (
    *("370100", "370200", "370300", "370400", "370500", "370600", "370700", "370800"),
    *("370900", "371000", "371100", "371300", "371400", "371500", "371600", "371700"),
)
LIMIT = 100_000
FILED_ON = date(2024, 7, 15)


def settings_for(folder: Path, url: str) -> Settings:
    """Return the settings of one client: one connection, the keys in `folder`."""
    return Settings(data_dir=folder, database_url=url, origin=ORIGIN, pool_size=1)


@contextmanager
def opened(folder: Path, url: str) -> Iterator[tuple[Database, Log]]:
    """Open a database with its log; close it at the end."""
    settings = settings_for(folder, url)
    with closing(open_database(settings)) as database:
        yield database, Log(settings.origin, load_or_create_signer(settings.writer_key))


class World:
    """Builds batches and projects in one database; unit codes are never used twice."""

    def __init__(self, database: Database, log: Log) -> None:
        """Bring the database to the newest schema."""
        self.database, self.log = database, log
        self._units = 0
        schema.upgrade(database)

    def batch(self, code: str, count: int, cities: Sequence[str] = CITIES) -> list[Subject]:
        """Open a batch and enter `count` drafts, spread over the cities."""
        me = caller("handler", instant(FILED_ON, 0))
        definition, policy = bundled_definitions()["gongfu-pilot/1"][1], bundled_policies()["sd-gongfu-2024-2/1"][1]
        with self.database.transaction() as tx:
            batches.open_batch(tx, self.log, me, code, definition, policy, invented=True)
        with self.database.transaction() as tx:
            row = batches.find_batch(tx, code)
            batches.put_tasks(tx, self.log, me, row, [{"code": "T01", "title": "产线数字化改造", "category": None}])
            batches.put_quotas(tx, self.log, me, row, dict.fromkeys(cities, math.ceil(count / len(cities))))
        with self.database.transaction() as tx:
            filed = [self._application(number, cities[number % len(cities)]) for number in range(count)]
            rows = projects.create_projects(tx, self.log, me, batches.find_batch(tx, code), filed)
        return [
            Subject(row["id"], row["city"], row["lead_code"], number // len(cities) + 1)
            for number, row in enumerate(rows)
        ]

    def advance(self, subjects: Sequence[Subject], steps: Sequence[Step] = TO_PUBLICITY) -> None:
        """Walk projects of one batch through steps, in bulk."""
        for step in steps:
            if step.role == "city":
                for city in sorted({subject.city for subject in subjects}):
                    own = [subject for subject in subjects if subject.city == city]
                    self._together(step, own, caller("city", instant(step.on, 0), city))
            else:
                self._together(step, subjects, caller(step.role, instant(step.on, 0)))

    def object_to(self, subjects: Sequence[Subject]) -> None:
        """Record an objection to each, one by one through the door."""
        for number, subject in enumerate(subjects):
            me = caller("handler", instant(OBJECT.on, 0))
            with attempt(self.database, self.log, me, ("project", subject.id), "object") as tx:
                transition.transition_project(tx, self.log, me, subject.id, request_of(OBJECT, number))

    def pool(self, code: str, count: int) -> list[Subject]:
        """Enter projects in publicity, half of them under an objection: where the cycle begins."""
        subjects = self.batch(code, count)
        self.advance(subjects)
        self.object_to(subjects[1::2])
        return subjects

    def _together(self, step: Step, subjects: Sequence[Subject], me: Caller) -> None:
        request = request_of(step, 0)
        items = [_item(step, subject) for subject in subjects]
        moved = move_together(self.database, self.log, me, request, items)
        if len(moved.moved) != len(items):
            raise RuntimeError(f"{step.event}: {moved.left} of {len(items)} projects were left behind")

    def _application(self, number: int, city: str) -> Application:
        self._units += 2
        units = (
            Member(
                f"数字科技服务有限公司{self._units}", _code(city, self._units), UnitRole.LEAD, "provider", region=city
            ),
            Member(
                f"精密制造股份有限公司{self._units}",
                _code(city, self._units + 1),
                UnitRole.LANDING,
                "manufacturer",
                region=city,
            ),
        )
        return Application(
            title=f"面向离散制造的生产线数字化改造与质量追溯试点（第{number}号）",
            task_code="T01",
            city=city,
            ownership="other",
            members=units,
            investment_fen=300_000_000,
            contact_name=f"联系人{number}",
            contact_phone=f"1380531{number:04d}",
        )


def move_together(database: Database, log: Log, me: Caller, request: Any, items: Sequence[bulk.Item]) -> Any:
    """Preview and commit one bulk act."""
    with database.reading() as tx:
        digest = bulk.preview_transitions(tx, me, request, items, LIMIT).digest
    with database.transaction() as tx:
        return bulk.transition_projects(tx, log, me, request, items, digest, LIMIT)


def _item(step: Step, subject: Subject) -> bulk.Item:
    return bulk.Item(subject.id, fields={"rank": subject.rank} if step.event == "recommend" else None)


def _code(city: str, number: int) -> str:
    base = f"91{city}MA{number:07d}"
    return base + str(uscc.calc_check_digit(base))
