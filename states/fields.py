"""The fields an act brings: read from JSON, held against their specification, made canonical."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from states.changes import read_change
from states.definition import FieldSpec, LifecycleDefinition, Transition
from states.indicators import read_attainments

Cleaner = Callable[[LifecycleDefinition, Transition, Mapping[str, Any]], tuple[dict[str, Any], dict[str, str]]]
TEXT_LIMIT = 4000
MONEY_LIMIT = 10**15  # fen; far above any budget, far below what JSON readers round
POINTS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?")
TWO_PLACES = Decimal("0.01")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class FieldProblem(ValueError):
    """A field cannot be taken; the message says what it should be."""


def clean_fields(
    definition: LifecycleDefinition, transition: Transition, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields as canonical JSON values, and what is wrong with the others by name.

    Dates become ISO strings, money integer fen, scores decimal strings with at most two places, codes sorted lists.
    """
    return clean_known(definition, {*transition.fields, *transition.optional}, given)


def cleaning_once(common: Mapping[str, Any]) -> Cleaner:
    """Return a `clean_fields` that cleans these very fields once for each transition: one act on many projects.

    All of them get the same values, which nobody changes.
    """
    known: dict[tuple[str, int], tuple[dict[str, Any], dict[str, str]]] = {}

    def clean(
        definition: LifecycleDefinition, transition: Transition, given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        if given is not common:
            return clean_fields(definition, transition, given)
        key = (definition.hash, id(transition))
        if key not in known:
            known[key] = clean_fields(definition, transition, given)
        return known[key]

    return clean


def clean_known(
    definition: LifecycleDefinition, known: Collection[str], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of those `known` as canonical JSON values, and what is wrong with the others by name."""
    fields: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in given.items():
        if name not in known:
            wrong[str(name)[:64]] = "本操作没有此字段 / not a field of this act"
            continue
        if value is None:
            continue
        try:
            fields[name] = _clean(definition.fields[name], value)
        except FieldProblem as problem:
            wrong[name] = str(problem)
    return fields, wrong


def _clean(spec: FieldSpec, value: Any) -> Any:
    return _CLEANERS[spec.type](spec, value)


def clean_text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """Return a text without surrounding blanks.

    Raises:
        FieldProblem: not a text, empty, too long, or with control characters.
    """
    if not isinstance(value, str):
        raise FieldProblem("应为文本 / must be a text")
    text = value.replace("\r\n", "\n").strip()
    if not text:
        raise FieldProblem("不能为空 / must not be empty")
    if len(text) > limit:
        raise FieldProblem(f"不得超过{limit}字 / at most {limit} characters")
    if CONTROL.search(text):
        raise FieldProblem("含有控制字符 / holds control characters")
    return text


def _text(_spec: FieldSpec, value: Any) -> str:
    return clean_text(value)


def _date(_spec: FieldSpec, value: Any) -> str:
    if isinstance(value, str):
        try:
            read = date.fromisoformat(value)
        except ValueError:
            raise FieldProblem("应为日期，如2024-08-05 / must be a date like 2024-08-05") from None
        # Python also reads 20240805 and 2024-W32-1, in which a slip of the pen is hard to see.
        value = read if read.isoformat() == value else None
    if type(value) is not date:
        raise FieldProblem("应为日期，如2024-08-05 / must be a date like 2024-08-05")
    if not 1990 <= value.year <= 2200:  # beyond any programme; keeps arithmetic within range
        raise FieldProblem("日期超出范围 / the date is out of range")
    return value.isoformat()


def _integer(spec: FieldSpec, value: Any) -> int:
    if type(value) is not int:
        raise FieldProblem("应为整数 / must be an integer")
    low, high = spec.minimum or 0, spec.maximum if spec.maximum is not None else 10**6
    if not low <= value <= high:
        raise FieldProblem(f"应在{low}至{high}之间 / must be between {low} and {high}")
    return value


def _money(_spec: FieldSpec, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MONEY_LIMIT:
        raise FieldProblem("应为以分计的非负整数 / must be a non-negative integer of fen")
    return value


def _score(_spec: FieldSpec, value: Any) -> str:
    text = str(value) if type(value) is int else value
    if not (isinstance(text, str) and POINTS.fullmatch(text) and Decimal(text) <= 100):
        raise FieldProblem(
            '应为0至100、至多两位小数的文本，如"88.50" / must be a text from 0 to 100 with at most two decimals'
        )
    return format(Decimal(text).quantize(TWO_PLACES), "f")


def _boolean(_spec: FieldSpec, value: Any) -> bool:
    if type(value) is not bool:
        raise FieldProblem("应为true或false / must be true or false")
    return value


def _codes(spec: FieldSpec, value: Any) -> list[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(code, str) for code in given):
        raise FieldProblem("应为代码列表 / must be a list of codes")
    codes = sorted({clean_text(code, 64) for code in given})
    strange = [code for code in codes if spec.values and code not in spec.values]
    if strange or len(codes) > 100:
        raise FieldProblem(f"只能取{'、'.join(spec.values)} / must be among these" if strange else "过多 / too many")
    return codes


def _checks(_spec: FieldSpec, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value or len(value) > 100:
        raise FieldProblem("应按核查项填写 / must map each item to its check")
    checks = {}
    for item, check in value.items():
        if not isinstance(item, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", item):
            raise FieldProblem("核查项代码不合规 / an item's code is not valid")
        if not isinstance(check, Mapping) or set(check) - {"clear", "checked_on", "checked_by", "evidence"}:
            raise FieldProblem("每项应含clear、checked_on、checked_by / each item takes clear, checked_on, checked_by")
        if type(check.get("clear")) is not bool:
            raise FieldProblem(f"{item}: clear应为true或false / clear must be true or false")
        checks[item] = {
            "clear": check["clear"],
            "checked_on": _date(_spec, check.get("checked_on")),
            "checked_by": clean_text(check.get("checked_by"), 100),
            "evidence": None if check.get("evidence") in (None, "") else clean_text(check["evidence"], 400),
        }
    return checks


def _change(spec: FieldSpec, value: Any) -> dict[str, Any]:
    try:
        return read_change(value, spec.values, clean_text, lambda amount: _money(spec, amount))
    except FieldProblem:
        raise
    except ValueError as error:
        raise FieldProblem(str(error)) from error


def _answers(spec: FieldSpec, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value or len(value) > 100:
        raise FieldProblem("应按表单逐项填写 / must map each item of the form to its answer")
    found: dict[str, Any] = {}
    for item, given in value.items():
        if not isinstance(item, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", item):
            raise FieldProblem("表单项代码不合规 / an item's code is not valid")
        if type(given) is bool:
            found[item] = given
        else:
            found[item] = clean_text(given) if isinstance(given, str) else _money(spec, given)
    return found


def _attainments(_spec: FieldSpec, value: Any) -> list[dict[str, Any]]:
    try:
        return read_attainments(value, clean_text)
    except FieldProblem:
        raise
    except ValueError as error:
        raise FieldProblem(str(error)) from error


def _computed(_spec: FieldSpec, _value: Any) -> Any:
    raise FieldProblem("由系统登记 / kept by the system")


_CLEANERS = {
    "text": _text,
    "date": _date,
    "integer": _integer,
    "money": _money,
    "score": _score,
    "boolean": _boolean,
    "codes": _codes,
    "checks": _checks,
    "change": _change,
    "answers": _answers,
    "attainments": _attainments,
    "calls": _computed,
}
