"""What an official reads of a log entry: one sentence in Chinese, one in English."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lifecycle.auditing.kinds import ACTS, kind_label
from lifecycle.errors import Refusal, kinds_of
from lifecycle.visibility import checkpoint_label, label_of
from states.deadlines import business_date
from states.definition import LifecycleDefinition
from states.findings import Text
from states.roles import role_book
from states.rules import RULES

Parts = dict[str, Text]

_TEMPLATES: dict[str, Text] = {
    "project.created": Text("{date} {who}填报项目：{to}", "{date} {who} entered the project: {to}"),
    "moved": Text("{date} {who}办理“{act}”：{from} → {to}", "{date} {who}: {act}: {from} → {to}"),
    "stayed": Text("{date} {who}办理“{act}”，状态仍为{to}", "{date} {who}: {act}; the state stays {to}"),
    "project.signed": Text(
        "{date} {who}签署“{act}”，待另一人确认，状态仍为{to}",
        "{date} {who} signed: {act}; another person has to confirm, the state stays {to}",
    ),
    "project.amended": Text("{date} {who}修改申报内容：{columns}", "{date} {who} amended what was filed: {columns}"),
    "project.version_changed": Text(
        "{date} {who}将项目转入新版规则：{from} → {to}",
        "{date} {who} moved the project to another version of the rules: {from} → {to}",
    ),
    "project.deadline_added": Text("{date} {who}增设期限{deadline}", "{date} {who} added the deadline {deadline}"),
    "project.deadline_moved": Text("{date} {who}调整期限{deadline}", "{date} {who} moved the deadline {deadline}"),
    "project.deadline_done": Text("{date} {who}办结期限{deadline}", "{date} {who} closed the deadline {deadline}"),
    "project.deadline_withdrawn": Text(
        "{date} {who}撤销期限{deadline}", "{date} {who} withdrew the deadline {deadline}"
    ),
    "project.investment_claimed": Text("{date} {who}报送{list}", "{date} {who} handed in {list}"),
    "project.investment_verified": Text("{date} {who}逐行核定{list}", "{date} {who} verified line by line {list}"),
    "project.reassigned": Text("{date} {who}转办，{charge}", "{date} {who} handed over: {charge}"),
    "project.document_stored": Text("{date} {who}上传材料：{document}", "{date} {who} brought in: {document}"),
    "project.redacted": Text("{date} {who}依批准清除个人信息", "{date} {who} took personal data out, as approved"),
    "project.chased": Text("{date} {who}催办：{chased}", "{date} {who} chased: {chased}"),
    "project.replanned": Text(
        "{date} {who}按新的日历重新计算期限", "{date} {who} reckoned the deadlines by a new calendar"
    ),
    "denied": Text("{date} {who}申请办理“{act}”，未予办理：{why}", "{date} {who} asked for: {act}; refused: {why}"),
    "failed": Text("{date} {who}办理“{act}”未成：{why}", "{date} {who} tried: {act}; it failed: {why}"),
    "other": Text("{date} {who}：{type}", "{date} {who}: {type}"),
}
_COLUMNS: dict[str, Text] = {
    "title": Text("项目名称", "title"),
    "city": Text("市", "city"),
    "task_code": Text("任务编号", "task"),
    "ownership": Text("企业性质", "ownership"),
    "group_name": Text("所属集团", "group"),
    "lead_code": Text("牵头单位代码", "lead's credit code"),
    "lead_name": Text("牵头单位", "lead"),
    "members": Text("联合体成员", "members"),
    "investment_fen": Text("预期投入", "planned investment"),
    "starts_on": Text("实施开始日期", "start"),
    "ends_on": Text("实施结束日期", "end"),
    "filed_rank": Text("申报排序", "rank as filed"),
    "indicators": Text("绩效指标", "indicators"),
    "opinion": Text("推荐意见", "opinion"),
    "remarks": Text("备注", "remarks"),
    "contact_name": Text("联系人", "contact"),
    "contact_phone": Text("联系电话", "telephone"),
}
_CHECKS: dict[str, Text] = {
    "offered": Text("当前状态不可办理", "not offered in this state"),
    "permitted": Text("角色无权办理", "not for this role"),
    "within_scope": Text("不在管辖范围", "out of scope"),
    "fields_readable": Text("填写内容有误", "fields cannot be taken"),
    "fields_complete": Text("缺少必填内容", "fields are missing"),
    "documents_complete": Text("缺少必备材料", "documents are missing"),
    "documents_known": Text("不收此类材料", "documents not asked for"),
    "documents_stored": Text("所附材料不是已上传的同类文件", "documents are not stored ones"),
    "reason_given": Text("未写明理由", "no reason given"),
    "flags_held": Text("前置事项未办", "something has to come first"),
    "flags_absent": Text("有未了事项", "something is still open"),
    "another_person": Text("须由另一人办理", "another person has to do it"),
    "same_as_signed": Text("与第一人签署的内容不一致", "differs from what was signed"),
    "state_to_return_to": Text("没有可退回的原状态", "no state to go back to"),
    "date_possible": Text("业务日期不合理", "the date is not possible"),
    "backdating_permitted": Text("不得补记以前日期", "backdating not permitted"),
    "override_permitted": Text("不得突破原则性条款", "override not permitted"),
}
_TITLES = {kind.code: kind.title for kind in kinds_of(Refusal)}


def tell(
    definition: LifecycleDefinition,
    told: Mapping[str, Any],
    at: datetime,
    zone: str,
    names: Mapping[str, str],
    deadlines: Mapping[str, Any],
) -> dict[str, str]:
    """Return the sentence on an entry, given as the history shows it, so that it tells no more than that.

    `names` are people's by id, `deadlines` those added by hand that the reader may see.
    """
    action = told["action"] or {}
    parts: Parts = {
        "date": _same(business_date(at, zone).isoformat()),
        "who": _who(told["actor"]),
        "act": act_label(definition, action.get("name") or ""),
        "from": _state(definition, action.get("from")),
        "to": _state(definition, action.get("to")),
        "columns": _columns(told["changes"]),
        "why": _why(told),
        "deadline": _deadline(told["changes"]),
        "list": _list(definition, told["changes"]),
        "charge": _charge(told["changes"], names),
        "document": _document(definition, told["changes"]),
        "chased": _chased(definition, told["changes"], deadlines),
        "type": kind_label(told["type"]),
    }
    template, more = _TEMPLATES[_kind(told, action)], _more(definition, told, action, parts["date"].zh)
    return {
        "zh": template.zh.format_map({name: text.zh for name, text in parts.items()}) + more.zh,
        "en": template.en.format_map({name: text.en for name, text in parts.items()}) + more.en,
    }


def tell_plainly(told: Mapping[str, Any], at: datetime, zone: str) -> dict[str, str]:
    """Return the sentence on an entry that no lifecycle is about: of what kind it is, or what was refused and why."""
    name = (told["action"] or {}).get("name") or ""
    parts: Parts = {
        "date": _same(business_date(at, zone).isoformat()),
        "who": _who(told["actor"]),
        "act": act_label(None, name),
        "why": _why(told),
        "type": kind_label(told["type"]),
    }
    template = _TEMPLATES["other" if told["outcome"] == "success" else told["outcome"]]
    return {
        "zh": template.zh.format_map({name: text.zh for name, text in parts.items()}),
        "en": template.en.format_map({name: text.en for name, text in parts.items()}),
    }


def refused_by(action: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rules that refused an attempt: number, check, clause and a label."""
    found = []
    for name in action.get("rule") or ():
        number, _, check = name.partition(":")
        entry = RULES.get(check)
        label = _CHECKS.get(check, _same(number if entry else name))
        if entry:
            label = Text(f"{number}（{entry.clause}）", f"{number} ({entry.clause})")
        found.append(
            {"rule": number, "check": check, "clause": entry.clause if entry else None, "label": label._asdict()}
        )
    return found


def _kind(told: Mapping[str, Any], action: Mapping[str, Any]) -> str:
    if told["outcome"] != "success":
        return str(told["outcome"])
    if told["type"] == "project.transitioned":
        return "stayed" if action.get("from") == action.get("to") else "moved"
    if told["type"] == "project.deadline_ended":
        return next((kind for kind in map(_ending, told["changes"]) if kind in _TEMPLATES), "project.deadline_done")
    return told["type"] if told["type"] in _TEMPLATES else "other"


def _more(definition: LifecycleDefinition, told: Mapping[str, Any], action: Mapping[str, Any], day: str) -> Text:
    """Return what is remarkable: the docket it was done with, rules set aside, a date other than the day of the act."""
    zh = en = ""
    docket = next((change["new"] for change in told["changes"] if change["path"] == "/docket"), None)
    if docket:
        label = label_of(definition.dockets.get(docket["kind"]), docket["kind"])
        zh += f"，列入{label['zh']}第{docket['number']}号"
        en += f"; on {label['en']} no. {docket['number']}"
    rules = action.get("override") or ()
    if rules:
        zh += f"，准予例外：{'、'.join(rules)}"
        en += f"; set aside: {', '.join(rules)}"
    dated = next((change["new"] for change in told["changes"] if change["path"] == "/effective_on"), day)
    if dated != day:
        zh += f"（业务日期{dated}）"
        en += f" (dated {dated})"
    return Text(zh, en)


def _who(actor: Mapping[str, Any]) -> Text:
    role = role_book().roles.get(actor["role"])
    label = role.label if role else _same(actor["role"])
    if actor["kind"] == "system":
        return label
    name = actor["name"] or actor["id"]
    return Text(f"{name}（{label.zh}）", f"{name} ({label.en})")


def act_label(definition: LifecycleDefinition | None, event: str) -> Text:
    """Return what an act is called: a lifecycle's own, or one of ours."""
    found = definition.by_event.get(event) if definition else None
    return Text(found[0].zh, found[0].en) if found else ACTS.get(event, _same(event))


def _state(definition: LifecycleDefinition, state: str | None) -> Text:
    return Text(**label_of(definition.states.get(state), state)) if state else _same("—")


def _columns(changes: list[Mapping[str, Any]]) -> Text:
    names = (change["path"].removeprefix("/") for change in changes)
    found = [_COLUMNS[name] for name in names if name in _COLUMNS]
    return Text("、".join(text.zh for text in found), ", ".join(text.en for text in found))


def _ending(change: Mapping[str, Any]) -> str:
    new = change["new"] if change["path"].startswith("/deadlines/") else None
    return f"project.deadline_{new.get('ended')}" if isinstance(new, Mapping) else ""


def _deadline(changes: list[Mapping[str, Any]]) -> Text:
    """Return a deadline added by hand with its date, as far as the reader may know it."""
    for change in changes:
        deadline = change["new"] if change["path"].startswith("/deadlines/") else None
        if isinstance(deadline, Mapping) and "title" in deadline:
            title, due_on = deadline["title"], deadline["due_on"]
            return Text(f"“{title}”（{due_on}）", f"“{title}” ({due_on})")
    return Text("（内容不公开）", "(not shown)")


def _list(definition: LifecycleDefinition, changes: list[Mapping[str, Any]]) -> Text:
    """Return which round's list it is, with version and lines where the reader may know them; never its sums."""
    for change in changes:
        name = change["path"].removeprefix("/lists/").rpartition("_")[0]
        if change["path"].startswith("/lists/") and name in definition.rounds:
            label, new = definition.rounds[name], change["new"]
            number, lines = (new.get(key) for key in ("number", "lines")) if isinstance(new, Mapping) else (None, None)
            known = number is not None
            return Text(
                f"{label.zh}实际投入明细" + (f"（第{number}版，{lines}行）" if known else ""),
                f"the list of actual investment for {label.en}"
                + (f" (version {number}, {lines} lines)" if known else ""),
            )
    return Text("实际投入明细", "the list of actual investment")


def _charge(changes: list[Mapping[str, Any]], names: Mapping[str, str]) -> Text:
    """Return in which role who was in charge and who is now."""
    for change in changes:
        _, head, *rest = change["path"].split("/")
        if head == "responsible" and rest:
            role = role_book().roles.get(rest[0])
            label = role.label if role else _same(rest[0])
            before, after = (names.get(change[side] or "", change[side]) for side in ("old", "new"))
            return Text(
                f"{label.zh}：{before or '未指定'} → {after or '不再指定'}",
                f"{label.en}: {before or 'nobody named'} → {after or 'nobody named'}",
            )
    return _same("—")


def _chased(definition: LifecycleDefinition, changes: list[Mapping[str, Any]], deadlines: Mapping[str, Any]) -> Text:
    """Return the checkpoint that was chased, with its date then."""
    item = next((change["new"] for change in changes if change["path"] == "/chased"), None)
    if item is None:
        return _same("—")
    label = checkpoint_label(definition, deadlines, item["kind"], item["number"])
    return Text(f"{label['zh']}（{item['due_on']}）", f"{label['en']} ({item['due_on']})")


def _document(definition: LifecycleDefinition, changes: list[Mapping[str, Any]]) -> Text:
    """Return a document that was brought in: its kind, and its version where it is not the first."""
    found = next((change["new"] for change in changes if change["path"] == "/document"), None)
    if not isinstance(found, Mapping) or "kind" not in found:
        return _same("—")
    label = Text(**label_of(definition.documents.get(found["kind"]), found["kind"]))
    if found["version"] == 1:
        return label
    return Text(f"{label.zh}（第{found['version']}版）", f"{label.en} (version {found['version']})")


def _why(told: Mapping[str, Any]) -> Text:
    labels = [Text(**item["label"]) for item in told["refused_by"]]
    if not labels:
        codes = [change["new"] for change in told["changes"] if change["path"] == "/problem"]
        labels = [_TITLES.get(code, _same(str(code))) for code in codes]
    return Text("、".join(text.zh for text in labels), ", ".join(text.en for text in labels))


def _same(text: str) -> Text:
    return Text(text, text)
