"""The log over HTTP: pages as of a size, filters, what verifies an entry, proofs; and who is refused."""

from base64 import b64decode
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.shapes.auditing import Consistency, Entry, EntryPage, Inclusion
from lifecycle.audit import Log
from lifecycle.canonical import canonical_bytes, leaf_hash
from lifecycle.database import Database
from lifecycle.errors import Refusal
from lifecycle.seal.ends import tell_heads
from lifecycle.seal.examination import Writers
from lifecycle.seal.heads import open_head
from lifecycle.seal.verifier.verify_audit import consistent, included
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.api.conftest import Client, problem
from tests.lifecycle import audited
from tests.lifecycle.audited import eventful
from tests.lifecycle.builders import act, at, caller, drive, read_entries
from tests.lifecycle.docketing import draft, package
from tests.lifecycle.seal.sealers import ORIGIN, damage, log_signer, write

ENTRIES = "/api/v1/audit/entries"
Seal = Callable[[], int]


@pytest.fixture
def seal(database: Database, settings: Settings, log: Log, tmp_path: Path) -> Seal:
    """Seal what there is and return the size of the tree."""
    return lambda: audited.seal(database, settings, log, tmp_path)


def page(client: Client, address: str = ENTRIES, **params: Any) -> dict[str, Any]:
    answer = client.get("auditor", address, params=params or None)
    assert answer.status_code == 200, answer.text
    TypeAdapter(EntryPage).validate_json(answer.content)
    told: dict[str, Any] = answer.json()
    assert answer.headers.get("link") == (f'<{told["next"]}>; rel="next"' if told["next"] else None)
    return told


def indexes(told: dict[str, Any]) -> list[int]:
    return [item["index"] for item in told["items"]]


def test_pages_hold_as_of_a_size_whatever_is_sealed_meanwhile(
    client: Client, projects: list[Row], database: Database, log: Log, seal: Seal
) -> None:
    drive(database, log, projects[0]["id"], "applied")
    size = seal()
    found, told = [], page(client, limit=7)
    while True:
        found += told["items"]
        assert told["size"] == size
        if told["next"] is None:
            break
        write(database, log, "meanwhile", 3)
        seal()
        told = page(client, told["next"])
    assert [item["index"] for item in found] == list(range(size))
    assert page(client, limit=1)["size"] > size
    assert indexes(page(client, as_of_size=size, from_index=size - 1)) == [size - 1]
    assert page(client, as_of_size=0)["items"] == []
    writers = Writers([log.signer.public_key])
    for item in found:
        leaf = leaf_hash(canonical_bytes(item["entry"]))
        assert (leaf.hex(), item["problem"]) == (item["leaf"], None)
        row = {**item, "leaf": leaf, "signature": b64decode(item["signature"])}
        assert writers.signed(ORIGIN, row)
        assert item["sentence"]["zh"]


def test_an_entry_is_told_for_people_with_its_commitments_opened(
    client: Client, projects: list[Row], database: Database, log: Log, seal: Seal
) -> None:
    drive(database, log, projects[0]["id"], "applied")
    act(database, log, projects[0]["id"], "withdraw", reason="联合体“甲”解散")
    seal()
    (item,) = page(client, action="withdraw")["items"]
    assert (item["opened"]["/reason"], item["entry"]["reason"].keys()) == ("联合体“甲”解散", {"$c"})
    assert (item["type_label"]["zh"], item["action_label"]["zh"]) == ("办理", "撤回申报")
    assert (item["local"], item["subject"]["code"]) == ("2024-07-22 09:00:00", projects[0]["code"])
    assert "办理“撤回申报”：已申报 → 已撤回" in item["sentence"]["zh"]
    assert indexes(page(client, text="联合体“甲”")) == [item["index"]]  # found behind its commitment, quotes and all
    for name in (item["id"], item["id"].upper(), str(item["index"])):
        answer = client.get("auditor", f"{ENTRIES}/{name}")
        TypeAdapter(Entry).validate_json(answer.content)
        assert answer.json() == item
    with database.transaction() as tx:
        sql = "DELETE FROM disclosure WHERE entry_id = '{}' AND path = '/reason'".format(item["id"])
        tx.execute_driver(sql)
    told = client.get("auditor", f"{ENTRIES}/{item['index']}").json()
    assert told["opened"]["/reason"] == {"$withheld": "redacted"}
    assert page(client, text="联合体“甲”")["items"] == []
    act(database, log, projects[1]["id"], "submit")
    row = read_entries(database, f"project/{projects[1]['id']}")[-1]
    told = client.get("auditor", f"{ENTRIES}/{row['id']}").json()
    assert (told["index"], told["leaf"], told["problem"]) == (None, row["leaf"].hex(), None)  # not sealed yet
    for name in ("x", "99999", "9" * 30, "-1", "018f0000-0000-7000-8000-000000000000"):
        problem(client.get("auditor", f"{ENTRIES}/{name}"), 404, "not-found")


def test_filters_narrow_and_meet(
    client: Client, batch: Row, projects: list[Row], database: Database, log: Log, seal: Seal
) -> None:
    drive(database, log, projects[0]["id"], "city_recommended")
    with pytest.raises(Refusal):
        act(database, log, projects[1]["id"], "submit", fields={}, documents={})
    seal()
    tell_heads(database, log, caller("security_admin", at(date(2024, 7, 20))))
    drive(database, log, projects[2]["id"], "applied")
    write(database, log, "other", 2, now=at(date(2024, 9, 1)))
    size = seal()
    every = page(client, limit=200)["items"]

    def expect(test: Callable[[dict[str, Any]], bool], **params: Any) -> None:
        told = page(client, limit=200, **params)
        assert indexes(told) == [item["index"] for item in every if test(item)] != [], params
        assert told["next"] is None

    stream = f"project/{projects[0]['id']}"
    expect(lambda item: item["stream"] == stream, stream=stream)
    expect(lambda item: item["type"] == "project.transitioned", type="project.transitioned")
    expect(lambda item: item["outcome"] == "denied", outcome="denied")
    expect(lambda item: item["stream"] == f"batch/{batch['id']}", actor="handler", stream=f"batch/{batch['id']}")
    expect(lambda item: item["stream"].startswith(("project/", "batch/")), batch=batch["code"])
    expect(lambda item: item["at"] >= "2024-07-19T16:00:00", **{"from": "2024-07-20"})
    expect(lambda item: item["at"] < "2024-07-20T16:00:00", to="2024-07-20")
    expect(
        lambda item: "2024-07-20T01" <= item["at"] < "2024-08-01",
        **{"from": "2024-07-20T09:00:00+08:00", "to": "2024-08-01T00:00:00Z"},
    )
    expect(lambda item: item["outcome"] == "success" and item["action"] == "submit", outcome="success", action="submit")
    expect(lambda item: "产线数字化3" in str(item["entry"]), text="产线数字化3")
    late = page(client, **{"from": "2024-08-30"})
    assert (late["examined_from"] > 0, late["examined_to"], len(late["items"])) == (True, size, 2)
    assert page(client, override=True)["items"] == page(client, actor="no'body\"; --")["items"] == []
    assert page(client, **{"from": "2024-08-01", "to": "2024-07-01"})["items"] == []


def test_acts_that_set_rules_aside_are_found(client: Client, database: Database, log: Log, seal: Seal) -> None:
    told = eventful(database, log)
    seal()
    found = page(client, override=True, limit=1)
    assert [item["entry"]["action"]["override"] for item in found["items"]] == [["R03"]]
    assert found["items"][0]["subject"]["id"] == told.waived["id"]
    assert found["items"][0]["sentence"]["zh"].endswith("，准予例外：R03")
    draft(database, log, told.batch, "recommendation", package([told.back]))
    seal()
    (listed,) = page(client, type="docket.drafted")["items"]
    assert "（市工信局）：拟办清单，列入1个项目，填写" in listed["sentence"]["zh"]
    auditor = client.get("auditor", "/api/v1/people/me").json()
    client.get("handler", ENTRIES)
    size = seal()
    for name in (auditor["login"], auditor["id"]):
        assert page(client, actor=name, as_of_size=size)["items"] == []
    (refused,) = page(client, actor="handler", type="audit.attempted")["items"]
    assert refused["sentence"]["zh"].endswith("省厅经办（省厅经办人）申请办理“查阅留痕”，未予办理：无权办理")


def test_only_auditors_read_the_log_and_every_other_attempt_is_in_it(
    client: Client, database: Database, seal: Seal
) -> None:
    seal()
    paths = ("entries", "entries/0", "checkpoint", "proofs/inclusion?index=0", "proofs/consistency?from=1", "reports")
    for path in (*paths, "reports/counts"):
        for who in ("handler", "jinan", "unit", "expert", "security"):
            problem(client.get(who, f"/api/v1/audit/{path}"), 403, "forbidden")
        problem(client.get(None, f"/api/v1/audit/{path}"), 401, "unauthenticated")
        assert client.get("auditor", f"/api/v1/audit/{path}").status_code == 200, path
    rows = read_entries(database, "system/attempts")
    assert [(row["type"], row["outcome"], row["action"]) for row in rows] == [
        ("audit.attempted", "denied", "read_log")
    ] * 35


def test_bad_questions_get_clear_answers(client: Client, batch: Row, seal: Seal) -> None:
    size = seal()
    for params in (
        *({"as_of_size": -1}, {"as_of_size": "x"}, {"as_of_size": 2**53}, {"from_index": -1}, {"limit": 0}),
        *({"limit": 201}, {"outcome": "lost"}, {"text": "x" * 10_000}, {"text": ""}, {"override": "perhaps"}),
        *({"from": "yesterday"}, {"from": "2024-07-20T09:00:00"}, {"to": "0001-01-01"}, {"to": "20240720T"}),
        *({"actor": "x" * 121}, {"to": "9999-12-31"}),
    ):
        problem(client.get("auditor", ENTRIES, params=params), 422, "invalid")
    told = problem(client.get("auditor", ENTRIES, params={"as_of_size": size + 1}), 404, "not-found")
    assert (told["size"], told["message"]["zh"]) == (size, f"已封存的记录只有{size}条，没有{size + 1}条")
    problem(client.get("auditor", ENTRIES, params={"batch": "nowhere"}), 404, "not-found")
    for params in ({"text": "a\0b"}, {"sort": "at"}):
        problem(client.get("auditor", ENTRIES, params=params), 400, "unreadable")
    problem(client.get("auditor", f"{ENTRIES}?actor=a&actor=b"), 400, "unreadable")
    for text in ("%", "_", "'; DROP TABLE entry; --", "\\", '"', "\\u0000", "𠮷" * 300):
        assert page(client, text=text, limit=1)["size"] == size
    assert page(client, from_index=2**53 - 1) == {
        **{"size": size, "examined_from": size, "examined_to": size, "items": [], "next": None}
    }


def test_what_was_tampered_with_is_shown_as_such_and_under_no_filter_passed_over(
    client: Client, projects: list[Row], database: Database, seal: Seal
) -> None:
    seal()
    gone, changed, column = (item for item in page(client, limit=200)["items"] if item["type"] == "project.created")
    damage(
        database,
        ("DELETE FROM entry WHERE id = ?", [gone["id"]]),
        ("UPDATE entry SET body = ? WHERE id = ?", [b'{"no": "entry"}', changed["id"]]),
        ("UPDATE entry SET actor = 'somebody' WHERE id = ?", [column["id"]]),
    )
    told = {item["index"]: item for item in page(client, limit=200)["items"]}
    codes = [told[one["index"]]["problem"]["code"] for one in (gone, changed, column)]
    assert codes == ["sealed-gone", "sealed-changed", "columns"]
    assert (told[gone["index"]]["id"], told[gone["index"]]["entry"]) == (gone["id"], None)
    assert told[changed["index"]]["entry"] is None
    assert indexes(page(client, type="project.created", override=True)) == []
    assert indexes(page(client, type="project.created")) == [changed["index"], column["index"]]


def test_the_checkpoint_is_the_signed_note_itself(
    client: Client, projects: list[Row], settings: Settings, seal: Seal, tmp_path: Path
) -> None:
    path = "/api/v1/audit/checkpoint"
    problem(client.get("auditor", path), 404, "not-found")
    size = seal()
    answer = client.get("auditor", path)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.content == (settings.tiles / "checkpoint").read_bytes()
    assert answer.headers["pilot-tree-size"] == str(size)
    assert open_head(answer.content, ORIGIN, log_signer(tmp_path).public_key).head.size == size
    problem(client.get("auditor", path, params={"suite": "sm3"}), 404, "not-found")
    problem(client.get("auditor", path, params={"suite": "md5"}), 422, "invalid")
    (settings.tiles / "checkpoint").write_text("nonsense")
    problem(client.get("auditor", path), 409, "conflict")


def test_proofs_of_any_sizes_hold_for_the_auditors_own_program(
    client: Client, projects: list[Row], database: Database, log: Log, seal: Seal, tmp_path: Path
) -> None:
    write(database, log, "filling", 90)
    size = seal()
    base = "/api/v1/audit/proofs"
    leaves = [bytes.fromhex(item["leaf"]) for item in page(client, limit=200)["items"]]
    head = open_head(client.get("auditor", "/api/v1/audit/checkpoint").content, ORIGIN, log_signer(tmp_path).public_key)

    def proof(kind: str, shape: Any, **params: Any) -> dict[str, Any]:
        answer = client.get("auditor", f"{base}/{kind}", params=params)
        TypeAdapter(shape).validate_json(answer.content)
        told: dict[str, Any] = answer.json()
        return {name: b64decode(value) if "hash" in name else value for name, value in told.items()}

    def path(told: dict[str, Any], name: str) -> list[bytes]:
        return [b64decode(one) for one in told[name]]

    sizes = st.integers(1, size)

    @hypothesis_settings(max_examples=25, deadline=None)
    @given(sizes, sizes, st.data())
    def hold(one: int, other: int, data: st.DataObject) -> None:
        old, new = sorted((one, other))
        told = proof("consistency", Consistency, **{"from": old, "to": new})
        roots = told["root_hash_1"], told["root_hash_2"]
        assert consistent(old, new, *roots, path(told, "consistency_path"))
        index = data.draw(st.integers(0, old - 1))
        told = proof("inclusion", Inclusion, index=index, size=old)
        assert told["leaf_hash"] == leaves[index]
        assert included(leaves[index], index, old, path(told, "inclusion_path"), roots[0])

    hold()
    entry = page(client, from_index=5, limit=1)["items"][0]
    told = proof("inclusion", Inclusion, entry=entry["id"])
    assert (told["leaf_index"], told["tree_size"], told["origin"]) == (5, size, ORIGIN)
    assert included(leaves[5], 5, size, path(told, "inclusion_path"), head.head.root)
    assert proof("consistency", Consistency, **{"from": 1})["root_hash_2"] == head.head.root
    for params in ({"index": size}, {"index": 1, "size": 1}, {"index": 0, "size": size + 1}, {"entry": "x"}):
        problem(client.get("auditor", f"{base}/inclusion", params=params), 404, "not-found")
    for params in ({}, {"index": 0, "entry": entry["id"]}):
        problem(client.get("auditor", f"{base}/inclusion", params=params), 400, "unreadable")
    for params in ({"from": 0}, {"from": 2, "to": 1}, {"from": size + 1}, {"from": 1, "to": size + 1}):
        problem(client.get("auditor", f"{base}/consistency", params=params), 404, "not-found")
    for params in ({"from": -1}, {"from": "x"}, {}):
        problem(client.get("auditor", f"{base}/consistency", params=params), 422, "invalid")
