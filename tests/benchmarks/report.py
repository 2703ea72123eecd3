"""The figures as a page: medians with lowest and highest, targets beside them, what was measured on what."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import sealing, ticks
from .bulk import SIZES
from .contest import CLIENTS, LIFE_NAME
from .figures import Spread, pick, ratios, spread, spread_of, table, text, verdict
from .growth import CLIENTS as GROWN_AT
from .peer import LACKS, versions

NAMES = {
    "door": "the one door",
    "django": "django-fsm-2 + django-fsm-log",
    "pgbench": "pgbench, the door's SQL as it sends it",
    "pgbench-split": "pgbench, each write a statement of its own",
}
REQUESTS = {
    "noop": "the no-op: `GET /healthz`",
    "me": "the same, signed in, one read: `GET /api/v1/people/me`",
    "dry": "an act tried: `POST /api/v1/projects/{id}/transitions` with `dry_run`",
    "act": "an act done: `POST /api/v1/projects/{id}/transitions`",
}
AT = 4  # clients at which the targets are set


def write(found: Mapping[str, Any], folder: Path) -> None:
    """Write the page and the raw figures."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "latest.json").write_text(raw + "\n", "utf-8")
    (folder / "README.md").write_text(page(found), "utf-8")


def page(found: Mapping[str, Any]) -> str:
    """Return the page."""
    parts = ["# Benchmarks", "", "Made by `make bench`; the raw figures are in [latest.json](latest.json)."]
    parts += [
        "Medians over the rounds, with the lowest and the highest in brackets. Rounds are interleaved, and ratios"
    ]
    parts += [
        "are taken within a round. After every slice the invariants are checked (see the end); a slice that breaks"
    ]
    parts += ["one ends the run.", "", *_targets(found)]
    for name, show in (
        *(("door", _door), ("bulk", _bulk), ("http", _http), ("growth", _growth)),
        ("seal", sealing.lines),
        ("ticks", ticks.lines),
    ):
        if name in found:
            parts += ["", *show(found[name]), "", _measured(found[name]["measured"])]
    parts += ["", *_method()]
    return "\n".join(parts) + "\n"


def _targets(found: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for words, spread_found, most, fits in targets(found):
        rows.append((words, most, text(spread_found, 2), verdict(spread_found, fits)))
    yield "## Targets"
    yield ""
    yield table(("", "target", "measured", ""), rows)


def targets(found: Mapping[str, Any]) -> Iterator[tuple[str, Spread | None, str, Any]]:
    """Yield each target: what, as measured, as text, and whether a median meets it."""
    door = found.get("door", {}).get("slices", [])
    one = pick(door, "door", AT)
    yield f"door to django-fsm-2, {AT} clients", ratios(one, pick(door, "django", AT)), "≥ 2", lambda x: x >= 2
    bare = ratios(one, pick(door, "pgbench", AT))
    yield f"door to pgbench with the same SQL, {AT} clients", bare, "≥ 0.6", lambda x: x >= 0.6
    apart = ratios(one, pick(door, "pgbench-split", AT))
    yield "the same, pgbench statement by statement", apart, "≥ 0.6", lambda x: x >= 0.6
    bulk = found.get("bulk", {})
    yield "bulk of 1,000 to pgbench one by one, 1 client", _against(bulk, 1), "≥ 3", lambda x: x >= 3
    yield "the same, pgbench with 4 clients", _against(bulk, 4), "(≥ 3)", lambda x: x >= 3
    web = spread(item["ratio"] for item in found.get("http", {}).get("http", []))
    yield "an act over HTTP to a no-op", web, "≤ 4", lambda x: x <= 4
    grown = _cost(found.get("growth", {}).get("slices", []), AT)
    yield f"cost in the large database to the small, {AT} clients", grown, "≤ 1.3", lambda x: x <= 1.3
    for name, words in (("idle", "nothing due"), ("busy", "200 due")):
        ticked = ticks.cost(found["ticks"], name) if "ticks" in found else None
        yield f"a tick with {words}, most pending checkpoints to fewest", ticked, "≤ 1.3", lambda x: x <= 1.3


def _door(found: Mapping[str, Any]) -> Iterator[str]:
    slices = found["slices"]
    yield "## The one door, committed"
    yield ""
    yield (
        f"{found['projects']:,} projects; clients in processes of their own, each on its stripe; {found['rounds']} "
        f"rounds of {found['seconds']} s. The acts are `object` and `reject_objection` in turn:"
    )
    yield ""
    yield table(
        ("act", "guards", "octets of the entry", "rows inserted", "round trips"),
        [
            (act["event"], act["guards"], act["body"], _inserted(act["inserts"]), act["round_trips"])
            for act in found["acts"]
        ],
    )
    yield ""
    rows = []
    for clients in CLIENTS:
        for name, words in NAMES.items():
            own = pick(slices, name, clients)
            cost = [text(spread_of([one for one in own if one.get(key)], key)) for key in ("cpu_us", "server_us")]
            times = [text(_ms(spread_of(own, key)), 2) for key in ("median_us", "p95_us")]
            rows.append((words, clients, text(spread_of(own)), *times, *cost))
    yield table(
        ("", "clients", "acts/s", "ms, median", "ms, 95 %", "µs of the client's processor", "of the server's"), rows
    )
    yield ""
    yield table(
        ("door to", *(f"{clients} clients" for clients in CLIENTS)),
        [
            (words, *(text(ratios(pick(slices, "door", n), pick(slices, name, n)), 2) for n in CLIENTS))
            for name, words in NAMES.items()
            if name != "door"
        ],
    )
    yield ""
    statements = found["statements"]
    yield (
        f"pgbench sends {statements['pgbench']:g} statements an act, BEGIN and COMMIT among them, or "
        f"{statements['pgbench-split']:g} where each write is one; prepared. It computes nothing: no rules, no hashes, "
        f"no signature. The peer ({versions()}) has as many columns, rows and guards, `select_for_update`, persistent "
        f"connections, the log's row and an audit row of {found['audit_row']} octets. What it does not do:"
    )
    yield ""
    yield from (f"- {item}" for item in LACKS)
    yield ""
    yield f"A project's whole life, {found['life_acts']} acts from submission to closing, through the door:"
    yield ""
    life = [(n, pick(found["life"], LIFE_NAME, n)) for n in CLIENTS]
    yield table(
        ("clients", "acts/s", "ms, median", "ms, 95 %"),
        [
            (n, text(spread_of(own)), *(text(_ms(spread_of(own, key)), 2) for key in ("median_us", "p95_us")))
            for n, own in life
        ],
    )


def _bulk(found: Mapping[str, Any]) -> Iterator[str]:
    yield "## Bulk"
    yield ""
    yield "Committed in one transaction by the digest of a preview; the last column counts the preview in."
    yield ""
    rows = []
    for event in dict.fromkeys(item["event"] for item in found["bulk"]):
        for size in SIZES:
            own = [item for item in found["bulk"] if (item["event"], item["rows"]) == (event, size.rows)]
            whole = (text(spread(item[name] for item in own)) for name in ("rate", "rate_with_preview"))
            rows += [(event, f"{size.rows:,}", *whole)] if own else []
    yield table(("act", "rows", "rows/s", "with the preview"), rows)
    yield ""
    bare = ", ".join(f"{text(spread_of(pick(found['slices'], 'pgbench', n)))} acts/s with {n} clients" for n in (1, 4))
    yield f"pgbench one by one in the same rounds: {bare}."


def _http(found: Mapping[str, Any]) -> Iterator[str]:
    yield "## HTTP"
    yield ""
    yield "The real server, one process; one client on a kept connection, turns of 25 requests of each kind."
    yield ""
    rows = []
    for name, words in REQUESTS.items():
        own = [item for item in found["http"] if f"{name}_us" in item]
        times = (text(_ms(spread(item[f"{name}{part}_us"] for item in own)), 2) for part in ("", "_p95"))
        ratio = spread(item[f"{name}_us"] / item["noop_us"] for item in own)
        rows += [(words, *times, text(ratio, 2))] if own else []
    yield table(("", "ms, median", "ms, 95 %", "in no-ops"), rows)
    if found.get("crowd"):
        yield ""
        yield "Acts on several connections at once, each client in a process of its own:"
        yield ""
        clients, own = found["crowd"][0]["clients"], found["crowd"]
        figures = (
            text(spread_of(own)),
            *(text(_ms(spread_of(own, name)), 2) for name in ("median_us", "p95_us")),
            *(text(spread_of(own, name)) for name in ("cpu_us", "server_us")),
        )
        heads = ("connections", "acts/s", "ms, median", "ms, 95 %", "µs of the serving process", "µs of PostgreSQL")
        yield table(heads, [(clients, *figures)])


def _growth(found: Mapping[str, Any]) -> Iterator[str]:
    filled = found["filled"]
    rows_of = ", ".join(f"{count:,} {name}" for name, count in sorted(filled["rows"].items()))
    yield "## Growth"
    yield ""
    yield (
        f"The large database holds {found['projects']:,} projects (rows: {rows_of}; "
        f"{filled['bytes'] / 2**30:.1f} GiB), filled by INSERT … SELECT in {filled['seconds']:,} s with every trigger, "
        "key and index at work."
    )
    yield ""
    rows = []
    for clients in GROWN_AT:
        own = {name: pick(found["slices"], name, clients) for name in ("large", "small")}
        cost = _cost(found["slices"], clients)
        rows.append((clients, *(text(spread_of(one)) for one in own.values()), text(cost, 2)))
    yield table(("clients", "large, acts/s", "small, acts/s", "cost, large to small"), rows)


def _method() -> Iterator[str]:
    yield "## Checked after every slice"
    yield ""
    yield (
        "Acts counted by the clients equal versions gone up, entries added and entries pending; every stream is "
        "gapless and chained from where it stood, each leaf is its body's hash, the heads are the last entries; a "
        "sample of signatures verifies; open checkpoints are exactly those the plan asks for; every capacity is the "
        "sum over all projects. pgbench's rows are counted table by table against what the door writes, the peer's "
        "versions, log rows and audit rows against its acts."
    )


def _measured(found: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in found["settings"].items())
    packages = ", ".join(f"{name} {value}" for name, value in found["packages"].items())
    return (
        f"*Measured on {found['date']}: {found['processor']}, {found['cores']} cores for clients and server together, "
        f"{found['memory_gib']} GiB, an fsync takes {found['fsync_us']:,} µs; Python {found['python']}, PostgreSQL "
        f"{found['postgresql']} over a Unix socket ({settings}); {packages}.*"
    )


def _against(bulk: Mapping[str, Any], clients: int) -> Spread | None:
    bare = {one["round"]: one["rate"] for one in pick(bulk.get("slices", []), "pgbench", clients)}
    rows = [item for item in bulk.get("bulk", []) if item["rows"] == 1000 and item["event"] == "start_publicity"]
    return spread(item["rate"] / bare[item["round"]] for item in rows)


def _cost(slices: Any, clients: int) -> Spread | None:
    return ratios(pick(slices, "small", clients), pick(slices, "large", clients))


def _ms(found: Spread | None) -> Spread | None:
    return Spread(*(value / 1000 for value in found)) if found else None


def _inserted(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {table}" for table, count in sorted(rows.items()))
