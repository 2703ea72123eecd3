"""What a notice has to say: the places of a plan's words filled in from its row."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from lifecycle.rulebooks import RuleSet
from lifecycle.statements import Row
from schedules.invitations import place
from schedules.wording import Item
from states.deadlines import business_date
from states.definition import Labelled
from states.planning import BY_HAND
from states.reminders import KindOfNotice
from states.roles import role_book

PROVISIONAL = "（暂定）"


def item_of(row: Row, announcement: Row | None, people: Mapping[str, Row], rules: RuleSet, at: datetime) -> Item:
    """Return a notice's row of `lifecycle.messages` as its words take it, told at an instant.

    `announcement` is its cause, where that is one. `people` holds the recipient and whoever announced it.
    """
    told = {**_of_project(row, rules), **_of_checkpoint(row, rules, at), **_of_cause(row, announcement, people, rules)}
    role = role_book().roles.get(row["role"])
    told |= {"recipient": _name(people, row["recipient"]), "role": role.label.zh if role else row["role"]}
    told |= {"count": "1", "batch": row["batch_title"]}
    project, kind = row["project_id"], row["checkpoint_kind"]
    return Item(
        _kind(row, rules, at),
        told,
        place(project, kind, row["number"]) if project and kind else "",
        row["due_on"],
        row["version"] if row["cause"].startswith("checkpoint/") else 0,
        row["occasion"],
        bool(row["provisional"]),
        kind or "",
        _planned_for(row, rules) if row["late"] else "",
        _english(row, announcement, rules),
    )


def _kind(row: Row, rules: RuleSet, at: datetime) -> KindOfNotice:
    """Return in what words to tell it now: what waited past the day must not speak of days that are left."""
    kind: KindOfNotice = row["kind"]
    if kind not in ("before", "due") or row["due_on"] is None:
        return kind
    days = _days_until(row["due_on"], at, rules)
    return "late" if days < 0 else "due" if days == 0 else kind


def _english(row: Row, announcement: Row | None, rules: RuleSet) -> tuple[tuple[str, str], ...]:
    """Return the labels among the places in English; a deadline added by hand has the title that it was given."""
    definition, told = rules.definition, announcement["details"] if announcement else {}
    arrows = definition.by_event.get(announcement["event"]) if announcement else None
    labels: dict[str, Labelled | None] = {
        "city": rules.policy.cities.get(row["city"] or ""),
        "state": definition.states.get(told.get("to") or row["state"] or ""),
        "checkpoint": definition.checkpoints.get(row["checkpoint_kind"] or ""),
        "event": arrows[0] if arrows else None,
    }
    found = {name: label.en for name, label in labels.items() if label}
    if "panel" in told:
        found["checkpoint"] = f"{told['count']} score sheets"
    if row["provisional"]:
        found["provisional"] = " (provisional)"
    return tuple(found.items())


def _planned_for(row: Row, rules: RuleSet) -> str:
    planned_at: datetime = row["planned_at"]
    return planned_at.astimezone(ZoneInfo(rules.policy.policy.zone)).strftime("%Y-%m-%d %H:%M")


def _of_project(row: Row, rules: RuleSet) -> dict[str, str]:
    city, state = row["city"], row["state"]
    return {
        "code": row["code"] or "",
        "title": row["title"] or "",
        "lead": row["lead_name"] or "",
        "city": _label(rules.policy.cities.get(city), city),
        "state": _label(rules.definition.states.get(state), state),
    }


def _of_checkpoint(row: Row, rules: RuleSet, at: datetime) -> dict[str, str]:
    kind, due_on, old = row["checkpoint_kind"], row["due_on"], row["old_due_on"]
    if kind is None:
        return dict.fromkeys(("checkpoint", "due_on", "old_due_on", "provisional", "days", "overdue_days"), "")
    label = _label(rules.definition.checkpoints.get(kind), kind)
    if kind == BY_HAND:
        label = (row["deadlines"] or {}).get(str(row["number"]), {}).get("title") or label
    days = _days_until(due_on, at, rules)
    return {
        "checkpoint": label,
        "due_on": due_on.isoformat(),
        "old_due_on": old.isoformat() if old else "",
        "provisional": PROVISIONAL if row["provisional"] else "",
        "days": str(max(days, 0)),
        "overdue_days": str(max(-days, 0)),
    }


def _of_cause(row: Row, announcement: Row | None, people: Mapping[str, Row], rules: RuleSet) -> dict[str, str]:
    if announcement is None:
        return {"actor": str(row["rule"].get("actor") or ""), "note": "", "event": ""}
    details: Mapping[str, Any] = announcement["details"]
    arrows = rules.definition.by_event.get(announcement["event"])
    told = {
        "actor": _name(people, announcement["actor"]),
        "note": details.get("note") or "",
        "event": _label(arrows[0] if arrows else None, announcement["event"]),
    }
    if "panel" in details:  # of a panel: what there is to score is told by number, never by project
        told |= {"title": details["title"], "checkpoint": f"评分表{details['count']}份", "due_on": details["due_on"]}
    if "to" in details:  # the state that the act led to, whatever has happened since
        told["state"] = _label(rules.definition.states.get(details["to"]), details["to"])
    return told


def _days_until(due_on: date, at: datetime, rules: RuleSet) -> int:
    return (due_on - business_date(at, rules.policy.policy.zone)).days


def _label(labelled: Labelled | None, code: str | None) -> str:
    return labelled.zh if labelled else code or ""


def _name(people: Mapping[str, Row], person: str) -> str:
    return str(people[person]["name"]) if person in people else person
