"""The verdict on a log: everything that must be true of it, and what breaks it."""

from lifecycle.rehearsal.chronicle import Chronicle, Flaw
from lifecycle.rehearsal.companions import dockets, panels
from lifecycle.rehearsal.invariants import INVARIANTS, Ground, holdings, moves, overrides
from lifecycle.rehearsal.promises import PROMISES
from states.definition import Invariant
from states.findings import Text
from states.story import Promise

ALWAYS = {
    "chain_gapless": Text("留痕链条连续、无缺无改", "every stream's chain is whole"),
    "changes_follow": Text("每次变更均以前值为起点", "every change begins at the value before it"),
    "moves_as_defined": Text(
        "每次状态变化均合流程、合职责", "every move is an arrow of the lifecycle, by a role that may"
    ),
    "override_by_right": Text("突破条款均有权限、有理由", "every rule set aside by right and with a reason"),
    "dockets_as_carried_out": Text(
        "清单所载结果与项目留痕一致", "what dockets tell is what the projects' entries tell"
    ),
    "panels_as_scored": Text("评审结果由评分表得出，回避者未评分", "results follow from sheets, none in conflict"),
    "holdings_as_told": Text("名额和资金占用与状态一致", "what is held of quotas and budget follows from the states"),
}


def check_log(chronicle: Chronicle, ground: Ground) -> list[Flaw]:
    """Return everything in the log that breaks a promise; empty where it is clean."""
    flaws = [*chronicle.flaws, *overrides(chronicle), *moves(chronicle, ground), *holdings(chronicle, ground)]
    flaws += [*dockets(chronicle), *panels(chronicle)]
    for invariant in ground.invariants:
        flaws.extend(INVARIANTS[invariant.kind](chronicle, ground, invariant))
    for promise in ground.story.promises:
        flaws.extend(PROMISES[promise.kind](chronicle, ground, promise))
    return flaws


def labels_of(ground: Ground) -> dict[str, Text]:
    """Return the name and label of everything that `check_log` checks."""
    declared: tuple[Invariant | Promise, ...] = (*ground.invariants, *ground.story.promises)
    return {**ALWAYS, **{one.name: Text(one.zh, one.en) for one in declared}}
