"""A project as one plain document: what rules read, what the log tells changes of, what replay must give back."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from lifecycle.audit import Change
from states.changes import member_json, member_of
from states.definition import LifecycleDefinition
from states.facts import Application, Facts, Pending
from states.indicators import indicator_json, indicator_of
from states.machine import After
from states.values import changed

# The columns that a replay of the log must reproduce, beside record/*, documents/* and signers/*.
PLAIN = (
    "batch_id",
    "state",
    "version",
    "left_state",
    "entered_on",
    "definition_hash",
    "policy_hash",
    "code",
    "title",
    "city",
    "task_code",
    "ownership",
    "group_name",
    "lead_code",
    "lead_name",
    "members",
    "investment_fen",
    "starts_on",
    "ends_on",
    "filed_rank",
    "indicators",
    "flags",
)
PRIVATE = ("opinion", "remarks", "contact_name", "contact_phone")  # committed to, never in clear
# Paths that tell of an act and not of the project: nothing to replay.
ABOUT_ACT = ("effective_on", "chased", "document", "document_name", "docket")
NESTED = ("record", "documents", "signers", "deadlines", "responsible", "lists")


def facts_of(row: Mapping[str, Any]) -> Facts:
    """Return the facts of a project row as the rules read them."""
    pending = row["pending"]
    return Facts(
        project=row["id"],
        batch=row["batch_id"],
        code=row["code"],
        state=row["state"],
        version=row["version"],
        application=application_of(row),
        entered_on=row["entered_on"],
        left_state=row["left_state"],
        record=row["record"],
        documents=row["documents"],
        flags=frozenset(row["flags"]),
        signers=row["signers"],
        lists=row["lists"],
        deadlines=row["deadlines"],
        pending=Pending(**pending) if pending else None,
        invented=bool(row.get("invented")),
    )


def facts_after(facts: Facts, after: After) -> Facts:
    """Return the facts as an act leaves them: what was filed stays, but where the act amends it."""
    return changed(
        facts,
        state=after.state,
        left_state=after.left_state,
        entered_on=after.entered_on,
        record=after.record,
        documents=after.documents,
        flags=after.flags,
        signers=after.signers,
        pending=after.pending,
        application=after.application or facts.application,
    )


def application_of(row: Mapping[str, Any]) -> Application:
    """Return what was filed, from a project row."""
    return Application(
        title=row["title"],
        task_code=row["task_code"],
        city=row["city"],
        ownership=row["ownership"],
        members=tuple(member_of(unit) for unit in row["members"]),
        investment_fen=row["investment_fen"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        group=row["group_name"],
        rank=row["filed_rank"],
        opinion=row["opinion"],
        remarks=row["remarks"],
        contact_name=row["contact_name"],
        contact_phone=row["contact_phone"],
        indicators=tuple(indicator_of(one) for one in row.get("indicators") or ()),
    )


def application_columns(application: Application) -> dict[str, Any]:
    """Return the project columns that hold what was filed."""
    lead = application.lead
    return {
        "title": application.title,
        "city": application.city,
        "task_code": application.task_code,
        "ownership": application.ownership,
        "group_name": application.group,
        "lead_code": lead.credit_code if lead else "",
        "lead_name": lead.name if lead else "",
        "members": [member_json(unit) for unit in application.members],
        "investment_fen": application.investment_fen,
        "starts_on": application.starts_on,
        "ends_on": application.ends_on,
        "filed_rank": application.rank,
        "opinion": application.opinion,
        "remarks": application.remarks,
        "contact_name": application.contact_name,
        "contact_phone": application.contact_phone,
        "indicators": [indicator_json(one) for one in application.indicators] or None,
    }


def after_columns(after: After) -> dict[str, Any]:
    """Return the project columns that an act writes, but for version, head and instant."""
    return {
        "state": after.state,
        "left_state": after.left_state,
        "entered_on": after.entered_on,
        "record": after.record,
        "documents": after.documents,
        "flags": sorted(after.flags),
        "signers": after.signers,
        "pending": after.pending._asdict() if after.pending else None,
        **(application_columns(after.application) if after.application else {}),
    }


def changes_between(
    definition: LifecycleDefinition,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    author: str,
    contact: str,
) -> list[Change]:
    """Return what differs between two rows, as the log tells it.

    `author` and `contact` name the persons to whom free text and contact details belong; such a value is committed to
    once, where it is set, so that it can be redacted in one place: the entry that ends it does not repeat it. Only
    columns present in `after` are compared; nested documents are compared value by value.
    """
    differing = {name for name, value in after.items() if value != before.get(name)}
    found = [Change(f"/{name}", plain(before.get(name)), plain(after[name])) for name in PLAIN if name in differing]
    for name in PRIVATE:
        if name in differing:
            person = contact if name.startswith("contact") else author
            found.append(Change(f"/{name}", None, after[name], person))
    if "pending" in differing:
        found.append(Change("/pending", None, after["pending"], author))
    for name in NESTED:
        if name in differing:
            found.extend(_nested(definition, name, before.get(name) or {}, after[name], author))
    return found


def _nested(
    definition: LifecycleDefinition, name: str, old: Mapping[str, Any], new: Mapping[str, Any], author: str
) -> list[Change]:
    changes = []
    differing = [key for key, value in new.items() if key not in old or old[key] != value]
    differing += [key for key in old if key not in new]
    for key in sorted(differing):
        spec = definition.fields.get(key) if name == "record" else None
        person = author if spec is not None and spec.sensitive else None
        changes.append(Change(f"/{name}/{key}", None if person else old.get(key), new.get(key), person))
    return changes


def plain(value: Any) -> Any:
    """Return a column's value as the log writes it."""
    return value.isoformat() if isinstance(value, date) else value
