"""A year of a batch: schedulers killed at random, one delivery in five failing; the effects are those foretold."""

import random
from collections import Counter
from pathlib import Path

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.settings import Settings
from tests.schedules.arranging import local
from tests.schedules.year.crew import crew_of
from tests.schedules.year.house import House
from tests.schedules.year.outside import Arrival, world_outside
from tests.schedules.year.play import Effort, Year
from tests.schedules.year.verdict import Effect, differences, foretold, happened, outside_differences

SEED = 20240809
QUICK = Effort(projects=12, schedulers=2, kills=6, stalls=2, ends=local("2025-05-07", 12))
FULL = Effort(projects=200, schedulers=3, kills=40, stalls=10, ends=local("2025-07-05", 12))


def play(database: Database, log: Log, settings: Settings, folder: Path, effort: Effort, seed: int) -> Year:
    task = {"folder": str(settings.data_dir), "url": settings.database_url, "origin": settings.origin}
    with world_outside(seed, effort.failing) as outside:
        house = House(database, log, settings.model_copy(update={"webhook_private": True}), outside.url)
        deeds = house.open(effort.projects, seed)
        with crew_of(effort.schedulers, {**task, "smtp_port": outside.smtp_port}, folder / "schedulers.log") as crew:
            outside.pids, outside.strike = lambda: crew.pids, crew.strike
            year = Year(house, crew, outside, effort, random.Random(seed), print)
            year.play(deeds)
    return year


@pytest.mark.campaign
def test_a_year_of_killed_schedulers_has_the_effects_foretold(
    database: Database, log: Log, settings: Settings, tmp_path: Path, campaign: bool
) -> None:
    effort = FULL if campaign else QUICK
    year = play(database, log, settings, tmp_path, effort, SEED)
    wanted, found = foretold(year.house.moments, effort.ends), happened(database)
    print(f"seed {SEED}: {effort}, {year.crew.rounds} rounds, {year.crew.killed} killed, {year.requeued} requeued")
    print(dict(year.outside.fates), dict(year.crew.done), Counter((one.status, one.reason) for one in found))
    assert (differences(wanted, found), year.crew.errors) == ([], []), f"seed {SEED}"
    assert outside_differences(database, year.outside.arrivals) == [], f"seed {SEED}"
    assert len(year.house.refused) < len(year.house.done) / 10, f"seed {SEED}"
    assert (year.crew.killed, year.crew.stalled) == (effort.kills, effort.stalls)
    assert year.outside.fates["killed"] == effort.kills / 2  # between sending and settling
    assert year.crew.done["lost"] > 0  # settled by another meanwhile
    assert {one.reason for one in found} == {None, "overtaken", "ended", "superseded", "not_recipient", "no_address"}
    _notices_what_is_wrong(database, year, wanted, found)


def _notices_what_is_wrong(database: Database, year: Year, wanted: list[Effect], found: list[Effect]) -> None:
    """Let the verdict itself be tried, now that there is something to judge."""
    assert differences(wanted, found[1:]) == [f"missing: {found[0]}"]
    assert differences(wanted, [*found, found[0]]) == [f"strange: {found[0]}"]
    late = found[0]._replace(late=not found[0].late)
    assert len(differences(wanted, [late, *found[1:]])) == 2
    one = year.outside.arrivals[0].id
    kept = [arrival for arrival in year.outside.arrivals if arrival.id != one]
    assert outside_differences(database, kept)[0] == f"{one} never left"
    strange = Arrival("email", "nobody", "a@example.invalid", b"")
    assert outside_differences(database, [*year.outside.arrivals, strange]) == ["nobody sent nobody"]
