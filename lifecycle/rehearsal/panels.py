"""Steps that are done with panels of experts: founded, conflicts declared, assigned, scored, concluded, reopened."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from lifecycle.attempts import attempt
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.panels import assignments, conflicts, founding, rounds, sessions, sheets
from lifecycle.panels.panel import SHEETS
from lifecycle.panels.reading import list_results
from lifecycle.rehearsal.moment import Moment
from lifecycle.statements import Row
from states.facts import Actor
from states.fields import TWO_PLACES
from states.findings import Text
from states.panels import PanelSetting
from states.steps import PanelStep, derive

WHOLE = 100
NOTE = "曾参与该项目前期咨询（演示）。"


def play_panel(moment: Moment) -> None:
    """Do what a step says with the panel of its name.

    Raises:
        StoryBroken: something came out otherwise.
    """
    for act in _asked(moment).do:
        ACTS[act](moment)
    moment.done += moment.aliases(row["id"] for row in moment.rows)


def told_panel(moment: Moment) -> Text:
    """Return what a step does with a panel, in words."""
    acts = [LABELS[act] for act in _asked(moment).do]
    return Text(f"专家组：{'、'.join(act.zh for act in acts)}", f"panel: {', '.join(act.en for act in acts)}")


def _asked(moment: Moment) -> PanelStep:
    assert moment.step.panel is not None
    return moment.step.panel


def _panel(moment: Moment) -> str:
    try:
        return moment.stage.memory[f"panel/{_asked(moment).name}"]
    except KeyError:
        raise moment.broken(f"no panel {_asked(moment).name} was founded") from None


def _person(moment: Moment, part: str) -> Actor:
    return moment.stage.person(part)


@contextmanager
def _doing(moment: Moment, act: str, actor: Actor | None = None) -> Iterator[tuple[Transaction, Caller]]:
    """Yield a transaction and the caller for one act on the panel, as the edge would do it."""
    stage, caller = moment.stage, moment.caller(actor or _person(moment, moment.step.by))
    with attempt(stage.database, stage.log, caller, ("panel", _panel(moment)), act) as tx:
        yield tx, caller


def _found(moment: Moment) -> None:
    stage, asked, lead = moment.stage, _asked(moment), moment.caller(_person(moment, moment.step.by))
    with attempt(stage.database, stage.log, lead, ("batch", stage.batch), "found_panel") as tx:
        done = founding.found_panel(tx, stage.log, lead, stage.row(tx), asked.purpose or "", asked.title)
    stage.memory[f"panel/{asked.name}"] = done.row["id"]
    logins = [stage.login(part) for part in asked.experts]
    with _doing(moment, "add_experts") as (tx, caller):
        founding.add_experts(tx, stage.log, caller, done.row["id"], logins, logins[0])
    with _doing(moment, "add_projects") as (tx, caller):
        founding.add_projects(tx, stage.log, caller, done.row["id"], [row["id"] for row in moment.rows])


def _declare(moment: Moment) -> None:
    """Let every expert declare, the ones that the step names a conflict with these projects, the others none."""
    stage, asked = moment.stage, _asked(moment)
    for part in asked.experts:
        named = stage.story.named(asked.conflicts.get(part, ()))
        own = [{"project": row["id"], "note": NOTE} for row in moment.rows if moment.alias(row["id"]) in named]
        with _doing(moment, "declare", _person(moment, part)) as (tx, caller):
            conflicts.declare(tx, stage.log, caller, _panel(moment), own)


def _assign(moment: Moment) -> None:
    asked = _asked(moment)
    with _doing(moment, "assign_balanced") as (tx, caller):
        assignments.assign_balanced(tx, moment.stage.log, caller, _panel(moment), asked.seed)
    with moment.stage.database.reading() as tx:
        given = tx.fetch(SHEETS, panel=_panel(moment))
    for part, names in asked.avoided.items():
        login, shunned = moment.stage.login(part), moment.stage.story.named(names)
        if wrong := [row["project_id"] for row in given if row["login"] == login and _alias(moment, row) in shunned]:
            raise moment.broken(f"{part} was given {moment.aliases(wrong)} against a conflict")


def _alias(moment: Moment, sheet: Row) -> str:
    return moment.alias(sheet["project_id"])


def _assign_pair(moment: Moment) -> None:
    login = moment.stage.login(_asked(moment).pair)
    with _doing(moment, "assign_by_hand") as (tx, caller):
        pairs = [(row["id"], login) for row in moment.rows]
        assignments.assign_by_hand(tx, moment.stage.log, caller, _panel(moment), pairs)


def _open(moment: Moment) -> None:
    with _doing(moment, "open_scoring") as (tx, caller):
        rounds.open_scoring(tx, moment.stage.log, caller, _panel(moment), _due(moment))


def _score(moment: Moment) -> None:
    """Submit every sheet that waits, in one transaction: each in its expert's name."""
    stage, asked = moment.stage, _asked(moment)
    experts = {person.id: person for person in stage.people.values()}
    totals = dict(_totals(moment))
    with stage.database.transaction() as tx:
        panel = _panel(moment)
        setting = stage.rules.policy.panels[asked.purpose or ""]
        places: defaultdict[str, int] = defaultdict(int)
        for row in tx.fetch(SHEETS, panel=panel):
            if row["status"] not in ("assigned", "draft") or row["project_id"] not in totals:
                continue
            offset = asked.offsets[places[row["project_id"]] % len(asked.offsets)]
            places[row["project_id"]] += 1
            points = points_of(setting, totals[row["project_id"]] + offset)
            sheets.submit_sheet(tx, stage.log, moment.caller(experts[row["person_id"]]), row["id"], points)
            tx.flush()


def _totals(moment: Moment) -> Iterator[tuple[str, int]]:
    asked = _asked(moment)
    for number, row in enumerate(moment.rows, 1):
        own = asked.totals.get(moment.alias(row["id"]))
        if own is None and asked.total is not None:
            own = int(derive(asked.total, row, number))
        if own is None:
            raise moment.broken(f"no points are given for {moment.alias(row['id'])}")
        yield row["id"], own


def points_of(setting: PanelSetting, total: int) -> Mapping[str, str]:
    """Return points of a whole sheet that come to a total of 100: every criterion by its share."""
    return {
        name: format((Decimal(one.maximum * total) / WHOLE).quantize(TWO_PLACES, ROUND_HALF_UP), "f")
        for name, one in setting.criteria.items()
    }


def _sit(moment: Moment) -> None:
    asked, step = _asked(moment), moment.step
    with _doing(moment, "record_session") as (tx, caller):
        sessions.record_session(
            tx, moment.stage.log, caller, _panel(moment), asked.method or "", step.on, asked.minutes
        )


def _conclude(moment: Moment) -> None:
    """Work out the results, and tell of every score that several projects share."""
    stage, asked = moment.stage, _asked(moment)
    with _doing(moment, "conclude") as (tx, caller):
        rounds.conclude(tx, stage.log, caller, _panel(moment), moment.step.reason)
    with stage.database.reading() as tx:
        found = list_results(
            tx, stage.caller(_person(moment, moment.step.by), moment.now), stage.row(tx), asked.purpose or ""
        )
    here = {row["id"] for row in moment.rows}
    shared: defaultdict[str, list[str]] = defaultdict(list)
    for one in found["results"]:
        if one["tied"] > 1:
            shared[one["score"]].append(one["project"])
    for score, projects in shared.items():
        if not here & set(projects):
            continue
        told = "、".join(sorted(moment.aliases(projects)))
        moment.more.append(Text(f"并列（{score}）：{told}", f"tied at {score}: {told}"))


def _reopen(moment: Moment) -> None:
    with _doing(moment, "reopen") as (tx, caller):
        projects = [row["id"] for row in moment.rows]
        reason = moment.step.reason or ""
        rounds.reopen(tx, moment.stage.log, caller, _panel(moment), reason, _due(moment), projects)


def _due(moment: Moment) -> date:
    due_on = _asked(moment).due_on
    if due_on is None:
        raise moment.broken("say until when the sheets are due")
    return due_on


ACTS: dict[str, Callable[[Moment], None]] = {
    "found": _found,
    "declare": _declare,
    "assign": _assign,
    "assign_pair": _assign_pair,
    "open": _open,
    "score": _score,
    "sit": _sit,
    "conclude": _conclude,
    "reopen": _reopen,
}
LABELS = {
    "found": Text("组建", "founded"),
    "declare": Text("申报利益冲突", "conflicts declared"),
    "assign": Text("均衡分配", "assigned evenly"),
    "assign_pair": Text("指定评审专家", "assigned by hand"),
    "open": Text("开始评分", "scoring opened"),
    "score": Text("专家评分", "scored"),
    "sit": Text("登记评审会", "sitting recorded"),
    "conclude": Text("形成结果", "concluded"),
    "reopen": Text("重新评审", "scored anew"),
}
