"""Columns with a closed set of answers: city, ownership, yes or no. The batch's policy gives the sets."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lifecycle.workbook.cells import read_line
from lifecycle.workbook.refusals import Unclean
from lifecycle.workbook.sheet import Cell, Kind

_YES = frozenset({"是", "√", "✓", "✔", "☑", "Y", "YES", "TRUE", "1", "占用", "占"})
_NO = frozenset({"否", "×", "✕", "✖", "✗", "✘", "☒", "X", "N", "NO", "FALSE", "0", "不占用", "不占"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one batch: codes and Chinese names. `exempt` are the ownerships that use no quota."""

    cities: Mapping[str, str]
    ownerships: Mapping[str, str]
    lead_kind: str
    landing_kind: str
    exempt: frozenset[str] = frozenset()


def city_reader(vocabulary: Vocabulary) -> Callable[[Cell], str]:
    """Return a reader that turns 济南, 济南市, 山东省济南市 or 370100 into the city's code."""
    known = {_city(name): code for code, name in vocabulary.cities.items()}

    def read_city(cell: Cell) -> str:
        text = _plain(read_line(cell))
        code = text if text in vocabulary.cities else known.get(_city(text))
        if code is None:
            raise _unknown("city", "市", "city", vocabulary.cities)
        return code

    return read_city


def ownership_reader(vocabulary: Vocabulary) -> Callable[[Cell], str]:
    """Return a reader that turns a kind of ownership, as it is usually written, into its code."""
    known = {_ownership(name): code for code, name in vocabulary.ownerships.items()}

    def read_ownership(cell: Cell) -> str:
        text = read_line(cell)
        code = text if text in vocabulary.ownerships else known.get(_ownership(text))
        if code is None:
            raise _unknown("ownership", "企业性质", "ownership", vocabulary.ownerships)
        return code

    return read_ownership


def read_yes_no(cell: Cell) -> bool:
    """Read 是 or 否, √ or ×, and their like."""
    if cell.kind is Kind.TRUTH:
        return cell.text.strip() in ("1", "true")
    text = _plain(read_line(cell)).upper()
    if text in _YES or text in _NO:
        return text in _YES
    raise Unclean("not_yes_no", "请填写“是”或“否”", "write 是 or 否")


def write_yes_no(value: bool | None) -> str | None:
    """Write what `read_yes_no` reads."""
    return None if value is None else "是" if value else "否"


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _city(text: str) -> str:
    return re.sub("^.*省", "", _plain(text)).removesuffix("市")


def _ownership(text: str) -> str:
    return _plain(text).replace("国有企业", "国企").replace("其它", "其他").removesuffix("企业")


def _unknown(code: str, zh: str, en: str, known: Mapping[str, str]) -> Unclean:
    names = "、".join(known.values())
    return Unclean(f"unknown_{code}", f"{zh}应为以下之一：{names}", f"the {en} is one of {names}")
