"""What an official reads of an entry of a docket's, panel's or objection's stream: its sentence, and what was in it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lifecycle.objections.register import STATUS
from lifecycle.sentences import tell_plainly
from lifecycle.visibility import label_of
from states.definition import LifecycleDefinition
from states.findings import Text

Changes = Sequence[Mapping[str, Any]]
NOTHING = Text("", "")


def tell_trail(definition: LifecycleDefinition, told: Mapping[str, Any], at: datetime, zone: str) -> dict[str, str]:
    """Return the sentence on an entry, given as its trail shows it, so that it tells no more than that."""
    sentence = tell_plainly(told, at, zone)
    detail = DETAILS.get(told["type"]) if told["outcome"] == "success" else None
    more = detail(definition, told["changes"]) if detail else NOTHING
    if more == NOTHING:
        return sentence
    return {"zh": f"{sentence['zh']}，{more.zh}", "en": f"{sentence['en']}: {more.en}"}


def _new(changes: Changes, path: str) -> Any:
    return next((change["new"] for change in changes if change["path"] == path), None)


def _edits(definition: LifecycleDefinition, changes: Changes) -> Text:
    """Return what an edit did: projects put on, taken off, changed; header fields and documents by their labels."""
    items = [change for change in changes if change["path"].startswith("/items/")]
    whole = [change for change in items if change["path"].count("/") == 2]
    put = sum(change["old"] is None for change in whole)
    off = sum(change["new"] is None for change in whole)
    touched = len({change["path"].split("/")[2] for change in items}) - put - off
    labels = [
        known[name]
        for head, known in (("header", definition.fields), ("documents", definition.documents))
        for change in changes
        if change["path"].startswith(f"/{head}/") and (name := change["path"].split("/")[2]) in known
    ]
    zh = [f"{word}{n}个项目" for word, n in (("列入", put), ("移出", off), ("调整", touched)) if n]
    en = [f"{n} projects {word}" for word, n in (("put on", put), ("taken off", off), ("changed", touched)) if n]
    zh += [f"填写{'、'.join(label.zh for label in labels)}"] if labels else []
    en += [f"given: {', '.join(label.en for label in labels)}"] if labels else []
    return Text("，".join(zh), "; ".join(en))


def _outcomes(_definition: LifecycleDefinition, changes: Changes) -> Text:
    found = [change["new"] for change in changes if change["path"].endswith("/outcome")]
    done = sum("state" in outcome for outcome in found if isinstance(outcome, Mapping))
    left = len(found) - done
    more = Text(f"，{left}个未办理", f", {left} left") if left else NOTHING
    return Text(f"办理{done}个项目{more.zh}", f"{done} projects{more.en}") if found else NOTHING


def _returned(_definition: LifecycleDefinition, changes: Changes) -> Text:
    number = sum(change["path"].endswith("/outcome") for change in changes)
    return Text(f"退回{number}个项目", f"{number} projects") if number else NOTHING


def _late(_definition: LifecycleDefinition, changes: Changes) -> Text:
    number = len(_new(changes, "/admitted_late") or ())
    return Text(f"{number}个项目", f"{number} projects")


def _receipt(_definition: LifecycleDefinition, changes: Changes) -> Text:
    receipt = _new(changes, "/receipt")
    if not isinstance(receipt, Mapping):
        return NOTHING
    on, copies, late = receipt["received_on"], receipt["paper_copies"], receipt["late"]
    return Text(
        f"{on}收到，纸质材料{copies}份{'，逾期接收' if late else ''}",
        f"came on {on}, {copies} paper copies{', late' if late else ''}",
    )


def _document(definition: LifecycleDefinition, changes: Changes) -> Text:
    document = _new(changes, "/document")
    if not isinstance(document, Mapping):
        return NOTHING
    return Text(**label_of(definition.documents.get(document["kind"]), document["kind"]))


def _many(path: str, zh: str, en: str) -> Callable[[LifecycleDefinition, Changes], Text]:
    """Return what counts the changes that bring something in at a path."""

    def counted(_definition: LifecycleDefinition, changes: Changes) -> Text:
        number = sum(change["path"] == path and change["new"] is not None for change in changes)
        return Text(f"{number}{zh}", f"{number} {en}") if number else NOTHING

    return counted


def _said(path: str, zh: str, en: str) -> Callable[[LifecycleDefinition, Changes], Text]:
    """Return what tells the new value at a path."""

    def told(_definition: LifecycleDefinition, changes: Changes) -> Text:
        value = _new(changes, path)
        return Text(f"{zh}{value}", f"{en} {value}") if isinstance(value, str) else NOTHING

    return told


def _conflicts(_definition: LifecycleDefinition, changes: Changes) -> Text:
    declaration = _new(changes, "/declarations")
    number = declaration["conflicts"] if isinstance(declaration, Mapping) else 0
    return Text(f"应回避{number}个项目" if number else "无应回避项目", f"{number} projects" if number else "none")


def _session(_definition: LifecycleDefinition, changes: Changes) -> Text:
    session = _new(changes, "/sessions")
    if not isinstance(session, Mapping):
        return NOTHING
    return Text(f"{session['held_on']}，{session['minutes']}", f"{session['held_on']}, {session['minutes']}")


def _status(_definition: LifecycleDefinition, changes: Changes) -> Text:
    return STATUS.get(_new(changes, "/status"), NOTHING)


DETAILS: dict[str, Callable[[LifecycleDefinition, Changes], Text]] = {
    "docket.drafted": _edits,
    "docket.edited": _edits,
    "docket.released": _outcomes,
    "docket.admitted": _late,
    "docket.received": _receipt,
    "docket.returned": _returned,
    "docket.document_stored": _document,
    "panel.experts_added": _many("/experts", "名", "experts"),
    "panel.projects_added": _many("/projects", "个", "projects"),
    "panel.declared": _conflicts,
    "panel.assigned": _many("/sheets", "份评分表", "sheets"),
    "panel.scoring_opened": _said("/due_on", "截止", "due on"),
    "panel.sheet_submitted": _said("/sheet/total", "总分", "total"),
    "panel.session_recorded": _session,
    "panel.concluded": _many("/results", "个项目形成结果", "results"),
    "panel.reopened": _many("/rounds", "个项目", "projects"),
    "objection.received": _status,
    "objection.completed": _status,
}
