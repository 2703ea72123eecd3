"""Owns the proof that the State Council's notices, as published, give the calendars that everybody then kept."""

from datetime import date, timedelta

import pytest

from states.deadlines import state_council_calendar
from states.holidays import BadHolidays, read_arrangement

BASE = state_council_calendar()
HEAD = """国务院办公厅关于{year}年
部分节假日安排的通知
国办发明电〔{before}〕{number}号

各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
　　经国务院批准，现将{year}年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
"""
TAIL = """
　　节假日期间，各地区、各部门要妥善安排好值班和安全、保卫、疫情防控等工作，遇有重大突发事件，要按规定及时报告并妥善处置。
国务院办公厅
{before}年10月25日
"""
NOTICES = {
    2023: """
　　一、元旦：2022年12月31日至2023年1月2日放假调休，共3天。
　　二、春节：1月21日至27日放假调休，共7天。1月28日（星期六）、1月29日（星期日）上班。
　　三、清明节：4月5日放假，共1天。
　　四、劳动节：4月29日至5月3日放假调休，共5天。4月23日（星期日）、5月6日（星期六）上班。
　　五、端午节：6月22日至24日放假调休，共3天。6月25日（星期日）上班。
　　六、中秋节、国庆节：9月29日至10月6日放假调休，共8天。10月7日（星期六）、10月8日（星期日）上班。""",
    2024: """
　　一、元旦：1月1日放假，与周末连休。
　　二、春节：2月10日至17日放假调休，共8天。2月4日（星期日）、2月18日（星期日）上班。鼓励各单位结合带薪年休假等制度落实，安排职工在除夕（2月9日）休息。
　　三、清明节：4月4日至6日放假调休，共3天。4月7日（星期日）上班。
　　四、劳动节：5月1日至5日放假调休，共5天。4月28日（星期日）、5月11日（星期六）上班。
　　五、端午节：6月10日放假，与周末连休。
　　六、中秋节：9月15日至17日放假调休，共3天。9月14日（星期六）上班。
　　七、国庆节：10月1日至7日放假调休，共7天。9月29日（星期日）、10月12日（星期六）上班。""",
    2025: """
　　一、元旦：1月1日（周三）放假1天，不调休。
　　二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
　　三、清明节：4月4日（周五）至6日（周日）放假，共3天。
　　四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
　　五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
　　六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。""",
    2026: """
　　一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
　　二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
　　三、清明节：4月4日（周六）至6日（周一）放假，共3天。
　　四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
　　五、端午节：6月19日（周五）至21日（周日）放假，共3天。
　　六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
　　七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。""",
}


def notice(year: int, text: str | None = None, number: int = 7) -> str:
    given = {"year": year, "before": year - 1, "number": number}
    return (HEAD.format(**given) + (text or NOTICES[year]) + TAIL.format(**given)).replace("年\n部分", "年部分")


def faults(text: str) -> list[tuple[str, str]]:
    with pytest.raises(BadHolidays) as caught:
        read_arrangement(text, BASE)
    return [(fault.place.zh, fault.message.zh) for fault in caught.value.faults]


@pytest.mark.parametrize("year", NOTICES)
def test_a_published_notice_gives_every_day_of_its_year_as_everybody_kept_it(year: int):
    read = read_arrangement(notice(year), BASE)
    days = [date(year, 1, 1) + timedelta(number) for number in range(365 + (year % 4 == 0))]
    assert [read.calendar.is_working_day(day) for day in days] == [BASE.is_working_day(day) for day in days]
    assert read.years == ((2022, 2023) if year == 2023 else (year,))
    assert read.calendar.source == f"国务院办公厅关于{year}年部分节假日安排的通知（国办发明电〔{year - 1}〕7号）"


def test_a_title_over_two_lines_and_figures_of_any_width_are_read_too():
    wide = str.maketrans("0123456789:()", "０１２３４５６７８９：（）")
    plain = read_arrangement(notice(2026), BASE)
    broken = notice(2026).replace("关于2026年部分", "关于2026年\r\n部分").replace("\n", "\r\n")
    assert read_arrangement(broken.translate(wide), BASE).calendar.rest_days == plain.calendar.rest_days


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("1月4日（周日）", "1月4日（周六）", ("第7行“元旦”", "2026-01-04不是周六，请核对")),
        ("至3日（周六）放假调休，共3天", "至3日（周六）放假调休，共4天", (
            "第7行“元旦”", "写明共4天，所列日期为3天，请核对")),
        ("2月14日（周六）、", "2月30日、", ("第8行“春节”", "没有2026年2月30日这一天")),
        ("5月9日（周六）", "5月5日（周二）", ("第10行“劳动节”", "2026-05-05写了两次，请只留一处")),
        ("10月1日（周四）至7日（周三）", "10月7日（周三）至1日（周四）", (
            "第13行“国庆节”", "2026-10-07至2026-10-01不成期间，请核对")),
    ],
)  # fmt: skip
def test_a_slip_in_a_notice_is_told_with_its_line(old: str, new: str, told: tuple[str, str]):
    text = notice(2026)
    assert text.count(old) == 1
    assert told in faults(text.replace(old, new))


def test_a_notice_of_no_year_is_refused():
    assert faults("一、元旦：1月1日放假，共1天。") == [("标题", "没有写明是哪一年的安排")]
