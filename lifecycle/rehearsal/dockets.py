"""Steps that are done with dockets: opened, filled, released, received, given back; scores and money worked out."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lifecycle.attempts import attempt
from lifecycle.dockets import awards, drafting, receipt, release
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.errors import RulesUnmet
from lifecycle.panels.proposals import Cut, propose
from lifecycle.rehearsal.drafts import asked_of, edit_of, spec_of
from lifecycle.rehearsal.moment import LIMIT, Moment, named
from lifecycle.statements import Row
from lifecycle.workbook.money import to_wan
from states.facts import Actor
from states.findings import Text

BATCH = ""  # the city of dockets of the whole batch


def play_docket(moment: Moment) -> None:
    """Do what a step says with one docket for each person and city, one after the other.

    Raises:
        StoryBroken: something came out otherwise.
    """
    spec = spec_of(moment)
    groups: dict[tuple[Actor, str], list[Row]] = {}
    for row in moment.rows:
        city = row["city"] if spec.per == "city" else BATCH
        groups.setdefault((moment.stage.actor(moment.step.by, row), city), []).append(row)
    for (actor, city), rows in groups.items():
        for act in asked_of(moment).do:
            ACTS[act](moment, actor, city, rows)


def told_docket(moment: Moment) -> Text:
    """Return what a step does with dockets, in words."""
    spec, acts = spec_of(moment), [LABELS[act] for act in asked_of(moment).do]
    return Text(f"{spec.zh}：{'、'.join(act.zh for act in acts)}", f"{spec.en}: {', '.join(act.en for act in acts)}")


def _key(moment: Moment, city: str) -> str:
    return f"docket/{asked_of(moment).kind}/{city}"


def _docket(moment: Moment, city: str) -> str:
    try:
        return moment.stage.memory[_key(moment, city)]
    except KeyError:
        raise moment.broken(f"no {asked_of(moment).kind} was opened for {city or 'the batch'}") from None


def _open(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    _draft(moment, actor, city, edit_of(moment, city, rows))
    moment.done += moment.aliases(row["id"] for row in rows)


def _draft(moment: Moment, actor: Actor, city: str, edit: Edit) -> None:
    stage, caller = moment.stage, moment.caller(actor)
    with attempt(stage.database, stage.log, caller, ("batch", stage.batch), "open_docket") as tx:
        batch, kind = stage.row(tx), asked_of(moment).kind
        done = drafting.draft_docket(tx, stage.log, caller, batch, kind, city or None, edit, LIMIT)
    stage.memory[_key(moment, city)] = done.docket


def _propose(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    """Open a draft with what the panels' results make of the projects; ties that a cut would divide stay out."""
    stage, asked = moment.stage, asked_of(moment)
    cuts = [Cut(**cut.model_dump()) for cut in asked.cuts]
    with stage.database.reading() as tx:
        batch = stage.row(tx)
        found = propose(tx, stage.caller(actor, moment.now), batch, asked.purpose or "", asked.kind, cuts)
    here = {row["id"]: row for row in rows}
    tied = [one for one in found["undecided"] if one["project"] in here]
    moment.expect("undecided", asked.undecided, moment.aliases(one["project"] for one in tied))
    proposed = {one["project"]: one for one in found["put"] if one["project"] in here}
    events = {project: one["event"] for project, one in proposed.items()}
    edit = edit_of(moment, city, [here[project] for project in proposed], events)
    numbered = [
        DraftItem(
            item.project, item.event, {**item.fields, **proposed[item.project]["fields"]}, item.documents, item.note
        )
        for item in edit.put
    ]
    _draft(moment, actor, city, Edit(edit.header, edit.documents, put=numbered))
    moment.done += moment.aliases(proposed)
    if tied:
        names = "、".join(sorted(f"{moment.alias(one['project'])}（{one['score']}）" for one in tied))
        moment.more.append(Text(f"并列待定：{names}", f"tied at the line, left to people: {names}"))


def _put(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    _change(moment, actor, city, edit_of(moment, city, rows))
    moment.done += moment.aliases(row["id"] for row in rows)


def _take_off(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    _change(moment, actor, city, Edit(remove=[row["id"] for row in rows]))


def _change(moment: Moment, actor: Actor, city: str, edit: Edit) -> None:
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    with attempt(stage.database, stage.log, caller, ("docket", docket), "edit_docket") as tx:
        drafting.edit_docket(tx, stage.log, caller, docket, edit, LIMIT)


def _withdraw(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    with attempt(stage.database, stage.log, caller, ("docket", docket), "withdraw_docket") as tx:
        drafting.withdraw_docket(tx, stage.log, caller, docket, moment.step.reason)
    moment.done += moment.aliases(row["id"] for row in rows)


def _release(moment: Moment, actor: Actor, city: str, _rows: Sequence[Row]) -> None:
    """Release a previewed docket; one with a row that is refused is asked for all the same, and refused whole."""
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    with stage.database.reading() as tx:
        preview = release.preview_docket(tx, caller, docket, LIMIT)
    wrong = {
        moment.alias(row.loaded.row["id"]): named(row.decision.refusals)
        for row in preview.rows.rows
        if not row.decision.allowed
    }
    moment.refused |= wrong
    try:
        with attempt(stage.database, stage.log, caller, ("docket", docket), "release_docket") as tx:
            done = release.release_docket(tx, stage.log, caller, docket, preview.digest, LIMIT)
    except RulesUnmet as refused:
        if not wrong:
            raise moment.broken(refused.text.zh) from refused
        moment.done = [alias for alias in moment.done if alias not in _listed(moment, preview.rows.rows)]
        return
    moved = moment.aliases(project for project, _, _ in done.moved)
    moment.done = [*(alias for alias in moment.done if alias not in moved), *moved]


def _listed(moment: Moment, rows: Sequence[Any]) -> set[str]:
    return {moment.alias(row.loaded.row["id"]) for row in rows}


def _admit(moment: Moment, actor: Actor, city: str, _rows: Sequence[Row]) -> None:
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    with attempt(stage.database, stage.log, caller, ("docket", docket), "admit_docket") as tx:
        done = receipt.admit_late(tx, stage.log, caller, docket, moment.step.reason, LIMIT)
    moment.done += moment.aliases(project for project, _, _ in done.projects)


def _receive(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    on, copies = moment.step.on, asked_of(moment).copies
    with attempt(stage.database, stage.log, caller, ("docket", docket), "receive_docket") as tx:
        receipt.receive_docket(tx, stage.log, caller, docket, on, copies, moment.step.reason)
    moment.done += moment.aliases(row["id"] for row in rows)


def _return(moment: Moment, actor: Actor, city: str, rows: Sequence[Row]) -> None:
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    fields, projects = stage.story.fields(moment.step), [row["id"] for row in rows]
    with attempt(stage.database, stage.log, caller, ("docket", docket), "return_docket") as tx:
        done = receipt.return_docket(
            tx, stage.log, caller, docket, fields, LIMIT, projects=projects, reason=moment.step.reason
        )
    moment.done += moment.aliases(project for project, _, _ in done.projects)


def _try(moment: Moment, actor: Actor, city: str, _rows: Sequence[Row]) -> None:
    """Ask what other score lines would do; nothing is written."""
    stage, asked = moment.stage, asked_of(moment)
    trial = awards.Trial({code: Decimal(line) for code, line in asked.lines.items()})
    with stage.database.reading() as tx:
        found = awards.try_awards(tx, stage.caller(actor, moment.now), _docket(moment, city), trial)
    moves = moment.aliases(one["project"] for one in found["moves"])
    moment.expect("moves", asked.moves, moves)
    wan = to_wan(abs(found["costs_more_fen"]))
    zh, en = ("多用", "more") if found["costs_more_fen"] >= 0 else ("少用", "less")
    moment.more.append(
        Text(f"试算：{len(moves)}项变动，{zh}{wan:,}万元", f"tried: {len(moves)} move, 10,000 yuan {en}: {wan:,}")
    )


def _allot(moment: Moment, actor: Actor, city: str, _rows: Sequence[Row]) -> None:
    """Write into the draft what its projects come to, and hold whom money or lines leave out against the story."""
    stage, caller, docket = moment.stage, moment.caller(actor), _docket(moment, city)
    with attempt(stage.database, stage.log, caller, ("docket", docket), "allot") as tx:
        _, told = awards.allot(tx, stage.log, caller, docket, LIMIT)
    whys: dict[str, list[str]] = {}
    for one in told["awards"]:
        whys.setdefault(one["why"], []).append(moment.alias(one["project"]))
    for why in sorted({*whys, *asked_of(moment).whys} - {"awarded"}):
        moment.expect(why, asked_of(moment).whys.get(why, ()), whys.get(why, ()))
    moment.done += whys.get("awarded", [])
    cost, left = to_wan(told["cost_fen"]), to_wan(told["left_fen"])
    moment.more.append(Text(f"共{cost:,}万元，余{left:,}万元", f"10,000 yuan in all {cost:,}, left {left:,}"))


ACTS: dict[str, Callable[[Moment, Actor, str, Sequence[Row]], None]] = {
    "open": _open,
    "propose": _propose,
    "put": _put,
    "take_off": _take_off,
    "withdraw": _withdraw,
    "admit": _admit,
    "release": _release,
    "receive": _receive,
    "return": _return,
    "try": _try,
    "allot": _allot,
}
LABELS = {
    "open": Text("拟办", "drafted"),
    "propose": Text("按得分拟办", "drafted by scores"),
    "put": Text("列入", "put on"),
    "take_off": Text("移出", "taken off"),
    "withdraw": Text("撤销拟办", "given up"),
    "admit": Text("准予逾期", "let come late"),
    "release": Text("发出", "released"),
    "receive": Text("接收点收", "received"),
    "return": Text("退回", "given back"),
    "try": Text("试算", "tried out"),
    "allot": Text("测算", "worked out"),
}
