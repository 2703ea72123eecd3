"""Steps that are done with objections: received in form or not, completed, decided. The register masks who objects."""

from typing import Any

from lifecycle.attempts import attempt
from lifecycle.objections.deciding import decide_objection
from lifecycle.objections.receiving import Recorded, complete_objection, receive_objection
from lifecycle.rehearsal.moment import NUMBERS, Moment, documents_of
from lifecycle.statements import Row
from states.findings import Text
from states.steps import ObjectionStep

LABELS = {
    "receive": Text("登记", "received"),
    "complete": Text("补正", "completed"),
    "dismissed": Text("不予受理", "not taken up"),
    "rejected": Text("核查：不成立", "found: rejected"),
    "upheld": Text("核查：成立", "found: upheld"),
}


def play_objection(moment: Moment) -> None:
    """Do what a step says with an objection to each of its projects; one that does not count is told as refused."""
    for row in moment.rows:
        if _asked(moment).do == "decide":
            _decide(moment, row)
        else:
            _receive(moment, row)


def told_objection(moment: Moment) -> Text:
    """Return what a step does with objections, in words."""
    asked = _asked(moment)
    act = LABELS[asked.outcome if asked.do == "decide" else asked.do]
    return Text(f"异议：{act.zh}", f"objection: {act.en}")


def _asked(moment: Moment) -> ObjectionStep:
    assert moment.step.objection is not None
    return moment.step.objection


def _key(moment: Moment, row: Row) -> str:
    return f"objection/{moment.alias(row['id'])}"


def _receive(moment: Moment, row: Row) -> None:
    stage, step, alias = moment.stage, moment.step, moment.alias(row["id"])
    fields: dict[str, Any] = {**stage.story.fields(step), **stage.story.fields_of(step, row, 1)}
    papers, caller = documents_of(moment, alias), moment.caller(stage.actor(step.by, row))
    if _asked(moment).do == "receive":
        with attempt(stage.database, stage.log, caller, ("project", row["id"]), "receive_objection") as tx:
            done = receive_objection(tx, stage.log, caller, row["id"], fields, papers)
        stage.memory[_key(moment, row)] = done.objection
    else:
        objection = _known(moment, row)
        with attempt(stage.database, stage.log, caller, ("objection", objection), "complete_objection") as tx:
            done = complete_objection(tx, stage.log, caller, objection, fields, papers)
    if done.counts:
        moment.done.append(alias)
    else:
        moment.refused[alias] = _missing(done)


def _missing(done: Recorded) -> tuple[str, ...]:
    return tuple(sorted({one["rule"] if one["rule"] in NUMBERS else one["check"] for one in done.missing}))


def _decide(moment: Moment, row: Row) -> None:
    stage, asked, objection = moment.stage, _asked(moment), _known(moment, row)
    caller = moment.caller(stage.actor(moment.step.by, row))
    with attempt(stage.database, stage.log, caller, ("objection", objection), "decide_objection") as tx:
        decide_objection(tx, stage.log, caller, objection, asked.outcome, asked.finding)
    moment.done.append(moment.alias(row["id"]))


def _known(moment: Moment, row: Row) -> str:
    try:
        return moment.stage.memory[_key(moment, row)]
    except KeyError:
        raise moment.broken(f"no objection to {moment.alias(row['id'])} was received") from None
