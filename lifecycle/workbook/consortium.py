"""The units of a consortium in a row: which columns name them, and which column holds whose code."""

from typing import NamedTuple

from lifecycle.workbook.cells import read_codes_text, read_credit_code, read_name, read_units_text
from lifecycle.workbook.choices import Vocabulary
from lifecycle.workbook.columns import Header, Place
from lifecycle.workbook.refusals import Unclean
from lifecycle.workbook.table import Line, Reading
from lifecycle.workbook.texts import split_units
from states.facts import Member, UnitRole
from states.findings import Text

ROLES = (UnitRole.LEAD, UnitRole.LANDING, UnitRole.OTHER)
CODE = "code"  # a column of codes that does not say whose


class UnitColumns(NamedTuple):
    """A column of units, and the column of their codes if there is one."""

    role: UnitRole
    name: Place
    code: Place | None


def bind_codes(reading: Reading) -> list[UnitColumns]:
    """Find for each column of units its column of codes.

    Codes that say whose they are go with their names in order. A code that does not say belongs to the one
    unit column before it that has none yet; where that leaves a choice, guessing could exchange two
    companies, and it is an error.
    """
    header = reading.header
    bound: dict[Place, Place] = {}
    for role in ROLES:
        names, codes = header.places.get(role.value, []), header.places.get(code_key(role), [])
        if codes and len(codes) != len(names):
            _refuse(reading, codes[-1])
        bound.update(zip(names, codes, strict=False))
    leading = []
    for code in header.places.get(CODE, []):
        free = [name for _, name in _names(header) if name not in bound and name.number < code.number]
        if len(free) == 1:
            bound[free[0]] = code
        elif free:
            _refuse(reading, code)
        else:
            leading.append(code)
    lead = header.first(UnitRole.LEAD.value)
    if len(leading) == 1 and lead is not None and lead not in bound:
        bound[lead] = leading.pop()
    for code in leading:
        _refuse(reading, code)
    if lead is not None and lead not in bound:
        text = Text("缺少牵头单位的统一社会信用代码列", "the column of the lead unit's credit code is missing")
        reading.errors.add(header.row, "", lead.text, "missing_column", text)
    return [UnitColumns(role, name, bound.get(name)) for role, name in _names(header)]


def read_members(line: Line, units: list[UnitColumns], vocabulary: Vocabulary) -> tuple[Member, ...]:
    """Read a row's units: the lead, the landing units, the others, each in the order of their columns."""
    members = []
    for columns in units:
        found = _read_lead(line, columns) if columns.role is UnitRole.LEAD else _read_units(line, columns)
        kind = kind_of(columns.role, vocabulary)
        members += [Member(name, code, columns.role, kind) for name, code in found]
    return tuple(members)


def kind_of(role: UnitRole, vocabulary: Vocabulary) -> str:
    """Return the kind of unit that has this place in a consortium."""
    if role is UnitRole.LEAD:
        return vocabulary.lead_kind
    return vocabulary.landing_kind if role is UnitRole.LANDING else "other"


def code_key(role: UnitRole) -> str:
    """Return the key of the column of this role's codes."""
    return f"{role.value}_code"


def _names(header: Header) -> list[tuple[UnitRole, Place]]:
    return [(role, place) for role in ROLES for place in header.places.get(role.value, [])]


def _read_lead(line: Line, columns: UnitColumns) -> list[tuple[str, str]]:
    name = line.read(columns.name, read_name, needed=True)
    code = line.read(columns.code, read_credit_code, needed=True)
    return [(name, code)] if name and code else []


def _read_units(line: Line, columns: UnitColumns) -> list[tuple[str, str]]:
    names = line.read(columns.name, read_units_text, nothing=True)
    codes = line.read(columns.code, read_codes_text, nothing=True)
    if names is None:
        if codes is not None and line.readable(columns.name):
            text = Text("有代码而没有单位名称", "a code without a unit's name")
            line.fault(columns.name, "name_missing", text)
        return []
    if codes is None and not line.readable(columns.code):
        return []  # the code's own error is noted
    try:
        return split_units(names, codes)
    except Unclean as unclean:
        line.fault(columns.code or columns.name, unclean.code, unclean.text)
        return []


def _refuse(reading: Reading, code: Place) -> None:
    text = Text(
        "无法判断该代码列属于哪个单位；请在表头写明，例如“场景落地单位1统一社会信用代码”",
        "it is not clear whose codes these are; say so in the header, as in «场景落地单位1统一社会信用代码»",
    )
    reading.errors.add(reading.header.row, code.letters, code.text, "ambiguous_column", text)
