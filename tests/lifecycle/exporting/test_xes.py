"""XES: valid by the standard's grammar, one trace a project, every character given back."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from lifecycle import transition
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import Refusal
from lifecycle.exporting import scope
from lifecycle.requests import Request
from tests.lifecycle import builders
from tests.lifecycle.exporting.schemas import XES
from tests.lifecycle.exporting.taking import EVIL, House
from tests.lifecycle.seal.sealers import NOW

SPACE = "{http://www.xes-standard.org/}"
URIS = {f"http://www.xes-standard.org/{name}.xesext" for name in ("concept", "time", "org", "lifecycle", "identity")}


def parsed(data: bytes) -> Any:
    root = etree.fromstring(data)
    XES.assertValid(root)
    return root


def values(element: Any) -> dict[str, str]:
    return {one.get("key"): one.get("value") for one in element if one.tag != f"{SPACE}event"}


def traces(root: Any) -> dict[str, list[dict[str, str]]]:
    """Return the events of each trace, by the trace's name."""
    found = {
        values(one)["concept:name"]: [values(e) for e in one.iter(f"{SPACE}event")]
        for one in root.iter(f"{SPACE}trace")
    }
    assert len(found) == len(list(root.iter(f"{SPACE}trace")))
    return found


def test_a_batchs_projects_are_traces_whose_events_say_who_did_what_and_how_it_ended(
    database: Database, log: Log, tmp_path: Path
) -> None:
    batch = builders.open_batch(database, log)
    first, second = builders.create_projects(database, log, batch, 2)
    builders.drive(database, log, first["id"], "city_recommended")
    doer = builders.caller("applicant", NOW, unit="x")
    with pytest.raises(Refusal), attempt(database, log, doer, ("project", second["id"]), "submit") as tx:
        transition.transition_project(tx, log, builders.caller("handler", NOW), second["id"], Request("recommend"))
    house = House(database, log, tmp_path)
    data = house.take("xes", "batch", batch["code"])
    root = parsed(data)
    assert {one.get("uri") for one in root.iter(f"{SPACE}extension")} == URIS | {"urn:gongfu-pilot:xes:audit:1"}
    told = traces(root)
    assert set(told) == {first["code"], second["code"]}
    assert [(e["concept:name"], e["lifecycle:transition"], e["pilot:outcome"]) for e in told[first["code"]]] == [
        ("create", "complete", "success"),
        ("submit", "complete", "success"),
        ("recommend", "complete", "success"),
    ]
    last = told[first["code"]][-1]
    entry = builders.read_entries(database, f"project/{first['id']}")[-1]
    assert (last["identity:id"], last["pilot:leaf"], last["org:role"]) == (entry["id"], entry["leaf"].hex(), "city")
    assert (last["pilot:from"], last["pilot:to"]) == ("applied", "city_recommended")
    assert (last["pilot:label"], last["pilot:to_label"]) == ("市级推荐", "市级已推荐")
    assert last["pilot:role_label"] == "市工信局"
    refused = told[second["code"]][-1]
    assert (refused["lifecycle:transition"], refused["pilot:outcome"]) == ("ate_abort", "denied")
    named = {prefix.get("prefix") for prefix in root.iter(f"{SPACE}extension")}
    assert {key.partition(":")[0] for events in told.values() for e in events for key in e} <= named
    must = {key for one in root.iter(f"{SPACE}global") if one.get("scope") == "event" for key in values(one)}
    assert all(must <= set(e) for events in told.values() for e in events)
    assert traces(parsed(house.take("xes"))) == told
    one = traces(parsed(house.take("xes", "project", second["id"])))
    assert one == {second["code"]: told[second["code"]]}


def test_the_worst_texts_come_back_and_what_xml_cannot_hold_is_replaced(
    database: Database, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "CHUNK", 4)  # a trace goes on from one reading to the next
    house = House(database, log, tmp_path)
    assert traces(parsed(house.take("xes"))) == {}
    house.tell("project/x", *EVIL)
    house.tell("project/y", "a")
    told = traces(parsed(house.take("xes")))
    expected = list(EVIL)
    expected[4], expected[5] = "\ufffd\ufffd\ufffd\x7f", "\ufffd\ufffd"
    assert [e["pilot:from"] for e in told["x"]] == expected
    assert [e["pilot:override"] for e in told["x"]] == expected
    assert [(e["concept:name"], e["pilot:from"]) for e in told["y"]] == [("tell", "a")]
