"""Invented projects and units: the same for the same material, with valid credit codes that no real unit has."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from stdnum.cn import uscc

from lifecycle.invention.material import Material, Shape
from lifecycle.workbook import QuotaRow, ShortlistRow, TaskRow
from states.facts import Application, Member, UnitRole

FEN_IN_WAN = 1_000_000
_ENTERPRISE = "91"  # registered as an enterprise with the market regulator (GB 32100, 1–2)
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714, check character of the organisation code


@dataclass(frozen=True, slots=True)
class Invented:
    """One project: its alias, what it files, and whether its manufacturers were shortlisted before."""

    alias: str
    application: Application
    shortlisted: bool


@dataclass(slots=True)
class _Bench:
    """The invention under way: how many units there are, and the projects so far."""

    material: Material
    units: int = 0
    done: dict[str, Invented] = field(default_factory=dict)

    def pick(self, what: str, most: int) -> int:
        """Return a number below `most`, always the same for the same seed and purpose."""
        digest = hashlib.sha256(f"{self.material.material.seed}/{what}".encode()).digest()
        return int.from_bytes(digest[:8]) % most

    def unit(self, role: UnitRole, division: str, word: str) -> Member:
        """Invent a unit registered in a city."""
        self.units += 1
        words, rules = self.material.words, self.material.policy.rules
        pattern = {UnitRole.LEAD: words.lead, UnitRole.LANDING: words.landing, UnitRole.OTHER: words.other}[role]
        kind = {UnitRole.LEAD: rules.R01.lead_kind, UnitRole.LANDING: rules.R01.landing_kind}.get(role, "other")
        name = pattern.format(city=self.material.policy.cities[division].zh, word=word)
        return Member(_numbered(name, self.units), credit_code(division, self.units), role, kind)


def invent_projects(material: Material) -> list[Invented]:
    """Return the batch's projects, city by city."""
    bench = _Bench(material)
    for city, plan in material.cities.items():
        for number in range(1, plan.projects + 1):
            alias = f"{material.policy.cities[city].zh}{number}"
            bench.done[alias] = _invent(bench, alias, city, number)
    return list(bench.done.values())


def invent_tasks(material: Material) -> list[TaskRow]:
    """Return the task list."""
    return [TaskRow(row, task.code, task.title, task.category) for row, task in enumerate(material.tasks, 1)]


def invent_quotas(material: Material) -> list[QuotaRow]:
    """Return the quota table."""
    return [QuotaRow(row, city, plan.quota) for row, (city, plan) in enumerate(material.cities.items(), 1)]


def invent_shortlist(material: Material) -> list[ShortlistRow]:
    """Return the earlier batch's shortlist: manufacturers that apply again, and others that do not."""
    projects = invent_projects(material)
    bench = _Bench(material, units=sum(len(project.application.members) for project in projects))
    units = [
        member
        for project in projects
        if project.shortlisted
        for member in project.application.members
        if member.role is UnitRole.LANDING
    ]
    cities, words = list(material.cities), material.words
    for number in range(material.earlier.units):
        word = words.landing_words[bench.pick(f"earlier/{number}", len(words.landing_words))]
        units.append(bench.unit(UnitRole.LANDING, cities[number % len(cities)], word))
    return [ShortlistRow(row, unit.name, unit.credit_code, words.first_batch) for row, unit in enumerate(units, 1)]


def credit_code(division: str, number: int) -> str:
    """Return a valid unified social credit code (GB 32100) of a division for the `number`th invented unit."""
    organisation = f"{number:08d}"
    total = sum(int(digit) * weight for digit, weight in zip(organisation, _WEIGHTS, strict=True))
    check = "0123456789X0"[11 - total % 11]
    body = f"{_ENTERPRISE}{division}{organisation}{check}"
    return body + str(uscc.calc_check_digit(body))


def _invent(bench: _Bench, alias: str, city: str, number: int) -> Invented:
    material = bench.material
    words, filing, shape = material.words, material.filing, material.shapes.get(alias, Shape())
    serial = len(bench.done) + 1
    task = material.tasks[bench.pick(f"task/{alias}", len(material.tasks))]
    landing_word = words.landing_words[bench.pick(f"landing/{alias}", len(words.landing_words))]
    scene = words.scenes[bench.pick(f"scene/{alias}", len(words.scenes))]
    low, high = filing.investment_wan
    investment = shape.investment_wan or low + bench.pick(f"investment/{alias}", (high - low) // 10) * 10
    application = Application(
        title=words.title.format(word=landing_word, scene=scene, code=alias),
        task_code=task.code,
        city=city,
        ownership=shape.ownership or filing.ownership,
        members=tuple(_members(bench, alias, city, shape, landing_word)),
        investment_fen=investment * FEN_IN_WAN,
        starts_on=filing.starts_on,
        ends_on=filing.ends_on,
        group=shape.group,
        rank=number,
        opinion=words.opinion,
        remarks=words.remarks + (shape.remarks or ""),
        contact_name=words.contact.format(number=serial),
        contact_phone=words.phone.format(number=serial),
    )
    return Invented(alias, application, shape.shortlisted)


def _members(bench: _Bench, alias: str, city: str, shape: Shape, word: str) -> Iterator[Member]:
    words = bench.material.words
    serial = len(bench.done) + 1
    lead_word = words.lead_words[bench.pick(f"lead/{alias}", len(words.lead_words))]
    if shape.lead_of:
        yield bench.done[shape.lead_of].application.members[0]
    else:
        yield bench.unit(UnitRole.LEAD, shape.lead_city or city, lead_word)
    if shape.landing_of:
        yield bench.done[shape.landing_of].application.members[1]
    else:
        yield bench.unit(UnitRole.LANDING, city, word)
    third = serial % bench.material.filing.third_member_every == 0
    count = shape.members or (3 if third else 2)
    if count > 3:
        yield bench.unit(UnitRole.LANDING, city, words.landing_words[-1])
    if count > 2:
        yield bench.unit(UnitRole.OTHER, city, lead_word)


def _numbered(name: str, number: int) -> str:
    """Return a name that no other invented unit has."""
    return name.replace("（", f"{number:03d}（", 1)
