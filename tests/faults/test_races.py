"""Many people at once: one winner a round, no lost update, quotas and budget never exceeded, history gapless."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from lifecycle.answers import Remembered
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.canonical import ZERO_HASH
from lifecycle.database import Database
from lifecycle.errors import Conflict, NotOffered, Refusal
from lifecycle.replay import drift, drift_of_batch
from lifecycle.transition import transition_project
from tests.lifecycle import builders
from tests.lifecycle.builders import JINAN

ACTORS = 50


def at_once(jobs: Sequence[Callable[[], object]]) -> list[object]:
    """Run the jobs in as many threads, let go together, and return what each gave or raised (a `Refusal`)."""
    answers: list[object] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int, job: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers[number] = job()
        except Refusal as refusal:
            answers[number] = refusal

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def acting(database: Database, log: Log, project: str, event: str, person: str, key: str | None = None, **changes):
    row, step = builders.read_project(database, project), builders.STEPS[event]
    doer = builders.caller_for(step.role, row, builders.at(step.on), person)
    request = replace(builders.request_for(event, row), **changes)

    def job() -> object:
        asked = {"project": project, "request": request}
        with attempt(database, log, doer, ("project", project), event, key, asked) as tx:
            return transition_project(tx, log, doer, project, request, key)

    return job


def assert_gapless(database: Database, project: str) -> None:
    entries = builders.read_entries(database, f"project/{project}")
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    row = builders.read_project(database, project)
    assert (row["head_seq"], row["head_hash"]) == (entries[-1]["seq"], entries[-1]["leaf"])
    assert entries[0]["leaf"] != ZERO_HASH


def test_of_fifty_actors_on_one_project_one_wins_each_round(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    rounds = 3
    for number in range(rounds):
        version = builders.read_project(database, row["id"])["version"]
        answers = at_once(
            [
                acting(database, log, row["id"], "waive", f"p{actor}", expected_version=version)
                for actor in range(ACTORS)
            ]
        )
        kinds = Counter(type(answer).__name__ for answer in answers)
        assert kinds == {"Outcome": 1, "Conflict": ACTORS - 1}
        winner = next(answer for answer in answers if not isinstance(answer, Refusal))
        losers = [answer for answer in answers if isinstance(answer, Conflict)]
        assert winner.version == version + 1
        assert {loser.details["winner"]["action"] for loser in losers} == {"waive"}
        assert {loser.details["version"] for loser in losers} == {version + 1}
        entries = builders.read_entries(database, f"project/{row['id']}")
        assert Counter(entry["outcome"] for entry in entries) == {
            "success": number + 2,
            "failed": (number + 1) * (ACTORS - 1),
        }
    assert builders.read_project(database, row["id"])["version"] == 1 + rounds
    assert_gapless(database, row["id"])
    with database.reading() as tx:
        assert drift(tx, row["id"]) == []


def test_fifty_recommending_at_once_never_exceed_the_quota(database: Database, log: Log) -> None:
    quota = 7
    batch = builders.open_batch(database, log, quotas={JINAN: quota})
    rows = builders.create_projects(database, log, batch, ACTORS)
    for row in rows:
        builders.act(database, log, row["id"], "submit")
    answers = at_once([acting(database, log, row["id"], "recommend", f"c{n}") for n, row in enumerate(rows)])
    kinds = Counter(type(answer).__name__ for answer in answers)
    assert kinds == {"Outcome": quota, "RulesUnmet": ACTORS - quota}
    refused = {
        finding.check
        for answer in answers
        if isinstance(answer, Refusal)
        for finding in answer.findings  # type: ignore[attr-defined]
        if finding.blocks
    }
    assert refused == {"within_city_quota"}
    states = Counter(builders.read_project(database, row["id"])["state"] for row in rows)
    assert states == {"city_recommended": quota, "applied": ACTORS - quota}
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_two_officers_at_once_never_exceed_the_budget(database: Database, log: Log) -> None:
    policy = builders.POLICY_TEXT.replace("budget_fen = 3_000_000_000", "budget_fen = 120_000_000")
    batch = builders.open_batch(database, log, policy_text=policy)
    rows = builders.create_projects(database, log, batch, 5)
    for row in rows:
        builders.drive(database, log, row["id"], "one_year_accepted")
    answers = at_once([acting(database, log, row["id"], "propose_tier", f"h{n}") for n, row in enumerate(rows)])
    assert Counter(type(answer).__name__ for answer in answers) == {"Outcome": 2, "RulesUnmet": 3}
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}


def test_the_same_key_used_by_many_threads_does_the_act_once(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    answers = at_once([acting(database, log, row["id"], "submit", "a", key="the-key")] * 12)
    kinds = Counter(type(answer).__name__ for answer in answers)
    assert kinds == {"Outcome": 1, "Remembered": 11}
    first = next(answer for answer in answers if not isinstance(answer, (Remembered, Refusal)))
    assert all(answer.to_dict() == first.to_dict() for answer in answers)  # type: ignore[attr-defined]
    assert builders.read_project(database, row["id"])["version"] == 2
    assert_gapless(database, row["id"])


def test_racing_acts_without_an_expected_version_each_see_the_state_left_by_the_one_before(
    database: Database, log: Log
) -> None:
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    builders.drive(database, log, row["id"], "applied")
    answers = at_once([acting(database, log, row["id"], "not_recommend", f"c{n}") for n in range(20)])
    assert Counter(type(answer) for answer in answers)[NotOffered] == 19
    assert builders.read_project(database, row["id"])["state"] == "not_recommended"
    assert_gapless(database, row["id"])
