"""The lists of a project's dossier: what was filed, its units, money, checks, dates, documents and what happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from lifecycle.papers.amounts import in_wan, in_words
from lifecycle.papers.positions import is_withheld
from lifecycle.papers.values import NOTHING, Source
from states.deadlines import business_date
from states.facts import UnitRole
from states.indicators import attained, indicator_of
from states.planning import BY_HAND

ROLES = {UnitRole.LEAD: "牵头单位", UnitRole.LANDING: "场景落地单位", UnitRole.OTHER: "其他成员"}
KINDS = {"provider": "数字化转型服务商", "manufacturer": "制造业企业"}


class Table(NamedTuple):
    """A list ready to be set; no rows: there is nothing of the kind."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    widths: tuple[float, ...]
    right: frozenset[int] = frozenset()
    foot: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a dossier is made from: the project at the position, and its history to there as the reader may see it."""

    source: Source
    history: Sequence[Mapping[str, Any]]


def _facts(told: Told) -> Table:
    source = told.source
    places = (
        *(
            ("项目编号", "code"),
            ("项目名称", "title"),
            ("当时状态", "state"),
            ("所属市", "city"),
            ("任务编号", "task_code"),
        ),
        *(("牵头单位", "lead"), ("统一社会信用代码", "lead_code"), ("企业性质", "ownership"), ("所属集团", "group")),
        *(("预期投入", "investment"), ("实施开始", "starts_on"), ("实施结束", "ends_on")),
        *(("联系人", "contact"), ("联系电话", "phone"), ("推荐意见", "opinion"), ("备注", "remarks")),
    )
    rows = [(label, source.value(place)) for label, place in places]
    return Table(("事项", "内容"), rows, (40, 116))


def _members(told: Told) -> Table:
    units = told.source.past.columns["members"]
    rows = [
        (
            str(number),
            ROLES[UnitRole(unit["role"])],
            unit["name"],
            unit["credit_code"],
            KINDS.get(unit.get("kind", ""), "其他"),
        )
        for number, unit in enumerate(units, 1)
    ]
    return Table(("序号", "角色", "单位名称", "统一社会信用代码", "类型"), rows, (12, 28, 44, 44, 28))


def _indicators(told: Told) -> Table:
    """Indicators of the application book, one row each, and one more for each round that answered them."""
    past, rows = told.source.past, []
    filed = [indicator_of(one) for one in past.columns.get("indicators") or ()]
    rows += [
        (str(one.number), one.name, _amount(one.baseline, one.unit), _amount(one.target, one.unit), "申报书", NOTHING)
        for one in filed
    ]
    for name, spec in past.rules.definition.rounds.items():
        field = spec.attained
        answers = past.record(field) if field is not None and field not in told.source.hidden else None
        if not isinstance(answers, list):  # none, or withheld
            continue
        label = past.rules.definition.rounds[name].zh
        rows += [
            (
                str(one.indicator.number),
                f"{one.indicator.name}{f'（{one.remark}）' if one.remark else ''}",
                _amount(one.achieved, one.indicator.unit),
                _amount(one.indicator.target, one.indicator.unit),
                f"{label}自评",
                "未填" if one.achieved is None else f"{'完成' if one.met else '未完成'}{_share(one.percent)}",
            )
            for one in attained(filed, answers)
        ]
    heads = ("编号", "指标", "基准或完成", "目标", "来源", "完成情况")
    return Table(heads, rows, (12, 50, 26, 24, 22, 26))


def _amount(value: str | None, unit: str) -> str:
    return f"{value}{unit}" if value is not None else NOTHING


def _share(percent: str | None) -> str:
    return f"（{percent}%）" if percent is not None else ""


def _money(told: Told) -> Table:
    """All amounts: what was planned, then what acts put on record, in the order of the definition."""
    source, past = told.source, told.source.past
    rows = [("预期投入", in_wan(past.columns["investment_fen"]))]
    for name, spec in past.rules.definition.fields.items():
        amount = source.money(f"record.{name}") if spec.type == "money" else None
        if amount is not None:
            rows.append((spec.zh, in_wan(amount)))
    return Table(("项目", "金额（万元）"), rows, (90, 40), frozenset({1}))


def _record(told: Told) -> Table:
    source, past = told.source, told.source.past
    fields = past.rules.definition.fields
    rows = [
        (spec.zh, source.field(name, past.record(name)))
        for name, spec in fields.items()
        if past.record(name) is not None and spec.type not in ("money", "checks", "attainments")
    ]
    return Table(("登记事项", "内容"), rows, (50, 106))


def _vetoes(told: Told) -> Table:
    """Checks item by item, in the order of the policy."""
    past, rows = told.source.past, []
    items = told.source.policy.rules.R09.items
    for name, spec in past.rules.definition.fields.items():
        checks = past.record(name) if spec.type == "checks" and name not in told.source.hidden else None
        if not isinstance(checks, Mapping):
            continue
        for item in sorted(checks, key=lambda item: [*items, item].index(item)):
            check = checks[item]
            label = items[item].zh if item in items else item
            verdict = "无问题" if check["clear"] else "有问题"
            rows.append((label, verdict, check["checked_on"], check["checked_by"], check.get("evidence") or NOTHING))
    return Table(("核查项", "结果", "核查日期", "核查人", "依据"), rows, (56, 18, 26, 24, 36))


def _checkpoints(told: Told) -> Table:
    past = told.source.past
    specs = past.rules.definition.checkpoints
    rows = []
    for place, due_on in sorted(past.checkpoints.items(), key=lambda item: (item[1], item[0])):
        kind, _, number = place.rpartition("/")
        if kind != BY_HAND:  # what an officer added need not be for every reader
            rows.append((specs[kind].zh if kind in specs else kind, number, in_words(date.fromisoformat(due_on))))
    return Table(("期限", "序号", "日期"), rows, (90, 20, 40))


def _documents(told: Told) -> Table:
    kinds = told.source.past.rules.definition.documents
    seen: dict[tuple[str, str, int], tuple[str, ...]] = {}
    for item in told.history:
        for document in item["docs"] if item["outcome"] == "success" else ():
            key = (document["kind"], document["id"], document["version"])
            label = kinds[document["kind"]].zh if document["kind"] in kinds else document["kind"]
            version, size = str(document["version"]), f"{document['size']:,}"
            seen.setdefault(key, (label, version, size, document["sha256"][:16], str(item["seq"])))
    heads = ("材料", "版本", "字节", "SHA-256前16位", "留痕序号")
    return Table(heads, list(seen.values()), (52, 14, 24, 44, 22), frozenset({2}))


def _timeline(told: Told) -> Table:
    return _entries(told, lambda item: item["outcome"] == "success")


def _attempts(told: Told) -> Table:
    return _entries(told, lambda item: item["outcome"] != "success")


def _entries(told: Told, wanted: Callable[[Mapping[str, Any]], bool]) -> Table:
    zone = told.source.policy.policy.zone
    rows = [
        (str(item["seq"]), in_words(business_date(datetime.fromisoformat(item["at"]), zone)), _sentence(item))
        for item in told.history
        if wanted(item)
    ]
    return Table(("序号", "日期", "经过"), rows, (14, 38, 104))


def _sentence(item: Mapping[str, Any]) -> str:
    """Return what happened without the day in front of it, and the reason behind."""
    words = item["sentence"]["zh"].partition(" ")[2] or item["sentence"]["zh"]
    reason = item["reason"]
    shown = isinstance(reason, str) and not is_withheld(reason)
    return f"{words}（理由：{reason}）" if shown else words


LISTS: dict[str, Callable[[Told], Table]] = {
    "facts": _facts,
    "members": _members,
    "indicators": _indicators,
    "money": _money,
    "record": _record,
    "vetoes": _vetoes,
    "checkpoints": _checkpoints,
    "documents": _documents,
    "timeline": _timeline,
    "attempts": _attempts,
}
