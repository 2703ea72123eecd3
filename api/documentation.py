"""The documents that are generated from the data: `python -m api.documentation` writes them, `--check` compares."""

import sys
from pathlib import Path

from api.rule_page import NOTICE, eligibility_page
from states.audience import roles_meant
from states.definition import DocketSpec, LifecycleDefinition
from states.diagram import mermaid
from states.library import bundled_definitions, bundled_policies, plan_of
from states.planning import BY_HAND
from states.policy import Policy
from states.reminders import ReminderPlan, Series
from states.roles import role_book

DOCS = Path(__file__).parent.parent / "docs"


def lifecycle_page(definition: LifecycleDefinition) -> str:
    """Return the page of a lifecycle: diagram, states, acts, checkpoints, invariants."""
    lines = [NOTICE, f"# {definition.definition.zh} · {definition.definition.en}\n"]
    lines += [f"`{definition.name}`, SHA-256 `{definition.hash}`\n", "```mermaid", mermaid(definition), "```\n"]
    lines += [
        "## 状态 States\n",
        "| 代码 code | 状态 | state | 阶段 phase | 终态 final | 占用 holds | 期限 checkpoints |",
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for code, state in definition.states.items():
        holds = "、".join(definition.capacities[name].zh for name in state.holds)
        extra = [f"{kind}（{mode}）" for mode, kinds in state.mode_checkpoints.items() for kind in kinds]
        kept = "、".join([*state.checkpoints, *extra])
        final = "■" if state.final else ""
        phase = definition.phases[state.phase].zh
        lines.append(f"| `{code}` | {state.zh} | {state.en} | {phase} | {final} | {holds} | {kept} |")
    lines += ["\n## 事项 Acts\n"]
    lines += [
        "| 代码 event | 事项 | 从 → 至 from → to | 办理人 by | 须填 fields | 须附 documents | 规则 rules | 其他 also |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    lines += [_act(definition, number) for number in range(len(definition.transitions))]
    lines += ["\n## 期限 Checkpoints\n", "| 代码 kind | 期限 | checkpoint | 计算 reckoned |", "|---|---|---|---|"]
    for kind, spec in definition.checkpoints.items():
        parts = [spec.anchor or f"after {spec.after}"]
        parts += [f"+ {spec.months} months" if spec.months else "", f"+ {spec.days} days" if spec.days else ""]
        parts += [f"typed in {spec.typed}" if spec.typed else ""]
        parts += ["moves with extension and suspension" if spec.shifts else ""]
        parts += ["moves with suspension" if spec.stood else ""]
        lines.append(f"| `{kind}` | {spec.zh} | {spec.en} | {'; '.join(part for part in parts if part)} |")
    lines += [
        "\n## 办理清单 Dockets\n",
        "| 代码 kind | 清单 | docket | 范围 per | 办理人 by | 事项 acts | 共同填写 header | "
        "须附 documents | 排序 ranked | 接收与退回 received |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [f"| `{name}` | {_docket(definition, spec)} |" for name, spec in definition.dockets.items()]
    lines += ["\n## 不变量 Invariants (proved by `pilot check`)\n"]
    lines += [f"- **{item.name}**: {item.zh} / {item.en}" for item in definition.invariants]
    return "\n".join(lines) + "\n"


def _act(definition: LifecycleDefinition, number: int) -> str:
    arrow, book = definition.transitions[number], role_book()
    target = definition.states[arrow.target].zh if arrow.target in definition.states else arrow.target
    sources = "、".join(definition.states[source].zh for source in arrow.source)
    people = "、".join(book.roles[code].label.zh for code in sorted(book.expand(arrow.by)) if code in book.roles)
    fields = "、".join(
        [definition.fields[name].zh for name in arrow.fields]
        + [f"（{definition.fields[name].zh}）" for name in arrow.optional]
    )
    documents = "、".join(
        [definition.documents[name].zh for name in arrow.documents]
        + [f"（{definition.documents[name].zh}）" for name in arrow.optional_documents]
    )
    also = [
        "须写明理由" if arrow.reason else "",
        "两人办理" if arrow.persons == 2 else "",
        f"不得与办理{'、'.join(arrow.not_by)}者同一人" if arrow.not_by else "",
        f"验收模式：{'、'.join(arrow.modes)}" if arrow.modes else "",
        "逐个办理" if not arrow.bulk else "",
    ]
    rules = " ".join(f"`{name}`" for name in arrow.rules)
    return (
        f"| `{arrow.event}` | {arrow.zh} | {sources} → {target} | {people} | {fields} | {documents} | {rules} | "
        f"{'；'.join(note for note in also if note)} |"
    )


def _docket(definition: LifecycleDefinition, spec: DocketSpec) -> str:
    fields, documents, book = definition.fields, definition.documents, role_book()

    def people(names: tuple[str, ...]) -> str:
        return "、".join(book.roles[code].label.zh for code in sorted(book.expand(names)))

    cells = [
        spec.zh,
        spec.en,
        {"city": "一市 one city", "batch": "全批次 the batch"}[spec.per],
        people(spec.by) + ("（两人 two persons）" if spec.persons == 2 else ""),
        "、".join(f"`{event}`" for event in spec.events),
        "、".join(fields[name].zh for name in spec.header),
        "、".join(
            [documents[kind].zh for kind in spec.documents]
            + [f"（{documents[kind].zh}）" for kind in spec.optional_documents]
        ),
        fields[spec.ranked].zh if spec.ranked else "",
        "；".join(
            [
                people(spec.received_by),
                f"退回 returns `{spec.returns}`",
                *([f"截止 due {spec.due}"] if spec.due else []),
            ]
        )
        if spec.returns
        else "",
    ]
    return " | ".join(cells)


def reminders_page(plan: ReminderPlan, policy: Policy, definition: LifecycleDefinition) -> str:
    """Return who is told of which checkpoint and act, and when."""
    times = plan.times
    lines = [NOTICE, f"# {plan.plan.zh} · {plan.plan.en}\n", f"`{plan.name}`, SHA-256 `{plan.hash}`\n"]
    lines += [
        f"到期前天数等方案未列的，依规则版本 policy `{policy.name}`。时区 zone {policy.policy.zone}。",
        "批次可另用自己的提醒方案。以下均为批次设置（CFG），不得称为通知要求。\n",
        f"- 每日{times.remind_at:%H:%M}提醒 reminders at；汇总 digests at {times.digest_at:%H:%M}；"
        f"发送时段 sending window {times.opens:%H:%M}–{times.closes:%H:%M}"
        f"{'，仅限工作日 on working days only' if times.working_days_only else ''}",
        "- 到期日等逢休息日的，提前至前一工作日 brought forward；逾期提醒仅在工作日发出，督办顺延至工作日 put off\n"
        if times.working_days_only
        else "- 逾期提醒仅在工作日发出，督办顺延至工作日 overdue and escalation on working days\n",
        "## 期限提醒 Checkpoints\n",
        "| 代码 kind | 期限 | checkpoint | 提醒对象 told | 产生或调整时 at once | 到期前 before | 当日 on the day | "
        "逾期 overdue | 督办 escalation |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    labels = {kind: (spec.zh, spec.en) for kind, spec in definition.checkpoints.items()}
    for kind, (zh, en) in {**labels, BY_HAND: ("另行增加的期限", "added by hand")}.items():
        lines.append(f"| `{kind}` | {zh} | {en} | {_when(plan.series_for(kind, policy))} |")
    lines += ["\n## 事项告知 Acts\n", "| 代码 event | 事项 | act | 告知对象 told |", "|---|---|---|---|"]
    for event, roles in plan.events.items():
        arrow = definition.by_event[event][0]
        lines.append(f"| `{event}` | {arrow.zh} | {arrow.en} | {_people(roles)} |")
    return "\n".join(lines) + "\n"


def _when(series: Series) -> str:
    working = "、".join(map(str, series.before_working_days or ()))
    plain = "、".join(map(str, series.before_calendar_days))
    before = [f"{working} 个工作日 working days" if working else "", f"{plain} 日 calendar days" if plain else ""]
    steps = [f"{step.after_days} 日后 days after：{_people(step.to)}" for step in series.escalation or ()]
    cells = [
        _people(series.to),
        "■" if series.opened else "",
        "；".join(part for part in before if part),
        "■" if series.on_the_day else "",
        f"每个工作日，至第 {series.overdue_days} 日 daily" if series.overdue else "",
        "；".join(steps),
    ]
    return " | ".join(cell or "—" for cell in cells)


def _people(roles: tuple[str, ...]) -> str:
    return "、".join(role_book().roles[role].label.zh for role in roles_meant(roles))


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    found: dict[Path, str] = {}
    for policy, _ in bundled_policies().values():
        definition = bundled_definitions()[policy.policy.definition][0]
        found[DOCS / "lifecycle.md"] = lifecycle_page(definition)
        found[DOCS / "eligibility.md"] = eligibility_page(policy, definition)
        found[DOCS / "reminders.md"] = reminders_page(plan_of(definition.name), policy, definition)
    return found


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are stale; exit code 1 where any is."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(DOCS.parent)} is stale: run `make docs` and commit it\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
