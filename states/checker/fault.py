"""Owns what the checker says: a fault, its sentences in both languages, and the path that shows it."""

from dataclasses import dataclass
from typing import NamedTuple

from states.findings import Text


class Step(NamedTuple):
    """One act on a path. `first` marks the first of two signatures: it is put on record and nothing moves."""

    event: str
    actor: str
    source: str
    target: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a definition or a policy. `path` begins at the initial state and is a shortest one."""

    code: str
    place: str
    message: Text
    path: tuple[Step, ...] = ()

    def text(self, lang: str = "zh") -> str:
        """Return the fault as lines: place and message, then the path one step a line."""
        message = self.message.en if lang == "en" else self.message.zh
        signs = "signs first" if lang == "en" else "先签"
        lines = [f"{self.place}: {message} [{self.code}]"]
        for number, step in enumerate(self.path, 1):
            mark = f" ({signs})" if step.first else ""
            lines.append(f"  {number}. {step.event} · {step.actor}{mark}: {step.source} → {step.target}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text("en")


NOUNS = {
    "phase": Text("阶段", "phase"),
    "state": Text("状态", "state"),
    "field": Text("字段", "field"),
    "document": Text("材料", "document"),
    "checkpoint": Text("节点", "checkpoint"),
    "capacity": Text("限额", "capacity"),
    "key": Text("限额键函数", "key function"),
    "measure": Text("限额计量函数", "measure function"),
    "flag": Text("标记", "flag"),
    "role": Text("角色", "role"),
    "rule": Text("规则", "rule"),
    "event": Text("操作", "event"),
    "mode": Text("验收模式", "acceptance mode"),
    "anchor": Text("起算日", "anchor"),
    "setting": Text("政策参数", "setting of the policy"),
    "ownership": Text("企业性质", "kind of ownership"),
    "docket": Text("清单", "kind of docket"),
    "place": Text("可填位置", "place to fill in"),
    "definition": Text("随附流程定义", "bundled definition"),
}

SENTENCES = {
    "field_type": Text("字段{what}的类型应为{more}", "the field {what} must be of the type {more} here"),
    "never_on_record": Text("字段{what}没有任何操作登记，无从起算", "no act puts the field {what} on record"),
    "round_without_checkpoint": Text("该期缺少节点{what}", "the round has no checkpoint {what}"),
    "checkpoint_shape": Text("节点写法有误：{what}", "the checkpoint cannot be computed as written: {what}"),
    "checkpoint_twice": Text("节点{what}在同一状态重复", "the state keeps the checkpoint {what} twice"),
    "invariant_incomplete": Text("不变式缺少{what}，什么也证明不了", "without {what} the invariant proves nothing"),
    "unreachable_state": Text("任何模式下都到不了此状态", "no path of any mode leads to this state"),
    "no_way_out": Text("{what}模式下此状态没有出路", "in the mode {what} no arrow leads out of this state"),
    "deadlock": Text("{what}模式下到此无事可办", "in the mode {what} a path ends here, and no act is possible"),
    "cannot_end": Text(
        "{what}模式下由此到不了任何终态",
        "in the mode {what} a path leads here from which no final state can be reached",
    ),
    "flag_stuck": Text(
        "{what}模式下到此标记{more}未消除，此后至终态无路可消除",
        "in the mode {what} a path leads here with the flag {more} set, and no act before the end can clear it",
    ),
    "final_left_by_one": Text(
        "终态{what}只能由两人办理方可离开", "one person may take a project out of the final state {what}"
    ),
    "nobody_may": Text("无人可办：{what}", "nobody may take it: by {what}"),
    "requires_and_forbids": Text("既要求又禁止标记{what}", "it requires and forbids the flag {what}"),
    "flag_never_set": Text("所需标记{what}从未设置", "it requires the flag {what}, which no act sets"),
    "source_unreachable": Text(
        "在其适用的模式下到不了状态{what}", "in none of its modes a path leads to its source {what}"
    ),
    "never_taken": Text("由状态{what}永远走不通", "no path can take it from its source {what}"),
    "two_could_apply": Text("与{more}在状态{what}同时适用", "both this and {more} would apply in the state {what}"),
    "not_taken": Text("清单的各项操作都不收字段{what}", "no act of the docket takes the field {what}"),
    "not_in_header": Text("字段{what}不是清单的共同填写项", "the field {what} is none of the docket's header"),
    "not_bulk": Text("操作{what}须逐个办理，不能列入清单", "the act {what} is done one project at a time"),
    "role_may_not": Text("角色{what}无权办理{more}", "the role {what} may not do {more}"),
    "docket_incomplete": Text("{what}须同时写明", "{what} go together"),
    "private_place": Text("公开文书不得使用{{{what}}}", "a public paper may not name {{{what}}}"),
    "public_without_docket": Text("公开文书{what}须属于一种清单", "the public paper {what} belongs to no docket"),
    "setting_type": Text("参数{what}应为{more}", "the setting {what} must be a {more}"),
    "deadline_without_checkpoint": Text(
        "期限参数{what}没有对应节点", "no checkpoint is computed from the deadline {what}"
    ),
    "policy_for_another": Text("政策适用于{what}，不是{more}", "the policy goes with {what}, not with {more}"),
    "plan_for_another": Text("提醒方案适用于{what}，不是{more}", "the plan goes with {what}, not with {more}"),
    "nobody_told": Text("{what}未安排提醒任何人", "nobody is ever told of {what}"),
    "cannot_be_told": Text(
        "角色{what}无权查看项目，提醒不到任何人", "the role {what} may read no project: nobody in it would be told"
    ),
    "unreadable": Text("无法读取：{what}", "cannot be read: {what}"),
    "name_taken": Text("名称{what}已用于{more}", "the name {what} is taken by {more}"),
    "visited_before_broken": Text(
        "不变式不成立（{more}，{what}模式）", "the invariant does not hold ({more}; mode {what})"
    ),
}
SENTENCES |= {
    f"{kind}_broken": SENTENCES["visited_before_broken"] for kind in ("never_with_flag", "two_persons", "must_hold")
}
SENTENCES |= {
    f"unknown_{kind}": Text(f"没有名为{{what}}的{noun.zh}", f"there is no {noun.en} {{what}}")
    for kind, noun in NOUNS.items()
}
SENTENCES |= {
    f"unused_{kind}": Text(f"{noun.zh}{{what}}从未使用", f"the {noun.en} {{what}} is never used")
    for kind, noun in NOUNS.items()
    if kind in ("phase", "field", "document", "flag", "capacity", "checkpoint", "rule")
}


def fault(code: str, place: str, what: str = "", more: str | Text = "", path: tuple[Step, ...] = ()) -> Fault:
    """Return the fault of this code, its sentence filled in; `more` may differ by language.

    Raises:
        KeyError: there is no such code.
    """
    template = SENTENCES[code]
    zh, en = more if isinstance(more, Text) else (more, more)
    message = Text(template.zh.format(what=what, more=zh), template.en.format(what=what, more=en))
    return Fault(code, place, message, path)
