"""A rehearsal as plain text: the story by date, projects by state, the money, the checks."""

from collections.abc import Iterator, Sequence
from typing import Literal

from lifecycle.rehearsal.moment import NUMBERS
from lifecycle.rehearsal.performance import Rehearsal
from lifecycle.rehearsal.play import Line
from lifecycle.workbook.money import to_wan
from states.findings import Text

Lang = Literal["zh", "en"]
FEW = 4  # projects that are named one by one

_STORY = Text("一、经过", "1. What happened")
_COUNTS = Text("二、各状态项目数", "2. Projects by state")
_MONEY = Text("三、资金（万元）", "3. The money (10,000 yuan)")
_CHECKS = Text("四、核对（仅依据留痕）", "4. Checks (by the log alone)")
_TOTAL = Text("合计", "total")
_CLEAN = Text("核对无误：留痕{entries}条，{checks}项全部符合。", "Clean: {entries} entries, all {checks} checks hold.")
_BROKEN = Text("核对发现{number}处问题。", "{number} violations.")
_SEVERAL = Text("{number}项", "{number} projects")
_REFUSED = Text("未予办理：{which}{rules}", "refused: {which}{rules}")
_FAILED = Text("未予办理：{why}", "refused: {why}")
_BRACKETS = Text("（{text}）", " ({text})")
_AWAITING = Text("待第二人确认", "awaits a second person")


def render(rehearsal: Rehearsal, lang: Lang = "zh") -> str:
    """Return a rehearsal as text in a language, one line a step."""
    return "\n".join(_lines(rehearsal, 0 if lang == "zh" else 1)) + "\n"


def _lines(rehearsal: Rehearsal, at: int) -> Iterator[str]:
    yield f"{rehearsal.title[at]}{rehearsal.suffix if at == 0 else ' (all data invented)'}"
    yield from ("", _STORY[at])
    for line in rehearsal.lines:
        yield f"{line.on}  {_told(line, at)}"
    yield from ("", _COUNTS[at])
    for state, count in rehearsal.counts.items():
        yield f"  {rehearsal.labels[state][at]}  {count}"
    yield f"  {_TOTAL[at]}  {sum(rehearsal.counts.values())}"
    yield from ("", _MONEY[at])
    for name, fen in rehearsal.money.items():
        yield f"  {rehearsal.money_labels[name][at]}  {to_wan(fen) if fen >= 0 else -to_wan(-fen):,}"
    yield from ("", _CHECKS[at])
    for check in rehearsal.checks:
        yield f"  {'×' if check.flaws else '√'} {check.label[at]}"
        for flaw in check.flaws:
            yield f"      {flaw.stream} #{flaw.seq}: {flaw.what}"
    yield from ("", _verdict(rehearsal, at))


def _told(line: Line, at: int) -> str:
    parts = []
    if line.done:
        parts.append(_which(line.done, at) + (_BRACKETS[at].format(text=_AWAITING[at]) if line.awaiting else ""))
    if line.refused:
        # Structural checks have no number; the story's own words say what was wrong.
        rules = sorted({rule for named in line.refused.values() for rule in named if rule in NUMBERS})
        told = _BRACKETS[at].format(text="、".join(rules)) if rules else ""
        parts.append(_REFUSED[at].format(which=_which(list(line.refused), at), rules=told))
    if line.failed:
        parts.append(_FAILED[at].format(why=line.failed[at]))
    parts += [more[at] for more in line.more]
    if at == 0:
        return f"{line.who.zh}　{line.act.zh}　{'；'.join(parts)}。{line.say.zh}"
    return f"{line.who.en}: {line.act.en}: {'; '.join(parts)}. {line.say.en}"


def _which(aliases: Sequence[str], at: int) -> str:
    return "、".join(aliases) if len(aliases) <= FEW else _SEVERAL[at].format(number=len(aliases))


def _verdict(rehearsal: Rehearsal, at: int) -> str:
    if rehearsal.violations:
        return _BROKEN[at].format(number=len(rehearsal.violations))
    return _CLEAN[at].format(entries=rehearsal.entries, checks=len(rehearsal.checks))
