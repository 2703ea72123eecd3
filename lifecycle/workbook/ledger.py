"""The ledger, written: the summary table's own columns, so that it can be read back, and three of ours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lifecycle.workbook.choices import Vocabulary, write_yes_no
from lifecycle.workbook.money import to_wan
from lifecycle.workbook.page import DAY, MONEY, WHOLE, Field, Page, Value
from states.facts import Application, Member, UnitRole

TITLE = "项目汇总表"

_HEAD = (
    Field("排序", None, 6, WHOLE),
    Field("市", None, 8),
    Field("任务编号", None, 12),
    Field("任务名称", None, 24),
    Field("项目名称", None, 32),
    Field("牵头单位", "名称", 28),
    Field("牵头单位", "统一社会信用代码", 22),
    Field("企业性质", None, 12),
    Field("是否占用名额", None, 10),
    Field("所属集团", None, 20),
)
_TAIL = (
    Field("预期投入（万元）", None, 16, MONEY),
    Field("实施起止", "起", 12, DAY),
    Field("实施起止", "止", 12, DAY),
    Field("联系人", None, 10),
    Field("联系电话", None, 16),
    Field("推荐意见", None, 32),
    Field("备注", None, 24),
)
_OURS = (Field("项目编号", None, 18), Field("当前状态", None, 16), Field("版本", None, 6, WHOLE))


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One project of the ledger; `code`, `state_label` and `version` are for people and not read back."""

    application: Application
    task_title: str | None
    uses_quota: bool | None
    code: str
    state_label: str
    version: int


def write_ledger(
    rows: Iterable[LedgerRow], vocabulary: Vocabulary, note: str | None = None, title: str = TITLE
) -> bytes:
    """Write projects as a summary table with code, state and version behind it.

    There are as many columns of landing units and other members as the fullest row needs. Read back, it gives
    equal applications, if their texts are clean in the sense of `texts`; nothing is cleaned here, since a
    ledger that silently differs from the record is worse than none.

    Raises:
        WorkbookRefused: a text holds control characters or is longer than a cell can hold.
    """
    rows = list(rows)
    landing = max((len(_units(row.application, UnitRole.LANDING)) for row in rows), default=1)
    others = max((len(_units(row.application, UnitRole.OTHER)) for row in rows), default=1)
    page = _page(title, landing, others, _OURS)
    for row in rows:
        page.add([*_values(row, vocabulary, landing, others), row.code, row.state_label, row.version])
    return page.close(note)


def write_template(landing: int = 2, others: int = 1, note: str | None = None, title: str = TITLE) -> bytes:
    """Write an empty summary table to be filled in, with room for so many landing units and other members."""
    return _page(title, landing, others, ()).close(note)


def _page(title: str, landing: int, others: int, ours: Sequence[Field]) -> Page:
    units = [
        *_unit_fields("场景落地单位", max(landing, 1)),
        *_unit_fields("其他成员", max(others, 1)),
    ]
    return Page("汇总表", title, [*_HEAD, *units, *_TAIL, *ours], unit="万元", keep=5)


def _unit_fields(heading: str, count: int) -> list[Field]:
    return [
        field
        for number in range(1, count + 1)
        for field in (Field(f"{heading}{number}", "名称", 28), Field(f"{heading}{number}", "代码", 22))
    ]


def _values(row: LedgerRow, vocabulary: Vocabulary, landing: int, others: int) -> list[Value]:
    application = row.application
    lead = application.lead
    return [
        application.rank,
        vocabulary.cities.get(application.city, application.city),
        application.task_code,
        row.task_title,
        application.title,
        lead.name if lead else None,
        lead.credit_code if lead else None,
        vocabulary.ownerships.get(application.ownership, application.ownership),
        write_yes_no(row.uses_quota),
        application.group,
        *_unit_values(_units(application, UnitRole.LANDING), max(landing, 1)),
        *_unit_values(_units(application, UnitRole.OTHER), max(others, 1)),
        to_wan(application.investment_fen),
        application.starts_on,
        application.ends_on,
        application.contact_name,
        application.contact_phone,
        application.opinion,
        application.remarks,
    ]


def _units(application: Application, role: UnitRole) -> list[Member]:
    return [member for member in application.members if member.role is role]


def _unit_values(members: Sequence[Member], count: int) -> list[Value]:
    values: list[Value] = [value for member in members for value in (member.name, member.credit_code)]
    return values + [None] * (2 * count - len(values))
