"""Entries told to auditors: the body as it stands, its commitments opened beside it, and a sentence for people."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from lifecycle.auditing.kinds import OUTCOMES, kind_label
from lifecycle.auditing.scanning import body_of
from lifecycle.business_days import ZONE
from lifecycle.canonical import instant
from lifecycle.commitments import Disclosure, commitments_in
from lifecycle.database import Transaction
from lifecycle.history import disclosures_of, names_in, open_value
from lifecycle.rulebooks import RuleSet, rules_for
from lifecycle.seal.inspection import altered
from lifecycle.sentences import act_label, refused_by, tell, tell_plainly
from lifecycle.sets import for_both, select_many, within
from lifecycle.statements import Row
from lifecycle.tables import Project
from lifecycle.trail_sentences import tell_trail
from states.findings import Text
from states.roles import role_book

_project = Project.__table__  # type: ignore[attr-defined]
PROJECTS = for_both(
    lambda d: sa.select(
        _project.c.id, _project.c.code, _project.c.definition_hash, _project.c.policy_hash, _project.c.deadlines
    ).where(within(_project.c.id, "projects", d, "uuid"))
)
STORED = ("stream", "seq", "type", "outcome", "actor", "action", "key_id")
LOCAL = "%Y-%m-%d %H:%M:%S"
Told = dict[str, Any]


def tell_entries(tx: Transaction, rows: Sequence[Row]) -> list[Told]:
    """Return entries (rows of `scanning.COLUMNS`) as JSON values, in their order. Three reads, and rules once.

    `entry` is the body as it was signed: written canonically and hashed as a leaf it gives `leaf`. `opened` has the
    values behind its commitments by their place in it (RFC 6901). An entry that was taken away or changed by hand says
    so in `problem`, and only what can still be relied on is told of it.
    """
    bodies = [body_of(row) for row in rows]
    sound = [body for body in bodies if body is not None]
    disclosures = disclosures_of(tx, [body["id"] for body in sound])
    names = names_in(tx, sound)
    wanted = {body["subject"]["id"] for body in sound if body["stream"].startswith("project/")}
    projects = {row["id"]: row for row in select_many(tx, PROJECTS, "projects", sorted(wanted))}
    return [
        _told(tx, row, body, disclosures.get(row["entry_id"], {}), names, projects)
        for row, body in zip(rows, bodies, strict=True)
    ]


def _told(
    tx: Transaction,
    row: Row,
    body: Mapping[str, Any] | None,
    disclosures: Mapping[str, Disclosure],
    names: Mapping[str, str],
    projects: Mapping[str, Row],
) -> Told:
    wrong = altered(row)
    told: Told = {
        "index": row["index"],
        "leaf": row["hash"].hex(),
        "id": row["entry_id"],
        **{name: row[name] for name in STORED},
        **dict.fromkeys(("at", "local", "subject", "action_label", "sentence")),
        "actor": {"id": row["actor"]},
        "type_label": kind_label(row["type"] or "")._asdict(),
        "outcome_label": OUTCOMES.get(row["outcome"], Text("—", "—"))._asdict(),
        "signature": b64encode(row["signature"]).decode("ascii") if row["signature"] else None,
        "entry": body,
        "opened": {},
        "problem": wrong.to_dict() if wrong else None,
    }
    if row["at"] is not None:
        told.update(at=instant(row["at"]), local=row["at"].astimezone(ZoneInfo(ZONE)).strftime(LOCAL))
    if body is None:
        return told
    project = projects.get(body["subject"]["id"])
    told["opened"] = {path: open_value(value, disclosures.get(path)) for path, value in commitments_in(body)}
    rules = _rules(tx, body, project)
    told["actor"] = _actor(body["actor"], names)
    told["subject"] = {**body["subject"], "code": project["code"] if project else None}
    told["action_label"] = (
        act_label(rules.definition if rules else None, row["action"])._asdict() if row["action"] else None
    )
    told["sentence"] = _sentence(row, body, told, names, rules, project)
    return told


def _rules(tx: Transaction, body: Mapping[str, Any], project: Row | None) -> RuleSet | None:
    """Return the rules under which an entry was written, or its project runs; None where it has to do with none."""
    action = body["action"] or {}
    pinned = [action.get(name) or (project[f"{name}_hash"] if project else None) for name in ("definition", "policy")]
    return rules_for(tx, pinned[0], pinned[1]) if pinned[0] and pinned[1] else None


def _actor(actor: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    role = role_book().roles.get(actor["role"])
    label = role.label._asdict() if role else None
    own = {name: actor[name] for name in ("id", "kind", "role", "org", "on_behalf_of")}
    return {**own, "name": names.get(actor["id"]), "role_label": label}


def _sentence(
    row: Row,
    body: Mapping[str, Any],
    told: Told,
    names: Mapping[str, str],
    rules: RuleSet | None,
    project: Row | None,
) -> dict[str, str]:
    changes = [
        {"path": change["path"], **{side: _value(change[side], index, side, told) for side in ("old", "new")}}
        for index, change in enumerate(body["changes"])
    ]
    said = {
        **{name: body[name] for name in ("type", "outcome", "action")},
        **{"actor": told["actor"], "changes": changes, "refused_by": refused_by(body["action"] or {})},
    }
    if rules is None:
        return tell_plainly(said, row["at"], ZONE)
    zone = rules.policy.policy.zone
    if project is None:
        return tell_trail(rules.definition, said, row["at"], zone)
    return tell(rules.definition, said, row["at"], zone, names, project["deadlines"])


def _value(value: Any, index: int, side: str, told: Told) -> Any:
    return told["opened"].get(f"/changes/{index}/{side}", value)
