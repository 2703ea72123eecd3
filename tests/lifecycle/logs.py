"""Builds logs by hand: short chains of entries that hold together, so that one of them can be made to lie."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lifecycle.canonical import ZERO_HASH, canonical_bytes, instant, leaf_hash

BEGUN = datetime(2024, 7, 8, 1, tzinfo=UTC)
PROVIDER, MANUFACTURER = "91370100000000019X", "91370100000000027X"
FILED = {
    "batch_id": "b1",
    "code": "x-00001",
    "title": "示例",
    "city": "370100",
    "task_code": "T01",
    "ownership": "other",
    "lead_code": PROVIDER,
    "members": [
        {"name": "示例", "credit_code": PROVIDER, "role": "lead", "kind": "provider"},
        {"name": "演示", "credit_code": MANUFACTURER, "role": "landing", "kind": "manufacturer"},
    ],
    "investment_fen": 500_000_000,
    "entered_on": "2024-07-08",
    "flags": [],
}
HIDDEN = {"$c": "A" * 43 + "="}


@dataclass(frozen=True)
class Told:
    """One entry to be: the act, the state it leads to, and what else it tells."""

    name: str
    to: str
    by: str = "a"
    role: str = "handler"
    project: str = "p1"
    minute: int | None = None  # None: one after the entry before it
    columns: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)  # pool/key -> amount taken
    override: tuple[str, ...] = ()
    reason: bool = False
    signed: bool = False
    dated: str | None = None  # the act's own date where it is not the day of the entry


def due(on: str) -> dict[str, Any]:
    """Return a checkpoint's due date as the log tells it."""
    return {"due_on": on, "computed_on": on, "provisional": False, "calendar": "cn-state-council/2026"}


def created(state: str, **changes: Any) -> Told:
    """Return the entry that begins a project in any state."""
    return Told("create", state, columns={**FILED, **changes.pop("columns", {})}, **changes)


def ceiling(pool: str, key: str, places: int) -> dict[str, Any]:
    """Return a batch's entry that brings in a ceiling, before all others."""
    change = {"path": f"/ceilings/{pool}/{key}", "old": None, "new": places}
    return _body(
        "batch/b1", 1, ZERO_HASH, "batch.quotas_put", ("batch", "b1", 1), [change], None, BEGUN, "a", "handler"
    )


def bodies(*told: Told, batch: Iterable[dict[str, Any]] = ()) -> list[bytes]:
    """Return the entries as bytes, each chained to the one before it in its stream."""
    found = [canonical_bytes(body) for body in batch]
    streams: dict[str, tuple[int, bytes, dict[str, Any], int]] = {}
    for number, one in enumerate(told, 1):
        stream = f"project/{one.project}"
        seq, leaf, known, version = streams.get(stream, (0, ZERO_HASH, {}, 0))
        columns = {**one.columns, "state": one.to, "version": version + 1}
        changes = [
            {"path": f"/{name}", "old": before(known.get(name)), "new": value}
            for name, value in columns.items()
            if known.get(name) != value
        ]
        record = {f"record/{name}": value for name, value in one.record.items()}
        record |= {f"checkpoints/{name}": value for name, value in one.checkpoints.items()}
        changes += [
            {"path": f"/{path}", "old": before(known.get(path)), "new": value} for path, value in record.items()
        ]
        changes += [{"path": f"/capacities/{place}", "old": None, "new": amount} for place, amount in one.held.items()]
        changes += [{"path": "/effective_on", "old": None, "new": one.dated}] if one.dated else []
        kind = "created" if not seq else "signed" if one.signed else "transitioned"
        at = BEGUN + timedelta(minutes=number if one.minute is None else one.minute)
        action = {"name": one.name, "from": known.get("state"), "to": one.to, "override": list(one.override)}
        subject = ("project", one.project, version + 1)
        data = _body(stream, seq + 1, leaf, f"project.{kind}", subject, changes, action, at, one.by, one.role)
        data["reason"] = HIDDEN if one.reason else None
        found.append(canonical_bytes(data))
        streams[stream] = (seq + 1, leaf_hash(found[-1]), {**known, **columns, **record}, version + 1)
    return found


def beside(kind: str, *entries: Iterable[tuple[str, Any, Any]], by: str = "a") -> list[bytes]:
    """Return the entries of a stream beside the projects', each of changes as (path, old, new)."""
    found: list[bytes] = []
    for seq, changes in enumerate(entries, 1):
        told = [{"path": path, "old": old, "new": new} for path, old, new in changes]
        prev, at = leaf_hash(found[-1]) if found else ZERO_HASH, BEGUN + timedelta(minutes=seq)
        subject = (kind, "x1", seq)
        data = _body(f"{kind}/x1", seq, prev, f"{kind}.changed", subject, told, None, at, by, "expert")
        found.append(canonical_bytes(data))
    return found


def before(value: Any) -> Any:
    """Return what an entry tells of the value that was there: of a private one nothing."""
    return None if value == HIDDEN else value


def _body(
    stream: str,
    seq: int,
    prev: bytes,
    kind: str,
    subject: tuple[str, str, int],
    changes: list[dict[str, Any]],
    action: dict[str, Any] | None,
    at: datetime,
    by: str,
    role: str,
) -> dict[str, Any]:
    return {
        "v": 1,
        "id": f"{stream}-{seq}",
        "stream": stream,
        "seq": seq,
        "prev": prev.hex(),
        "at": instant(at),
        "type": kind,
        "outcome": "success",
        "actor": {"kind": "user", "id": by, "role": role},
        "subject": dict(zip(("kind", "id", "version"), subject, strict=True)),
        "action": action,
        "changes": changes,
        "reason": None,
        "docs": [],
    }
