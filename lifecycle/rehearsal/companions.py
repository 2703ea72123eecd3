"""What the streams beside the projects' own must show: dockets as carried out, panels as scored, and what is secret."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lifecycle.commitments import is_commitment
from lifecycle.rehearsal.chronicle import PROJECT, Chronicle, Flaw, Scene
from lifecycle.rehearsal.invariants import Ground
from states.panels import PanelSetting, result_of
from states.story import Promise

OUTCOME = "outcome"


def dockets(chronicle: Chronicle) -> Iterator[Flaw]:
    """Yield every outcome that a docket tells and the project's own stream does not: state and version."""
    told = {
        (name.removeprefix(f"{PROJECT}/"), scene.after.columns.get("version")): scene.after.state
        for name, scenes in chronicle.projects.items()
        for scene in scenes
        if scene.succeeded and scene.after
    }
    for scene, path, new in _changes(chronicle, "docket"):
        head, *rest = path
        if head != "items" or rest[-1:] != [OUTCOME] or new is None:
            continue
        for reached in (new, new.get("returned")):
            if reached and "state" in reached and told.get((rest[0], reached["version"])) != reached["state"]:
                yield scene.flaw("dockets_as_carried_out", f"{rest[0]}: {reached['state']} at {reached['version']}")


def panels(chronicle: Chronicle) -> Iterator[Flaw]:
    """Yield every sheet that an expert submitted in spite of a conflict declared before, and every wrong result."""
    for name, scenes in chronicle.streams.items():
        if name.startswith("panel/"):
            yield from _panel(scenes)


def _panel(scenes: list[Scene]) -> Iterator[Flaw]:
    setting: PanelSetting | None = None
    sheets: dict[str, dict[str, Any]] = {}  # id -> project, expert, total of what was submitted and not released
    conflicts: set[tuple[str, str]] = set()
    for scene in scenes:
        sheet = ""
        for change in scene.body["changes"] if scene.succeeded else ():
            path, old, new = change["path"], change["old"], change["new"]
            if path == "/setting":
                setting = PanelSetting.model_validate(new)
            elif path == "/conflicts":
                conflicts.add((new["project"], new["expert"]))
            elif path == "/sheets" and new:
                sheets[new["id"]] = {"project": new["project"], "expert": new["expert"], "total": None}
            elif path == "/sheets":
                sheets.pop(old["id"] if isinstance(old, Mapping) else old, None)
            elif path == "/sheet":
                sheet = new
            elif path == "/sheet/total":
                one = sheets[sheet]
                one["total"] = Decimal(new)
                if (one["project"], one["expert"]) in conflicts or one["expert"] != scene.body["actor"]["id"]:
                    yield scene.flaw("panels_as_scored", f"{one['project']} was scored against a conflict")
            elif path == "/results":
                yield from _result(scene, setting, sheets, new)


def _result(
    scene: Scene, setting: PanelSetting | None, sheets: dict[str, dict[str, Any]], told: Mapping[str, Any]
) -> Iterator[Flaw]:
    """Work a result out again from the sheets in the log; a reopened project's old sheets are done with."""
    own = {name: one for name, one in sheets.items() if one["project"] == told["project_id"]}
    totals = {one["expert"]: one["total"] for one in own.values() if one["total"] is not None}
    found = result_of(setting, totals) if setting else None
    if found is None or format(found.score, "f") != told["score"]:
        yield scene.flaw("panels_as_scored", f"{told['project_id']}: {told['score']}, by its sheets {found}")
    for name in own:
        del sheets[name]


def kept_secret(chronicle: Chronicle, _ground: Ground, promise: Promise) -> Iterator[Flaw]:
    """Yield every entry that shows one of the promise's fields in clear."""
    for scenes in chronicle.streams.values():
        for scene in scenes:
            for change in scene.body["changes"]:
                field = change["path"].rpartition("/")[2]
                values = (change["old"], change["new"])
                if field in promise.fields and any(one is not None and not is_commitment(one) for one in values):
                    yield scene.flaw(promise.name, f"{change['path']} stands in clear")


def _changes(chronicle: Chronicle, kind: str) -> Iterator[tuple[Scene, list[str], Any]]:
    """Yield the changes of all streams of a kind: scene, path, new value."""
    for name, scenes in chronicle.streams.items():
        if name.startswith(f"{kind}/"):
            for scene in scenes:
                for change in scene.body["changes"] if scene.succeeded else ():
                    yield scene, change["path"].split("/")[1:], change["new"]
