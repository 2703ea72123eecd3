"""Owns the proof that the demonstration batch is invented, valid, the same every time, and shows every phase."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from stdnum.cn import uscc

from lifecycle import batches, people, transition
from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.demonstration import DemonstrationReport, demonstration_files, install_demonstration
from lifecycle.errors import Unreadable
from lifecycle.imports import KINDS, preview_import, vocabulary
from lifecycle.invention.material import bundled_materials, first_material, read_material
from lifecycle.invention.projects import credit_code, invent_projects, invent_quotas, invent_shortlist
from lifecycle.rehearsal.stage import OF_BATCH
from lifecycle.replay import drift_of_batch
from lifecycle.tables import metadata
from lifecycle.workbook import read_quotas, read_shortlist, read_summary, read_tasks
from states.definition import BadDefinition
from states.library import bundled_definitions, bundled_policies, texts
from states.roles import actor_of, role_book
from tests.lifecycle.kept import kept_database

MATERIAL = first_material()
POLICY = MATERIAL.policy
DEFINITION = bundled_definitions()[POLICY.policy.definition][0]
CODE = MATERIAL.story.story.batch
NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, log: Log
) -> Iterator[tuple[Database, DemonstrationReport]]:
    """The demonstration as it is installed in 2026; the tests leave it as it is."""
    with kept_database(request, tmp_path_factory) as database:
        yield database, install_demonstration(database, log, NOW)


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, sorted."""
    with database.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def aliases() -> dict[str, str]:
    return {project.application.title: project.alias for project in invent_projects(MATERIAL)}


def test_the_four_workbooks_are_the_four_kinds_of_import_and_the_same_bytes_every_time():
    files = demonstration_files()
    assert sorted(files) == sorted(KINDS)
    assert files == demonstration_files(bundled_materials()[MATERIAL.material.name])


def test_the_summary_table_reads_without_a_fault_and_has_projects_of_all_sixteen_cities():
    table = read_summary(demonstration_files()["projects"], vocabulary(POLICY))
    found = Counter(row.application.city for row in table.rows)
    assert (table.errors, table.warnings, len(table.rows)) == ([], [], 64)
    assert found == {code: plan.projects for code, plan in MATERIAL.cities.items()}
    assert set(found) == set(POLICY.cities) and len(found) == 16


def test_what_the_workbook_gives_back_is_what_was_invented():
    table = read_summary(demonstration_files()["projects"], vocabulary(POLICY))
    assert [row.application for row in table.rows] == [project.application for project in invent_projects(MATERIAL)]


def test_every_unit_has_a_valid_code_of_its_own_division_and_a_name_that_is_visibly_invented():
    members = [member for project in invent_projects(MATERIAL) for member in project.application.members]
    members_by_code = {member.credit_code: member.name for member in members}
    for code, name in members_by_code.items():
        assert uscc.validate(code) == code
        assert code[2:8] in POLICY.cities
        assert code[8:12] == "0000"
        assert ("示例" in name or "演示" in name) and "虚构" in name
    assert len(set(members_by_code.values())) == len(members_by_code) > 120


def test_an_organisation_code_carries_its_own_check_character():
    codes = [credit_code("370100", number)[8:17] for number in (1, 6, 27)]
    assert codes == ["000000019", "00000006X", "000000270"]
    assert credit_code("110000", 60003734) == "91110000600037341L"  # the example of GB 32100 in python-stdnum


def test_tasks_quotas_and_shortlist_read_back_and_say_that_they_are_invented():
    files = demonstration_files()
    tasks, quotas = read_tasks(files["tasks"]), read_quotas(files["quotas"], vocabulary(POLICY))
    shortlist = read_shortlist(files["shortlist"])
    assert [len(table.errors) for table in (tasks, quotas, shortlist)] == [0, 0, 0]
    assert len(tasks.rows) == 20 and all("虚构" in task.title for task in tasks.rows)
    assert {row.city: row.quota for row in quotas.rows} == {row.city: row.quota for row in invent_quotas(MATERIAL)}
    assert len(shortlist.rows) == len(invent_shortlist(MATERIAL)) == 12
    assert all("虚构" in unit.name for unit in shortlist.rows)


def test_every_project_says_in_its_remarks_that_it_is_invented():
    assert {
        project.application.remarks.startswith("演示数据，单位、名额和任务均为虚构。")
        for project in invent_projects(MATERIAL)
        if project.application.remarks
    } == {True}


def test_consortia_have_two_to_three_members_but_for_one_with_four_and_some_are_exempt_or_of_a_group():
    projects = invent_projects(MATERIAL)
    assert Counter(len(project.application.members) for project in projects) == {2: 42, 3: 21, 4: 1}
    assert Counter(project.application.ownership for project in projects) == {
        "other": 55,
        "provincial_soe": 6,
        "central_in_shandong": 3,
    }
    assert len({project.application.group for project in projects} - {None}) == 3


def test_material_with_an_unknown_key_is_refused_with_its_place():
    text = next(iter(texts("demonstration").values()))
    with pytest.raises(BadDefinition, match=r"filing\.colour"):
        read_material(text.replace("[filing]\n", '[filing]\ncolour = "red"\n'))
    with pytest.raises(BadDefinition, match="not TOML"):
        read_material("[")


def test_the_installed_batch_is_marked_invented_and_shows_every_phase(
    installed: tuple[Database, DemonstrationReport],
):
    database, report = installed
    with database.reading() as tx:
        row = batches.find_batch(tx, CODE)
        drift = drift_of_batch(tx, row["id"])
    assert (row["invented"], row["title"]) == (True, f"{POLICY.policy.zh}{MATERIAL.story.story.suffix}")
    assert (report.batch, report.created, sum(report.counts.values())) == (CODE, True, 64)
    assert {DEFINITION.states[state].phase for state in report.counts} == set(DEFINITION.phases)
    assert (report.counts["draft"], report.counts["applied"], report.counts["closed"]) == (6, 2, 15)
    assert len(report.counts) == 25
    assert drift == {}


def test_installing_twice_changes_nothing_and_makes_no_token(installed: tuple[Database, DemonstrationReport], log: Log):
    database, first = installed
    before = everything(database)
    second = install_demonstration(database, log, NOW)
    assert everything(database) == before
    assert (second.created, second.tokens, second.counts) == (False, {}, first.counts)
    assert second.people == first.people


def test_every_role_has_a_token_that_works_and_all_cities_have_one(installed: tuple[Database, DemonstrationReport]):
    database, report = installed
    with database.reading() as tx:
        actors = {login: people.actor_by_token(tx, secret, NOW) for login, secret in report.tokens.items()}
    roles = Counter(actor.role for actor in actors.values() if actor)
    assert roles == {
        "handler": 2,
        "division_head": 1,
        "leader": 1,
        "city": 16,
        "applicant": 3,
        "expert": 1,
        "auditor": 1,
        "system_admin": 1,
        "security_admin": 1,
    }
    assert set(roles) == set(role_book().roles) - {"public", "system"}
    assert {actor.city for actor in actors.values() if actor and actor.city} == set(POLICY.cities)
    assert report.to_dict()["projects"] == 64


def test_nothing_happens_on_or_after_the_day_of_installation(database: Database, log: Log):
    now = datetime(2024, 9, 5, 1, tzinfo=UTC)
    report = install_demonstration(database, log, now)
    with database.engine.connect() as connection:
        entry = metadata.tables["entry"]
        last = connection.execute(
            sa.select(sa.func.max(entry.c.at)).where(entry.c.stream.like("project/%"))
        ).scalar_one()
    assert str(last)[:10] == "2024-09-02"
    assert report.counts == {
        "applied": 2,
        "city_recommended": 3,
        "draft": 6,
        "in_publicity": 44,
        "not_recommended": 1,
        "not_selected": 1,
        "returned": 1,
        "reviewed": 2,
        "under_review": 2,
        "withdrawn": 2,
    }


def test_projects_with_a_problem_show_the_finding_that_refuses_them(database: Database, log: Log):
    report = install_demonstration(database, log, datetime(2024, 7, 16, 8, tzinfo=UTC))
    assert report.counts == {"draft": 64}
    names = aliases()
    refused = {}
    with database.reading() as tx:
        rows = tx.fetch(OF_BATCH, batch=batches.find_batch(tx, CODE)["id"])
        for row in rows:
            if names[row["title"]] in {"济南5", "淄博4", "烟台5", "临沂2"}:
                city = Caller(actor_of("reader", "city", row["city"]), Source("test"), NOW)
                decisions = transition.offered_transitions(tx, city, row["id"])[1]
                submit = next(decision for decision in decisions if decision.case.act.event == "submit")
                refused[names[row["title"]]] = {finding.check for finding in submit.refusals}
    wanted = {
        "济南5": "member_count",
        "淄博4": "investment_sufficient",
        "烟台5": "filed_with_city_of_lead",
        "临沂2": "not_shortlisted_before",
    }
    assert {alias: check in refused[alias] for alias, check in wanted.items()} == dict.fromkeys(wanted, True)


def test_the_preview_of_the_summary_table_warns_of_nothing_once_the_tasks_are_in(database: Database, log: Log):
    install_demonstration(database, log, datetime(2024, 7, 16, 8, tzinfo=UTC))
    with database.reading() as tx:
        handler = Caller(actor_of("reader", "handler"), Source("test"), NOW)
        preview = preview_import(
            tx, handler, batches.find_batch(tx, CODE), "projects", demonstration_files()["projects"]
        )
    assert Counter(error.code for error in preview.errors) == {"already_there": 64}
    assert list(preview.warnings) == []


def test_a_real_batch_of_the_same_code_is_left_alone(database: Database, log: Log):
    handler = Caller(actor_of("handler", "handler"), Source("test"), NOW)
    definition = bundled_definitions()[POLICY.policy.definition][1]
    with database.transaction() as tx:
        batches.open_batch(tx, log, handler, CODE, definition, bundled_policies()[MATERIAL.material.policy][1])
    before = everything(database)
    with pytest.raises(Unreadable, match="not invented"):
        install_demonstration(database, log, NOW)
    assert everything(database) == before
