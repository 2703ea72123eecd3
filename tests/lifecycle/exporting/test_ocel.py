"""OCEL 2.0: valid by the standard's schema, whole in itself, every entry an event of all that it concerns."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.exporting import ocel, scope
from tests.lifecycle.exporting.schemas import faults
from tests.lifecycle.exporting.taking import EVIL, House
from tests.lifecycle.panelists import new_panel
from tests.lifecycle.seal.sealers import count


def parsed(data: bytes) -> Any:
    """Return a document that is valid and whole: what it names is there, once, and of a declared type."""
    found = json.loads(data)
    assert list(faults(found)) == []
    objects = Counter(one["id"] for one in found["objects"])
    assert [name for name, number in objects.items() if number > 1] == []
    for names, kinds in (("objects", "objectTypes"), ("events", "eventTypes")):
        declared = {kind["name"]: {one["name"] for one in kind["attributes"]} for kind in found[kinds]}
        assert set(declared) == {one["type"] for one in found[names]}
        for one in found[names]:
            assert {attribute["name"] for attribute in one["attributes"]} <= declared[one["type"]]
            related = [(to["objectId"], to["qualifier"]) for to in one["relationships"]]
            assert (len(set(related)), {name for name, _ in related} - set(objects)) == (len(related), set())
    return found


def related(event: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["qualifier"], one["objectId"].partition("/")[0]) for one in event["relationships"]}


def test_a_panel_concerns_its_projects_and_experts_and_states_change_with_time(
    database: Database, log: Log, tmp_path: Path
) -> None:
    panel = new_panel(database, log).concluded()
    house = House(database, log, tmp_path)
    found = parsed(house.take("ocel"))
    assert len(found["events"]) == count(database, "entry") - 1  # but the export itself
    told = [one["value"] for event in found["events"] for one in event["attributes"] if one["name"] == "index"]
    assert told == [str(number) for number in range(len(found["events"]))]
    by_type: dict[str, list[Any]] = {}
    for event in found["events"]:
        by_type.setdefault(event["type"], []).append(event)
    assert {("projects", "project"), ("subject", "panel"), ("role", "role")} <= related(by_type["projects_added"][0])
    assert ("experts", "user") in related(by_type["experts_added"][0])
    assert ("project", "project") in related(by_type["concluded"][0])
    assert ("document", "document") in related(by_type["recommend"][0])
    objects = {one["id"]: one for one in found["objects"]}
    project = objects[f"project/{panel.projects[0]['id']}"]
    states = [one["value"] for one in project["attributes"] if one["name"] == "state"]
    assert (states[0], states[-1]) == ("draft", "under_review")
    assert project["relationships"] == [{"objectId": f"batch/{panel.batch['id']}", "qualifier": "batch"}]
    batch = {one["name"]: one["value"] for one in objects[f"batch/{panel.batch['id']}"]["attributes"]}
    assert batch["code"] == panel.batch["code"]
    assert {"role", "user", "document", "panel", "batch", "project"} <= {one["type"] for one in found["objects"]}
    part = parsed(house.take("ocel", "batch", panel.batch["code"]))
    assert {event["id"] for event in part["events"]} == {
        event["id"] for event in found["events"] if not any(name.startswith("user/") for name in _subjects(event))
    }
    assert len(parsed(house.take("ocel", "project", panel.projects[0]["id"]))["events"]) == len(
        [event for event in found["events"] if project["id"] in _subjects(event)]
    )


def _subjects(event: dict[str, Any]) -> list[str]:
    return [one["objectId"] for one in event["relationships"] if one["qualifier"] == "subject"]


def test_the_worst_texts_and_the_longest_streams_are_told_whole(
    database: Database, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "CHUNK", 4)
    monkeypatch.setattr(scope, "STREAMS", 2)
    monkeypatch.setattr(ocel, "SOME", 3)
    house = House(database, log, tmp_path)
    assert parsed(house.take("ocel"))["events"] == []
    house.tell("project/x", *EVIL)
    for number in range(4):
        house.tell(f"project/{number}", "a")
    found = parsed(house.take("ocel"))
    told = [{one["name"]: one["value"] for one in event["attributes"]} for event in found["events"]]
    assert [one["from"] for one in told if one["type"] == "test.told"] == [*"aaaa", *EVIL]
    assert {one["name"] for one in found["eventTypes"]} == {"tell", "audit.exported"}
    states = next(one for one in found["objects"] if one["id"] == "project/x")["attributes"]
    assert [one["value"] for one in states] == list(EVIL)
