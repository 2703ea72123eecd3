"""Calendar files: read again by the library, folded as RFC 5545 asks, the same identity through every change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from lifecycle.feeds import Dated, FeedContent
from schedules.invitations import Entry, calendar, domain, feed, place
from states.findings import Text

ORIGIN = "pilot.example.gov.cn/log"
PROJECT = "0195a1f0-0000-7000-8000-00000000000a"
OPENED = datetime(2024, 8, 31, 1, 0, 0, 123_456, tzinfo=UTC)


def dated(**changes: Any) -> Dated:
    given = Dated(
        project_id=PROJECT,
        kind="half_year_ends",
        number=1,
        version=7,
        due_on=date(2025, 2, 28),
        provisional=False,
        cancelled=False,
        changed_at=OPENED,
        label=Text("半年期验收申请截止", "half-year window ends"),
        code="b-00001",
        title="产线数字化1",
        lead="服务商1",
    )
    return given._replace(**changes)


def content(*dates: Dated) -> FeedContent:
    return FeedContent(Text("试点期限：王五", "Pilot deadlines: 王五"), list(dates))


def events(*dates: Dated) -> list[Any]:
    return list(Calendar.from_ical(feed(content(*dates), ORIGIN)).events)


def test_a_date_is_an_all_day_entry_that_blocks_nobody() -> None:
    (event,) = events(dated())
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2025, 2, 28), date(2025, 3, 1))
    assert (event["STATUS"], event["TRANSP"]) == ("CONFIRMED", "TRANSPARENT")
    assert str(event["SUMMARY"]) == "半年期验收申请截止：产线数字化1"
    assert str(event["DESCRIPTION"]) == (
        "项目：b-00001 产线数字化1\n牵头单位：服务商1\n截止日期：2025-02-28\n\n"
        "half-year window ends: b-00001, due on 2025-02-28"
    )
    assert event["LAST-MODIFIED"].dt == event["DTSTAMP"].dt == OPENED.replace(microsecond=0)


def test_a_moved_date_keeps_its_identity_and_goes_up_in_sequence() -> None:
    (before,), (after,) = events(dated()), events(dated(due_on=date(2025, 8, 28), version=12))
    assert before["UID"] == after["UID"] == f"{PROJECT}-half_year_ends-1@pilot.example.gov.cn"
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (7, 12)


def test_a_date_that_ended_is_cancelled_above_its_version_and_below_the_next() -> None:
    (event,) = events(dated(cancelled=True))
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 8)


def test_a_provisional_date_says_so() -> None:
    (event,) = events(dated(provisional=True))
    assert event["STATUS"] == "TENTATIVE"
    assert str(event["SUMMARY"]) == "半年期验收申请截止：产线数字化1（暂定）"
    assert "截止日期：2025-02-28（暂定）" in str(event["DESCRIPTION"])


def test_a_feed_tells_its_name_and_how_often_to_ask() -> None:
    lines = feed(content(), ORIGIN).decode().split("\r\n")
    assert (lines[0], lines[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    assert sorted(lines[1:-2]) == [
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "NAME:试点期限：王五",
        "PRODID:-//pilot//reminders 1//ZH",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
        "VERSION:2.0",
        "X-PUBLISHED-TTL:PT6H",
        "X-WR-CALDESC:Pilot deadlines: 王五",
        "X-WR-CALNAME:试点期限：王五",
    ]


def test_the_same_content_gives_the_same_octets() -> None:
    assert feed(content(dated()), ORIGIN) == feed(content(dated()), ORIGIN)


TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=80)


@given(title=TEXTS, lead=TEXTS, days=st.integers(0, 4000), number=st.integers(1, 99))
def test_any_text_is_read_again_as_it_was(title: str, lead: str, days: int, number: int) -> None:
    given = dated(title=title, lead=lead, number=number, due_on=date(2024, 1, 1) + timedelta(days))
    octets = feed(content(given), ORIGIN)
    (event,) = Calendar.from_ical(octets).events
    assert str(event["SUMMARY"]) == f"半年期验收申请截止：{title}"
    assert event["DTSTART"].dt == given.due_on
    lines = octets.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    assert b"\n" not in b"".join(lines)
    assert [line.decode() for line in lines]  # no character is torn by the folding


def test_characters_that_calendar_programs_trip_over_are_left_out() -> None:
    (event,) = events(dated(title="甲\x85乙\u2028丙\x9f丁"))
    assert str(event["SUMMARY"]) == "半年期验收申请截止：甲 乙 丙 丁"


def test_an_attachment_has_no_name_to_subscribe_to() -> None:
    entry = Entry(place(PROJECT, "by_hand", 3), 2, date(2025, 1, 2), "期限", "说明", OPENED)
    read = Calendar.from_ical(calendar([entry], ORIGIN))
    assert (read["METHOD"], "X-WR-CALNAME" in read, len(read.events)) == ("PUBLISH", False, 1)


def test_the_domain_is_the_log_s_host() -> None:
    assert [domain(origin) for origin in ("pilot.example.gov.cn/log", "pilot.invalid")] == [
        "pilot.example.gov.cn",
        "pilot.invalid",
    ]
