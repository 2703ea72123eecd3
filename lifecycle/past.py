"""Projects as they stood at an instant, rebuilt from their log entries alone.

An instant is inclusive: everything recorded up to it counts. What is taken of a stream is always a beginning of it, so
an entry whose clock was behind that of the one before it counts with that one. Who may see what is decided by the live
page: nobody sees more of the past than of the present.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lifecycle.callers import Caller
from lifecycle.canonical import instant
from lifecycle.database import Transaction
from lifecycle.errors import LogBroken, NotFound, Unreadable
from lifecycle.history import WITHHELD
from lifecycle.listing import WHOLE, item_of
from lifecycle.rulebooks import RuleSet, rules_for
from lifecycle.snapshots import PLAIN, PRIVATE
from lifecycle.streams import Cut, Played, Withheld, play
from lifecycle.transition import Loaded, load_project
from lifecycle.visibility import checkpoint_label, hidden_documents, hidden_fields, pending_for, sees_deadline
from states.deadlines import business_date, light
from states.facts import Actor
from states.findings import Text
from states.planning import BY_HAND

INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
REDACTED = {WITHHELD: "redacted"}


def read_instant(text: str, now: datetime) -> datetime:
    """Return an instant as RFC 3339 writes it, with its zone, in UTC.

    Raises:
        Unreadable: it is none, has no zone or more than six decimals, or lies in the future.
    """
    try:
        at = datetime.fromisoformat(text.upper()).astimezone(UTC) if INSTANT.fullmatch(text) else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise Unreadable(
            Text(
                "时刻应写作2024-08-05T18:00:00+08:00或以Z结尾的UTC时间，至多六位小数；在网址中“+”须写作%2B",
                "an instant is written 2024-08-05T18:00:00+08:00, or in UTC with Z, with six decimals at most; "
                "in an address + is written %2B",
            )
        )
    if at > now:
        raise Unreadable(
            Text(f"时刻不得晚于现在（{instant(now)}）", f"the instant lies in the future: it is {instant(now)} now")
        )
    return at


def cut_at(at: datetime) -> Cut:
    """Return how far a stream is played so that everything recorded up to the instant, itself included, is in it."""
    return Cut(before=at + timedelta(microseconds=1))


def show_project_then(tx: Transaction, caller: Caller, project: str, at: datetime) -> dict[str, Any]:
    """Return all of a project as it stood at an instant that the caller may see, as JSON values.

    As `listing.show_project`, but for undelivered reminders and the ids of checkpoints, of which the log says nothing.
    `rebuilt_from` names the last entry that counted; a value redacted since reads `{"$withheld": "redacted"}`. Two
    reads more than those of the live row.

    Raises:
        NotFound: there is no such project within the caller's reach today, or it was not entered yet.
        LogBroken: its entries do not hold together.
    """
    loaded = load_project(tx, caller, project)
    if at < loaded.row["created_at"]:
        entered = instant(loaded.row["created_at"])
        raise NotFound(Text(f"该时刻项目尚未填报（{entered}）", f"the project was not entered yet: {entered}"))
    (played,) = play(tx, [project], {project: cut_at(at)})
    if is_broken(played, loaded.row):
        raise LogBroken(
            Text(
                "该项目的留痕不完整，不能据以还原；请审计人员核查",
                "its entries do not hold together: auditors must look",
            ),
            project=project,
        )
    return _Then(loaded, rules_then(tx, played), caller.actor, played, at).told()


def is_broken(played: Played, row: Mapping[str, Any]) -> bool:
    """Return whether entries do not hold together, or end elsewhere than the row's head says."""
    head = (row["head_seq"], row["head_hash"])
    return bool(played.problems) or (played.ended and (played.seq, played.leaf) != head)


def rules_then(tx: Transaction, played: Played) -> RuleSet:
    """Return the rules that the project was under."""
    return rules_for(tx, played.columns["definition_hash"], played.columns["policy_hash"])


def item_then(project: str, played: Played, rules: RuleSet) -> dict[str, Any]:
    """Return the project as an item of a list."""
    columns = played.columns
    row = {name: columns.get(name) for name in PLAIN}
    return item_of(
        {
            **row,
            "id": project,
            "entered_on": date.fromisoformat(columns["entered_on"]),
            "changed_at": datetime.fromisoformat(str(played.changed_at or played.created_at)),
        },
        rules.definition,
    )


def rebuilt_from(project: str, played: Played) -> dict[str, Any]:
    """Return which entry of which stream was the last that counted."""
    return {"stream": f"project/{project}", "seq": played.seq, "leaf": played.leaf.hex()}


def shown(value: Any) -> Any:
    """Return a value of the past for people; one that was redacted says so."""
    return REDACTED if isinstance(value, Withheld) else value


class _Then:
    """A project of the past before one reader: kept from him is what either version of the rules keeps from him."""

    def __init__(self, loaded: Loaded, rules: RuleSet, actor: Actor, played: Played, at: datetime) -> None:
        self.live, self.rules, self.actor, self.played, self.at = loaded, rules, actor, played, at
        self.definitions = (rules.definition, loaded.rules.definition)

    def told(self) -> dict[str, Any]:
        """Return all that the reader may see."""
        columns, project = self.played.columns, self.live.row["id"]
        record, documents = columns.get("record", {}), columns.get("documents", {})
        unseen = frozenset().union(*(hidden_fields(self.actor, one) for one in self.definitions))
        kept_back = frozenset().union(*(hidden_documents(self.actor, one) for one in self.definitions))
        return {
            **item_then(project, self.played, self.rules),
            **{name: shown(columns.get(name)) for name in (*WHOLE, *PRIVATE)},
            "signers": columns.get("signers", {}),
            "created_at": self.played.created_at,
            "record": {name: shown(value) for name, value in record.items() if name not in unseen},
            "documents": {kind: value for kind, value in documents.items() if kind not in kept_back},
            "hidden": sorted((unseen & record.keys()) | (kept_back & documents.keys())),
            "pending": self._pending(columns.get("pending")),
            "checkpoints": self._checkpoints(),
            "definition": {"name": self.rules.definition.name, "hash": columns["definition_hash"]},
            "policy": {"name": self.rules.policy.name, "hash": columns["policy_hash"]},
            "as_of": instant(self.at),
            "rebuilt_from": rebuilt_from(project, self.played),
        }

    def _pending(self, pending: Any) -> dict[str, Any] | None:
        """Return what a first person had signed; where that was redacted nobody knows who could sign it."""
        if isinstance(pending, Withheld):
            return REDACTED if "audit" in self.actor.rights else None
        then, now = self.definitions
        return pending_for(self.actor, now, pending_for(self.actor, then, pending))

    def _checkpoints(self) -> list[dict[str, Any]]:
        policy = self.rules.policy.policy
        today, near = business_date(self.at, policy.zone), self.rules.policy.reminders.yellow_within_days
        told: Mapping[str, Any] = self.played.columns.get("deadlines", {})
        added = {number: one for number, one in told.items() if not isinstance(one, Withheld)}
        found = []
        for place, due in self.played.checkpoints.items():
            kind, _, number = place.partition("/")
            if kind == BY_HAND and not self._sees_added(number, added.get(number)):
                continue
            due_on = date.fromisoformat(due["due_on"])
            found.append(
                {
                    "kind": kind,
                    "number": int(number),
                    "label": checkpoint_label(self.rules.definition, added, kind, int(number)),
                    **{name: due[name] for name in ("due_on", "computed_on", "provisional")},
                    "light": light(due_on, today, near).value,
                }
            )
        return sorted(found, key=lambda one: (one["due_on"], one["kind"], one["number"]))

    def _sees_added(self, number: str, then: Mapping[str, Any] | None) -> bool:
        """Return whether a deadline that an officer had added is for the reader: as it was, and as it is now."""
        now = self.live.row["deadlines"].get(number)
        if self.actor.scope == "all":
            return True
        return then is not None and all(sees_deadline(self.actor, one) for one in (then, now) if one is not None)
