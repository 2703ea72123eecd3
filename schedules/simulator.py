"""The simulator: all checkpoints and reminders to come, of one project or a whole batch, by the engine's own code.

Nothing is written, and nobody acts: what is open stays open. What waits in the outbox already is among the reminders.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from lifecycle import prospects
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.prospects import Prospects
from lifecycle.recipients import reach_of_row
from lifecycle.rulebooks import RuleSet, rules_of_row
from lifecycle.statements import Row
from lifecycle.transition import load_project
from schedules.forecasts import Course, Moment
from schedules.loads import BatchOutlook
from schedules.outlooks import ProjectOutlook, outlook_of
from schedules.scenarios import Changes, Scenario, read_changes
from states.deadlines import business_date
from states.findings import Text

HORIZON = timedelta(days=731)  # two years, and the day of a leap year


def simulate_project(
    tx: Transaction, caller: Caller, project: str, changes: Changes, now: datetime, until: datetime
) -> ProjectOutlook:
    """Return what a project's people would be told from `now` to `until` (both included). Seven reads at most.

    Raises:
        NotFound: there is no such project within the caller's reach.
        Unreadable: the horizon or a change is not what it should be.
    """
    _check_horizon(now, until)
    loaded = load_project(tx, caller, project)
    scenario = read_changes(changes, loaded.rules.calendar)
    there = prospects.prospects_of(tx, [loaded.row], with_told=scenario.of_batch)
    return outlook_of(_course(loaded.row, loaded.rules, there, scenario, now, until), caller.actor, there.names, now)


def simulate_batch(
    tx: Transaction,
    caller: Caller,
    batch: Row,
    changes: Changes,
    now: datetime,
    until: datetime,
    each: Callable[[ProjectOutlook], object] | None = None,
) -> BatchOutlook:
    """Return how much the people of a batch's projects would be told, by day, recipient and kind.

    Covers the projects within the caller's reach. `each` is handed every project's outlook as it is made; none is
    kept. Seven reads at most for every 200 projects.

    Raises:
        Unreadable: as `simulate_project`.
    """
    _check_horizon(now, until)
    rules = rules_of_row(tx, batch)
    scenario = read_changes(changes, rules.calendar)
    whole = BatchOutlook(batch["id"], batch["code"], now, until, rules.policy.policy.zone)
    names: Mapping[str, str] = {}
    for rows in prospects.projects_of(tx, caller, batch["id"]):
        there = prospects.prospects_of(tx, rows, with_told=scenario.of_batch, names=names)
        names = there.names
        for row in rows:
            own = rules_of_row(tx, row)
            outlook = outlook_of(_course(row, own, there, scenario, now, until), caller.actor, names, now)
            whole.add(outlook, scenario.rules(own).reminders.limits.messages_at_once, there.channels)
            if each is not None:
                each(outlook)
    return whole


def _course(row: Row, rules: RuleSet, there: Prospects, scenario: Scenario, now: datetime, until: datetime) -> Course:
    """Return a project's way from now on: as it stands, or with the changes coming at once."""
    name = row["id"]
    moment = Moment(now, row, rules, there.crowd.near(reach_of_row(row)), there.channels)
    course = Course(moment, until, there.checkpoints.get(name, ()), there.waiting.get(name, ()), there.told)
    if scenario.of_batch or scenario.changes.of_project:
        today = business_date(now, rules.policy.policy.zone)
        changed = scenario.row(rules, row, today)
        if changed is row:  # what another calendar opens is a version on too
            changed = {**row, "version": row["version"] + 1}
        course.advance(moment._replace(row=changed, rules=scenario.rules(rules)))
    course.run()
    return course


def _check_horizon(now: datetime, until: datetime) -> None:
    if not now <= until <= now + HORIZON:
        raise Unreadable(
            Text("推演止期应在起点之后两年内", "a simulation ends within two years of the instant it begins with")
        )
