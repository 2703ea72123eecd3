"""Random walks through the door: whatever is asked of it, a plain table of states and versions foresees the rest.

The table is written by hand from the programme, not read from the definition that the door runs on.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from lifecycle.attempts import attempt
from lifecycle.audit import READ_HEAD, Log
from lifecycle.callers import Caller
from lifecycle.database import Database, Transaction
from lifecycle.errors import Refusal
from lifecycle.projects import amend_project
from lifecycle.replay import drift_of_batch, replay
from lifecycle.requests import Request
from lifecycle.statements import Row, Statement
from lifecycle.tables import Entry
from lifecycle.transition import Outcome, transition_project
from states.deadlines import business_date
from tests.lifecycle.builders import (
    JINAN,
    OPENED,
    PATHS,
    PROJECT,
    QINGDAO,
    STEPS,
    application,
    caller,
    caller_for,
    create_projects,
    credit_code,
    open_batch,
    read_project,
    request_for,
)
from tests.lifecycle.programme import AMENDABLE, ARROWS, LEFT, ORDER, PROVINCE, SAME, TWO_PERSONS

LATE = date(2024, 8, 5)
WAITS = {"publish": 8, "apply_half_year": 185, "apply_one_year": 185, "lapse": 260}  # days that make the act timely
OVERDUE = {("fail_half_year", "half_year_rectification"): 100, ("fail_one_year", "one_year_rectification"): 100}

PEOPLE = {"h1": "handler", "h2": "handler", "d1": "division_head", "l1": "leader", "c1": "city", "a1": "applicant"}
STRANGERS = {"u1": "auditor", "e1": "expert", "y1": "system_admin", "s1": "security_admin"}
NASTY: list[Any] = [None, "", " ", "x" * 4001, "a\x00b", -1, 10**18, 1.5, True, False, [], {}, ["a"], {"a": 1}]
NASTY += ["2024-02-30", "9999-12-31", "2024-07-10", 1, "50", "second", {"operation": {"clear": True}}]
REASONS = [None, "", " \t", "有理由", "长" * 2001, "a\x01b"]
DOCUMENTS: list[Any] = [{}, {"id": "d"}, {"id": "", "sha256": "0" * 64, "size": 1}]
DOCUMENTS += [{"id": "d", "sha256": "0" * 64, "size": 2, "version": 9}]

TURNS = st.sampled_from([0] * 14 + [1, 2, 3])  # mostly straight on
ALWAYS = "每次都写理由"


def rarely(strategy: st.SearchStrategy[Any], usually: Any = MappingProxyType({})) -> st.SearchStrategy[Any]:
    """Draw from a strategy once in four times, and else give what is usual."""
    return st.integers(0, 3).flatmap(lambda drawn: strategy if drawn == 3 else st.just(usually))


which = st.integers(0, 3)
people = st.sampled_from([*PEOPLE, *STRANGERS])
LAST = Statement(
    sa.select(Entry.__table__.c.outcome)  # type: ignore[attr-defined]
    .where(Entry.__table__.c.stream == sa.bindparam("of"))  # type: ignore[attr-defined]
    .order_by(Entry.__table__.c.seq.desc())  # type: ignore[attr-defined]
    .limit(1)
)


@dataclass
class Known:
    """What the table knows of a project."""

    state: str = "draft"
    version: int = 1
    left: str | None = None
    signed: tuple[str, str] | None = None  # event and the first person
    proposer: str | None = None
    paid: bool = False
    reports: int = 0  # of progress
    waived: frozenset[str] = frozenset()


class Walk(RuleBasedStateMachine):
    """Four projects of one batch with little quota, time that only moves forward, and anybody asking for anything."""

    def __init__(self, database: Database, log: Log, number: int, seen: Counter[str]) -> None:
        super().__init__()
        self.database, self.log, self.now, self.seen, self.first = database, log, OPENED, seen, 10 * number
        self.batch = open_batch(database, log, f"walk-{number}", quotas={JINAN: 2, QINGDAO: 1})
        shared = replace(application(self.first + 1).members[1], name="同一制造厂")
        filed = [application(self.first + 1), application(self.first + 2), application(self.first + 3)]
        filed[2] = replace(filed[2], members=(filed[2].members[0], shared), group="海岱/集团")
        filed.append(application(self.first + 4, QINGDAO, ownership="provincial_soe"))
        self.projects = [row["id"] for row in create_projects(database, log, self.batch, filed)]
        self.known = {project: Known() for project in self.projects}

    @rule(hours=st.sampled_from([1, 24, 72, 24 * 20, 24 * 90]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(project=which, choice=TURNS, timely=st.booleans())
    def do_what_comes_next(self, project: int, choice: int, timely: bool) -> None:
        self._carry_on(self.projects[project], choice, timely)

    @rule(project=which, goal=st.sampled_from(list(PATHS)))
    def head_for(self, project: int, goal: str) -> None:
        """Go on along the usual way to a state, as far as it lets itself be gone."""
        row, passed = self._read(self.projects[project]), ["draft"]
        for event in PATHS[goal][:-1]:
            target = ARROWS[event, passed[-1]][0]
            passed.append(passed[-1] if target == SAME else target)
        for event in PATHS[goal][passed.index(row["state"]) :] if row["state"] in passed else ():
            self._ask_in_time(row["id"], event)

    @rule(project=which, choices=st.lists(st.integers(0, 9), min_size=1, max_size=4))
    def do_what_moves_nothing(self, project: int, choices: list[int]) -> None:
        for choice in choices:
            row = self._read(self.projects[project])
            events = [event for (event, state), arrow in ARROWS.items() if state == row["state"] and arrow[0] == SAME]
            if events:
                event = events[choice % len(events)]
                self._ask(row, self._caller(self._right_person(row, event), row), self._usual(event, row))

    @rule(project=which, person=people)
    def sign(self, project: int, person: str) -> None:
        row = self._read(self.projects[project])
        signed = self.known[row["id"]].signed
        event = signed[0] if signed else "revoke"
        self._ask(row, self._caller(person, row), self._usual(event, row))

    @rule(
        project=which,
        person=st.none() | people,
        event=st.integers(0, 40) | st.sampled_from([*STEPS, "no_such_event"]),
        elsewhere=st.sampled_from([False] * 5 + [True]),
        broken=rarely(st.dictionaries(st.sampled_from([0, 1, 2, 3, "made_up"]), st.sampled_from(NASTY), max_size=2)),
        documents=rarely(st.dictionaries(st.sampled_from([0, 1, "made_up"]), st.sampled_from(DOCUMENTS), max_size=1)),
        reason=rarely(st.sampled_from(REASONS), ALWAYS),
        off=rarely(st.sampled_from([0, 1, -1, -3, -4000]), None),
        version=rarely(st.sampled_from([0, 1, -1]), None),
        override=rarely(st.sampled_from([("R03",), ("R06", "R13"), ("R99",)]), ()),
    )
    def ask_for_anything(
        self,
        project: int,
        person: str | None,
        event: str | int,
        elsewhere: bool,
        broken: dict[Any, Any],
        documents: dict[Any, Any],
        reason: str | None,
        off: int | None,
        version: int | None,
        override: tuple[str, ...],
    ) -> None:
        row = self._read(self.projects[project])
        offered = [name for name, state in ARROWS if state == row["state"]] or ["submit"]
        event = offered[event % len(offered)] if isinstance(event, int) else event
        usual = self._usual(event, row) if event in STEPS else Request(event)
        person = person or self._right_person(row, event)
        request = replace(
            usual,
            fields=_spoiled(usual.fields, broken),
            documents=_spoiled(usual.documents, documents),
            reason=reason,
            on=None if off is None else self._today() + timedelta(days=off),
            expected_version=None if version is None else row["version"] + version,
            override=frozenset(override),
        )
        self._ask(row, self._caller(person, row, elsewhere), request)

    @rule(
        project=which,
        person=people,
        values=st.fixed_dictionaries(
            {},
            optional={
                "title": st.sampled_from(["更名", "再更名", ""]),
                "investment_fen": st.sampled_from([0, 99_999_999, 300_000_000]),
                "ownership": st.sampled_from(["other", "provincial_soe", "central_in_shandong"]),
                "group": st.sampled_from([None, "海岱/集团"]),
                "city": st.sampled_from([JINAN, QINGDAO]),
                "members": st.integers(1, 5),
                "remarks": st.sampled_from([None, "备注"]),
            },
        ),
    )
    def amend(self, project: int, person: str, values: dict[str, Any]) -> None:
        row = self._read(self.projects[project])
        if "members" in values:
            lead, landing = application(self.first + values["members"]).members
            values = {**values, "members": (replace(lead, credit_code=row["lead_code"]), landing)}
        doer, known = self._caller(person, row), self.known[row["id"]]

        def amended(tx: Transaction) -> bool:
            return amend_project(tx, self.log, doer, row["id"], values)[1] is not None

        done = self._through(row, doer, "amend", amended)
        if done:
            assert doer.actor.role in AMENDABLE.get(known.state, ())
            known.version, known.signed = known.version + 1, None
        self._agrees(row["id"])

    def teardown(self) -> None:
        with self.database.reading() as tx:
            for project, known in self.known.items():
                rebuilt = replay(tx, project)
                assert (rebuilt["state"], rebuilt["version"]) == (known.state, known.version)
            assert drift_of_batch(tx, self.batch["id"]) == {}

    def _carry_on(self, project: str, choice: int, timely: bool) -> None:
        """Ask lawfully for one of the acts that the project's state leads to."""
        row = self._read(project)
        events = [event for event, state in ARROWS if state == row["state"] and ARROWS[event, state][0] != SAME]
        forward = sorted(events, key=lambda event: (event not in ORDER, ORDER.index(event) if event in ORDER else 0))
        if not forward:
            return
        event = forward[choice % len(forward)]
        if timely:
            self._ask_in_time(project, event)
        else:
            self._ask(row, self._caller(self._right_person(row, event), row), self._usual(event, row))

    def _ask_in_time(self, project: str, event: str) -> None:
        """Ask lawfully for an act on a day on which it can be done; what comes too late is waived first."""
        row = self._read(project)
        self.now += timedelta(days=OVERDUE.get((event, row["state"]), WAITS.get(event, 0)))
        if event == "submit" and self._today() > LATE:
            waiver = replace(request_for("waive", row), fields={"waived_rules": ["R06", "R13", "R16"]})
            self._ask(row, self._caller("h1", row), waiver)
        self._ask(row, self._caller(self._right_person(row, event), row), self._usual(event, row))

    def _usual(self, event: str, row: Row) -> Request:
        return request_for(event, row, self._today())

    def _right_person(self, row: Row, event: str) -> str:
        """Return somebody whose role the table names, and who is not the first of two."""
        roles, known = ARROWS.get((event, row["state"]), (SAME, PROVINCE))[1], self.known[row["id"]]
        person = next(name for name, role in PEOPLE.items() if role in roles)
        return "d1" if person in (known.proposer, known.signed and known.signed[1]) else person

    def _ask(self, row: Row, doer: Caller, request: Request) -> None:
        """Ask the door, and hold what it did against the table."""
        outcomes: list[Outcome] = []

        def transitioned(tx: Transaction) -> bool:
            outcome = transition_project(tx, self.log, doer, row["id"], request)
            assert isinstance(outcome, Outcome)
            outcomes.append(outcome)
            return True

        if self._through(row, doer, request.event, transitioned):
            self._foresee(self.known[row["id"]], doer, request.event)
            assert (outcomes[0].target, outcomes[0].version) == (
                self.known[row["id"]].state,
                self.known[row["id"]].version,
            )
        self._agrees(row["id"])

    def _foresee(self, known: Known, doer: Caller, event: str) -> None:
        target, roles = ARROWS[event, known.state]
        person, known.version = doer.actor.id, known.version + 1
        assert doer.actor.role in roles
        self.seen[event] += 1
        if event in TWO_PERSONS and (known.signed is None or known.signed[0] != event):
            known.signed = (event, person)
            return
        if event in TWO_PERSONS:
            assert known.signed is not None
            assert known.signed[1] != person
        if event == "grant_reward":
            assert known.proposer != person
        if event == "propose_tier":
            known.proposer = person
        if event == "record_payment":
            assert not known.paid, "a payment is recorded once"
            known.paid = True
        known.reports += event == "report_progress"
        known.signed = None
        target = {SAME: known.state, LEFT: known.left}.get(target, target) or ""
        if target != known.state:
            known.state, known.left = target, known.state
            self.seen[target] += 1

    def _through(self, row: Row, doer: Caller, action: str, use: Any) -> bool:
        """Go through `attempt`: one entry more whether the act is done or refused, none where nothing changes."""
        before = self._heads(row["id"])
        try:
            with attempt(self.database, self.log, doer, ("project", row["id"]), action) as tx:
                done = bool(use(tx))
        except Refusal as refusal:
            done = False
            out_of_reach = refusal.code == "not-found"
            moved = (before[0] + 1, before[1]) if not out_of_reach else (before[0], before[1] + 1)
            assert self._heads(row["id"]) == moved
            with self.database.reading() as tx:
                stream = "system/attempts" if out_of_reach else f"project/{row['id']}"
                last = tx.one(LAST, of=stream)
            assert last == {"outcome": refusal.outcome}
            self.seen[refusal.outcome] += 1
            return False
        assert self._heads(row["id"]) == (before[0] + done, before[1])
        return done

    def _heads(self, project: str) -> tuple[int, int]:
        with self.database.reading() as tx:
            row, system = tx.one(PROJECT, wanted=project), tx.one(READ_HEAD, stream="system/attempts")
        assert row is not None
        return row["head_seq"], system["head_seq"] if system else 0

    def _agrees(self, project: str) -> None:
        row, known = self._read(project), self.known[project]
        assert (row["state"], row["version"], row["left_state"]) == (known.state, known.version, known.left)
        assert bool(row["pending"]) == bool(known.signed)
        assert ("paid" in row["flags"]) == known.paid
        calls = [item["number"] for item in row["plan"] if item["kind"] == "progress_call"]
        assert all(number > known.reports for number in calls), "a progress call closes as its report comes in"
        waived = frozenset(row["record"].get("waived_rules") or ())
        assert known.waived <= waived, "what was waived once stays waived"
        known.waived = waived

    def _read(self, project: str) -> Row:
        return read_project(self.database, project)

    def _today(self) -> date:
        return business_date(self.now)

    def _caller(self, person: str, row: Row, elsewhere: bool = False) -> Caller:
        role = {**PEOPLE, **STRANGERS}[person]
        if elsewhere:
            return caller(role, self.now, person=person, city="370300", unit=credit_code(9_999_999))
        return caller_for(role, row, self.now, person)


def _spoiled(usual: Any, broken: dict[Any, Any]) -> dict[str, Any]:
    """Return the usual values with some replaced, by position or under a name that nobody knows; None takes one out."""
    names = list(usual)
    changed = {names[at] if isinstance(at, int) and at < len(names) else "made_up": v for at, v in broken.items()}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


@pytest.mark.campaign
def test_no_walk_leaves_the_table_or_the_log(database: Database, log: Log, campaign: bool) -> None:
    number, seen = itertools.count(1), Counter[str]()
    many = settings(
        max_examples=600 if campaign else 30,
        stateful_step_count=40,
        derandomize=True,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Walk(database, log, next(number), seen), settings=many)
    reached = {target for target, _ in ARROWS.values()} & set(seen)
    assert len(reached) >= (27 if campaign else 15), "the walks must get somewhere"
    assert min(seen["denied"], seen["failed"]) > 0
