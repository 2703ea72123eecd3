"""Owns conflicts of interest that need no declaration: an expert's unit, group or affiliates among the applicants."""

from typing import NamedTuple

from states.facts import Application, UnitRole
from states.findings import Text


class Interest(NamedTuple):
    """What ties an expert to applicants: the unit he works for (credit code) and the group that unit belongs to."""

    unit: str | None = None
    group: str | None = None


DECLARED = "declared"
GROUNDS: dict[str, Text] = {
    "same_unit": Text("专家所在单位为牵头单位", "the expert's unit leads the project"),
    "member": Text("专家所在单位为联合体成员", "the expert's unit is a member of the consortium"),
    "same_group": Text("专家与申报单位属同一集团", "the expert and an applicant belong to one group"),
    "affiliated": Text("专家所在单位与申报单位关联", "the expert's unit is affiliated with an applicant"),
    DECLARED: Text("专家本人申报回避", "declared by the expert"),
}


def conflicts_of(interest: Interest, application: Application) -> tuple[str, ...]:
    """Return the grounds on which an expert may not score a project, none where there is no conflict."""
    members, found = application.members, []
    if interest.unit:
        roles = {unit.role for unit in members if unit.credit_code == interest.unit}
        if UnitRole.LEAD in roles:
            found.append("same_unit")
        if roles - {UnitRole.LEAD}:
            found.append("member")
    groups = {application.group, *(unit.group for unit in members)} - {None}
    if interest.group and _plain(interest.group) in {_plain(group) for group in groups if group}:
        found.append("same_group")
    if interest.unit and any(interest.unit in unit.affiliates for unit in members):
        found.append("affiliated")
    return tuple(found)


def _plain(name: str) -> str:
    """Return a group's name without what people write now one way, now another."""
    return "".join(name.split()).casefold().replace("（", "(").replace("）", ")")
