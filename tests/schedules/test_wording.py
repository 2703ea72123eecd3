"""Wording: places filled in, digests listed, nothing evaluated, nothing that could break a header or a page."""

from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from schedules.parcels import Parcel
from schedules.wording import SAMPLE, SMS_LIMIT, SUBJECT_LIMIT, Item, parcel, preview
from states.library import bundled_plans
from states.reminders import KINDS, PLACES, ReminderPlan, read_plan

AT = datetime(2025, 2, 18, 1, 0, tzinfo=UTC)
MESSAGE = "0195a1f0-0000-7000-8000-000000000001"
PLAN, TEXT = bundled_plans()["gongfu-reminders/1"]
PLACES_OF_ONE = {
    "recipient": "王五",
    "role": "省厅经办人",
    "actor": "",
    "note": "",
    "count": "1",
    "batch": "2024年第二批",
    "code": "sd-gongfu-2024-2-00001",
    "title": "产线数字化1",
    "lead": "服务商1",
    "city": "济南",
    "state": "已公布（实施中）",
    "event": "",
    "checkpoint": "半年期验收申请",
    "due_on": "2025-02-28",
    "old_due_on": "",
    "provisional": "",
    "days": "10",
    "overdue_days": "0",
}
ONE = Item("before", PLACES_OF_ONE, "p1-half_year_ends-1", date(2025, 2, 28), 7, "w-7")
TWO = Item(
    "late",
    {
        **PLACES_OF_ONE,
        "title": "产线数字化2",
        "code": "sd-gongfu-2024-2-00002",
        "due_on": "2025-02-14",
        "overdue_days": "4",
    },
    "p2-half_year_ends-1",
    date(2025, 2, 14),
    3,
    "late+4",
)


def letter(*items: Item, channel: str = "email", plan: ReminderPlan = PLAN) -> Parcel:
    return parcel(MESSAGE, channel, "to@example.cn", None, items, plan, "test.invalid/log", AT)


def reworded(**changes: str) -> ReminderPlan:
    """Return the plan with other words for `before`."""
    words = PLAN.words["before"].model_copy(update=changes)
    return PLAN.model_copy(update={"words": {**PLAN.words, "before": words}})


class Reader(HTMLParser):
    """Collects the tags and the text of a page, and fails on what is not balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_one_item_is_told_in_its_own_words_chinese_first() -> None:
    made = letter(ONE)
    assert made.subject == (
        "【提醒】半年期验收申请还有10天：产线数字化1 | Reminder: 半年期验收申请 – sd-gongfu-2024-2-00001, in 10 days"
    )
    assert made.text == (
        "王五：\n"
        "项目“产线数字化1”（sd-gongfu-2024-2-00001，服务商1）“半年期验收申请”的期限为2025年2月28日，距今还有10天，尚未办结。请按期办理。\n"
        "\n"
        "半年期验收申请 of sd-gongfu-2024-2-00001 is due on 2025-02-28, in 10 days, and is not done yet.\n"
        "\n"
        f"编号 {MESSAGE}"
    )


def test_several_items_are_one_digest_that_lists_them() -> None:
    made = letter(ONE, TWO)
    assert made.subject == "【提醒汇总】共2项 | Digest: 2 reminders"
    assert made.text == (
        "王五：\n"
        "以下2项，请分别按期办理。\n"
        "1. 【提醒】半年期验收申请还有10天：产线数字化1\n"
        "2. 【已逾期4天】半年期验收申请：产线数字化2\n"
        "\n"
        "2 reminders for you.\n"
        "1. Reminder: 半年期验收申请 – sd-gongfu-2024-2-00001, in 10 days\n"
        "2. Overdue by 4 days: 半年期验收申请 – sd-gongfu-2024-2-00002\n"
        "\n"
        f"编号 {MESSAGE}"
    )
    rows = Reader(made.html).tags.count("tr")
    assert rows == 3  # a head and two items


def test_what_comes_late_says_so_and_when_it_ought_to_have_come() -> None:
    made = letter(ONE._replace(planned_for="2025-02-17 09:00"))
    assert made.subject.startswith("【补发】【提醒】半年期验收申请还有10天：产线数字化1 | Sent late: Reminder: ")
    assert "请按期办理。\n（本提醒原定2025年2月17日09:00发出，因故延误，现予补发。）\n" in made.text
    assert "\n(This reminder was planned for 2025-02-17 09:00 and is sent late.)\n" in made.text
    assert [item["late"] for item in made.data["data"]["items"]] == [True]
    assert letter(ONE, TWO._replace(planned_for="2025-02-17 09:00")).text.count("补发") == 1


def test_the_opening_of_a_window_is_no_day_by_which_to_be_done() -> None:
    opening = ONE._replace(kind="due", checkpoint="half_year_opens")
    made = letter(opening)
    assert made.subject.startswith("【今日开始受理】半年期验收：产线数字化1 | The half-year window of ")
    assert "半年期验收自今日起受理申请（受理起始日：2025年2月28日）。请在申请截止日前提交。" in made.text
    assert letter(opening._replace(checkpoint="half_year_ends")).subject.startswith("【今日到期】")


def test_the_english_words_have_the_labels_in_english() -> None:
    made = letter(ONE._replace(english=(("checkpoint", "half-year window ends"), ("provisional", " (provisional)"))))
    assert "half-year window ends of sd-gongfu-2024-2-00001 is due on 2025-02-28 (provisional), in 10 days" in made.text
    assert made.subject.startswith("【提醒】半年期验收申请还有10天：产线数字化1 | Reminder: half-year window ends – ")


def test_a_digest_s_words_see_only_what_all_its_items_share() -> None:
    words = PLAN.words["digest"].model_copy(update={"zh": "${batch}/${title}/${count}"})
    plan = PLAN.model_copy(update={"words": {**PLAN.words, "digest": words}})
    assert letter(ONE, TWO, plan=plan).text.split("\n")[0] == "2024年第二批//2"


def test_robots_get_the_subject_as_the_first_line_and_sms_nothing_else() -> None:
    subject = "【提醒】半年期验收申请还有10天：产线数字化1"
    assert letter(ONE, channel="chat").text == f"{subject}\n\n{letter(ONE).text}"
    assert letter(ONE, channel="sms").text == f"{subject}\n编号 {MESSAGE}"


def test_an_sms_keeps_within_what_any_gateway_takes() -> None:
    long = ONE._replace(places={**PLACES_OF_ONE, "title": "很长的名称" * 60})
    text = letter(long, channel="sms").text
    assert len(text) == SMS_LIMIT
    assert text.endswith(f"…\n编号 {MESSAGE}")


def test_a_place_s_value_is_never_read_as_words_again() -> None:
    sly = ONE._replace(places={**PLACES_OF_ONE, "title": "${recipient} $$ ${nobody} %s {0}"})
    assert letter(sly).subject.startswith("【提醒】半年期验收申请还有10天：${recipient} $$ ${nobody} %s {0}")


def test_a_place_that_is_missing_stops_no_delivery() -> None:
    lacking = ONE._replace(places={name: text for name, text in PLACES_OF_ONE.items() if name != "days"})
    assert letter(lacking).subject.startswith("【提醒】半年期验收申请还有${days}天：产线数字化1")


def test_a_subject_is_one_line_of_bounded_length() -> None:
    made = letter(ONE, plan=reworded(subject_zh="甲\r\nBcc: all@example.cn\n\u2028${title}", subject_en="x"))
    assert made.subject == "甲 Bcc: all@example.cn 产线数字化1 | x"
    long = letter(ONE, plan=reworded(subject_zh="${code}" * 22)).subject
    assert (len(long), long[-1]) == (SUBJECT_LIMIT, "…")


MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>&\"'"


def test_html_shows_markup_as_text() -> None:
    sly = ONE._replace(places={**dict.fromkeys(PLACES, MARKUP)})
    page = Reader(letter(sly).html)
    assert set(page.tags) == {
        *("html", "head", "meta", "title", "body", "p", "table", "tr", "th", "td", "br", "span"),
    }
    assert page.attributes <= {"lang", "http-equiv", "content", "style", "border", "cellpadding", "cellspacing"}
    assert MARKUP in page.text


TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)


@given(title=TEXTS, note=TEXTS, lead=TEXTS)
def test_whatever_people_write_every_form_of_it_is_whole(title: str, note: str, lead: str) -> None:
    places = {**PLACES_OF_ONE, "title": title, "note": note, "lead": lead}
    made = letter(ONE._replace(places=places), ONE._replace(kind="chase", places=places))
    assert "\n" not in made.subject
    assert made.text.endswith(f"编号 {MESSAGE}")
    assert Reader(made.html).tags.count("tr") == 3
    assert orjson.loads(orjson.dumps(made.data)) == made.data
    assert made.calendar is not None
    assert len(Calendar.from_ical(made.calendar).events) == 1


def test_the_same_items_give_the_same_parcel() -> None:
    assert letter(ONE, TWO) == letter(ONE, TWO)


def test_a_mail_s_calendar_holds_what_lies_ahead_once_in_its_latest_version() -> None:
    newer = ONE._replace(due_on=date(2025, 3, 5), sequence=9)
    made = letter(newer, ONE, TWO)
    assert made.calendar is not None
    (event,) = Calendar.from_ical(made.calendar).events
    assert (event["UID"], event["SEQUENCE"]) == ("p1-half_year_ends-1@test.invalid", 9)
    assert event["DTSTART"].dt == date(2025, 3, 5)
    assert str(event["SUMMARY"]) == "半年期验收申请：产线数字化1"


@pytest.mark.parametrize("channel", ["chat", "sms", "webhook"])
def test_only_mail_has_a_calendar(channel: str) -> None:
    assert letter(ONE, channel=channel).calendar is None


def test_what_has_no_date_or_is_past_has_no_calendar() -> None:
    assert letter(TWO).calendar is None
    assert letter(ONE._replace(due_on=None, uid="", kind="event")).calendar is None


def test_a_webhook_s_digest_lists_its_items() -> None:
    data: Any = letter(ONE, TWO).data
    assert data["type"] == "reminder.digest"
    assert [(item["kind"], item["occasion"], item["due_on"]) for item in data["data"]["items"]] == [
        ("before", "w-7", "2025-02-28"),
        ("late", "late+4", "2025-02-14"),
    ]


def test_the_sample_fills_every_place() -> None:
    assert set(SAMPLE) == PLACES == set(PLACES_OF_ONE)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_looked_at_before_it_is_used(kind: Any) -> None:
    shown = preview(PLAN, kind)
    assert "${" not in shown.subject + shown.text + shown.html
    Reader(shown.html)


def test_a_preview_shows_a_batch_s_own_words_and_one_s_own_places() -> None:
    plan = read_plan(TEXT.replace("【催办】${checkpoint}：${title}", "【催】${title}／${lead}：${checkpoint}"))
    assert preview(plan, "chase", {"title": "甲"}).subject.startswith("【催】甲／示例单位：半年期验收截止")


def test_no_parcel_changes_with_the_plan_it_was_not_made_of() -> None:
    assert letter(ONE, plan=reworded(zh="另一句")).text != letter(ONE).text
    assert replace(letter(ONE), text="") != letter(ONE)
