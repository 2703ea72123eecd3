"""What is not adopted: without right, reason or a fresh preview, or from a text that cannot be right."""

import pytest

from lifecycle import batches, calendars
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotFound, PreviewStale, Unreadable
from lifecycle.statements import Row
from tests.lifecycle import builders
from tests.lifecycle.builders import act, caller
from tests.lifecycle.test_database import contents
from tests.lifecycle.test_new_calendars import (
    AUGUST,
    BASE,
    COUNTED,
    FIVE_ON,
    LATER_POLICY,
    NEXT,
    NOTICE_AT,
    OFFICER,
    WHY,
    adopt,
    amended,
    commit,
    holidays,
    notice,
    preview,
    read_batch,
)
from tests.lifecycle.test_projects import drift_in, refused


@pytest.fixture
def batch(database: Database, log: Log) -> Row:
    """A batch whose drafts have a date in the year that is not announced."""
    with database.transaction() as tx:
        batches.open_batch(tx, log, caller("handler"), "drafts", COUNTED, LATER_POLICY)
    return read_batch(database, "drafts")


def test_a_digest_holds_until_something_that_was_shown_changes(database: Database, log: Log, batch: Row) -> None:
    shown, other = builders.create_projects(database, log, batch, 2)
    act(database, log, other["id"], "withdraw")  # nothing falls due there
    digest = preview(database, batch, notice()).digest
    assert preview(database, batch, notice(), caller("division_head", NOTICE_AT)).digest != digest
    act(database, log, shown["id"], "waive")
    before = contents(database)
    with pytest.raises(PreviewStale), database.transaction() as tx:
        calendars.adopt_calendar(tx, log, OFFICER, batch, notice(), digest, WHY)
    assert contents(database) == before
    refused(PreviewStale, lambda: commit(database, log, batch, notice(), digest))
    refused(PreviewStale, lambda: commit(database, log, batch, notice(), "0" * 64))
    refused(
        PreviewStale,
        lambda: commit(database, log, batch, notice(NEXT, FIVE_ON), preview(database, batch, notice()).digest),
    )
    assert read_batch(database, "drafts")["calendar_hash"] is None
    assert adopt(database, log, batch, notice()).counts.projects == 1
    assert drift_in(database, batch) == {}


def test_an_adoption_asks_for_right_reason_and_a_calendar_that_is_new(database: Database, log: Log, batch: Row) -> None:
    builders.create_projects(database, log, batch, 1)
    digest = preview(database, batch, notice()).digest
    for role in ("applicant", "city", "leader", "auditor", "system_admin", "system"):
        doer = caller(role, NOTICE_AT, city=builders.JINAN, unit=builders.credit_code(2))
        refused(Forbidden, lambda d=doer: preview(database, batch, notice(), d))
        refused(Forbidden, lambda d=doer: commit(database, log, batch, notice(), digest, d))
    for why in ("", " \t", "长" * 2001, "a\x00b"):
        refused(Unreadable, lambda w=why: commit(database, log, batch, notice(), digest, why=w))
    nowhere = {**batch, "id": "00000000-0000-0000-0000-000000000000"}
    refused(NotFound, lambda: commit(database, log, nowhere, notice(), digest))
    adopt(database, log, batch, notice())
    refused(Unreadable, lambda: preview(database, batch, notice()))
    refused(Unreadable, lambda: commit(database, log, batch, notice(), digest))
    same_name = notice(NEXT, FIVE_ON, name=f"{NEXT}-5")
    unread = refused(Unreadable, lambda: preview(database, batch, same_name))
    assert unread.text.zh == f"名称{BASE.version}+{NEXT}-5已用于另一份日历，请换一个名称"


def test_a_refused_calendar_names_every_fault_with_its_place(database: Database, log: Log, batch: Row) -> None:
    table = f"日期,类型\n{NEXT}-02-30,休\n{NEXT}-02-08,假\n"
    unread = refused(Unreadable, lambda: preview(database, batch, table))
    assert [(fault["place"]["zh"], fault["message"]["zh"]) for fault in unread.details["faults"]] == [
        ("第2行", f"{NEXT}-02-30不是日期，应写作2027-01-01"),
        ("第3行", "类型“假”应为休或班"),
        ("表", "须写明依据（source）：通知的标题或文号，至多300字"),
    ]
    adopt(database, log, batch, notice())
    lost = refused(Unreadable, lambda: preview(database, batch, amended(AUGUST)))
    assert [fault["message"]["zh"] for fault in lost.details["faults"]] == [
        f"现行日历含{NEXT}年，新日历没有；须把各年安排写入同一文件"
    ]
    second = notice(NEXT + 1)
    gap = refused(Unreadable, lambda: preview(database, batch, second))
    assert [fault["message"]["zh"] for fault in gap.details["faults"]] == [f"缺少{NEXT}年的安排，年份须连续"]


def test_a_table_is_kept_as_the_calendar_file_it_stands_for(database: Database, log: Log, batch: Row) -> None:
    builders.create_projects(database, log, batch, 1)
    rows = [f"{day.year}/{day.month}/{day.day},休" for day in holidays(NEXT, FIVE_ON)]
    table = "\ufeff日期,类型,备注\r\n依据,国办发明电〔2026〕7号\r\n" + "\r\n".join(rows) + "\r\n"
    done = adopt(database, log, batch, table)
    with database.reading() as tx:
        rules = batches.rules_of(tx, batches.find_batch(tx, "drafts"))
    assert rules.calendar.version == done.calendar
    assert rules.calendar.source == "国办发明电〔2026〕7号"
    assert rules.calendar.rest_days - BASE.rest_days == frozenset(holidays(NEXT, FIVE_ON))
    assert drift_in(database, batch) == {}
