"""The clean spelling of texts and codes: what a cell's text becomes before it is kept.

These are the functions by which *every* door (import, form, API) cleans a text before it gets in. A text they
return holds nothing that Excel cannot hold, and goes out to a workbook and back unchanged: each of them
leaves alone what it has once cleaned.
"""

import re
import unicodedata

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from lifecycle.workbook.refusals import Unclean

MAX_TEXT = 2_000
MAX_CODE = 100  # codes and telephone numbers
SEPARATORS = "、；;"

# What people write where there is nothing to write.
_NOTHING = frozenset({"无", "/", "\\", "-", "—", "——", "--", "无。", "N/A", "n/a"})
_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")  # Word's soft breaks arrive as 0B and 0C
_ODD_BLANKS = re.compile("[\t\xa0]")
_UNHOLDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # outside XML 1.0
_NOT_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LOST_DIGITS = re.compile(r"[0-9]+(\.[0-9]*)?E\+?[0-9]+", re.IGNORECASE)
_CODE = re.compile("[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]{18}")
_LATIN = re.compile("[a-z]+")


def clean_text(text: str) -> str:
    """Clean a text of several lines: line breaks as LF, odd blanks as blanks, invisible characters gone.

    Full-width punctuation stays: it is right in Chinese prose.

    Raises:
        Unclean: a control character, which cannot be seen and therefore not be meant; or over 2,000 long.
    """
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    text = _ODD_BLANKS.sub(" ", _LINE_BREAKS.sub("\n", text)).strip()
    if found := _NOT_TEXT.search(text):
        code = f"U+{ord(found[0]):04X}"
        raise Unclean(
            "control_character",
            f"含有不可见的控制字符（{code}），请重新键入该单元格",
            f"holds the control character {code}; type the cell anew",
        )
    if len(text) > MAX_TEXT:
        raise Unclean(
            "too_long",
            f"文字共 {len(text)} 字，超过 {MAX_TEXT} 字",
            f"{len(text)} characters, and at most {MAX_TEXT} are taken",
        )
    return text


def clean_line(text: str) -> str:
    """Clean a text of one line: a wrapped one is joined, with a blank only between Latin words."""

    lines = [line.strip() for line in clean_text(text).split("\n")]
    joined = ""
    for line in filter(None, lines):
        latin = joined[-1:].isascii() and line[0].isascii()
        joined += f" {line}" if joined and latin else line
    return joined


def clean_name(text: str) -> str:
    """Clean the name of one unit.

    Raises:
        Unclean: also where 、 or ； stands in it, which separate units and are in no registered name.
    """
    name = clean_line(text)
    if any(separator in name for separator in SEPARATORS):
        raise Unclean(
            "several_units",
            "此处只能填写一个单位（名称中含有“、”或“；”）",
            "one unit only belongs here (the name holds 、 or ；)",
        )
    return name


def clean_code(text: str) -> str:
    """Clean a task number or another code: half-width, upper case, no blanks, no leading apostrophe."""
    squeezed = "".join(unicodedata.normalize("NFKC", clean_text(text)).split()).lstrip("'’‘")
    upper = _LATIN.sub(lambda found: found[0].upper(), squeezed)
    return _short(unicodedata.normalize("NFKC", upper))  # again: a mark may now stand beside its letter


def clean_credit_code(text: str) -> str:
    """Clean and check a unified social credit code (GB 32100).

    Raises:
        Unclean: it lost digits as a number, or its length, letters or check digit are wrong.
    """
    code = clean_code(text)
    if _LOST_DIGITS.fullmatch(code):
        raise lost_digits()
    try:
        return uscc.validate(code)
    except InvalidLength as error:
        zh, en = f"应为 18 位，现为 {len(code)} 位", f"has {len(code)} characters instead of 18"
        raise Unclean("credit_code", f"统一社会信用代码{zh}", f"the credit code {en}") from error
    except InvalidChecksum as error:
        zh, en = "校验位不符，请核对是否录错", "does not fit its check digit; look for a typing error"
        raise Unclean("credit_code", f"统一社会信用代码{zh}", f"the credit code {en}") from error
    except ValidationError as error:
        zh, en = "含有不应出现的字符", "holds characters that do not belong in one"
        raise Unclean("credit_code", f"统一社会信用代码{zh}", f"the credit code {en}") from error


def clean_phone(text: str) -> str:
    """Clean a telephone number or several: half-width, single blanks; leading zeros stay.

    Raises:
        Unclean: there is no digit in it.
    """
    text = " ".join(unicodedata.normalize("NFKC", clean_text(text)).split()).lstrip("'’‘ ")
    closed = text.replace(" ", "").replace("-", "")
    if re.fullmatch(r"1[0-9]{10}", closed):  # a mobile number written in groups
        return closed
    if not re.search("[0-9]", text):
        raise Unclean("phone", "不是电话号码", "not a telephone number")
    return _short(text)


def is_nothing(text: str) -> bool:
    """Say whether a text stands for an empty cell (无, /, —), in columns where that is a habit."""
    return text in _NOTHING


def split_units(names: str, codes: str | None) -> list[tuple[str, str]]:
    """Pair the units of one cell with their codes, from the cell beside it or from behind each name.

    Separated by 、 ； ; or line breaks. A line break in a name whose cell has one code is only a wrap.

    Raises:
        Unclean: there are not as many codes as names, or a name or a code is not clean.
    """
    if codes is None:
        return [_unit_with_code(each) for each in _pieces(names, SEPARATORS + "\n")]
    found = [clean_credit_code(each) for each in _pieces(codes, SEPARATORS + "\n,，/")]
    named = _pieces(names, SEPARATORS + "\n")
    if len(named) != len(found):
        named = _pieces(names, SEPARATORS)
    if len(named) != len(found):
        raise Unclean(
            "units_and_codes",
            f"单位 {len(named)} 个，代码 {len(found)} 个，数量应一致",
            f"{len(named)} units and {len(found)} codes; there must be as many of each",
        )
    return [(clean_name(name), code) for name, code in zip(named, found, strict=True)]


def holdable(text: str) -> bool:
    """Say whether a cell can hold the text: XML 1.0 has no control characters and no lone surrogates."""
    return _UNHOLDABLE.search(text) is None


def lost_digits() -> Unclean:
    """Return the finding that Excel took a code for a number."""
    return Unclean(
        "code_lost_digits",
        "代码被存为数值，末位数字已丢失；请将该列设为文本格式后重新填写",
        "the code was stored as a number and has lost digits; format the column as text and fill it in again",
    )


def _unit_with_code(text: str) -> tuple[str, str]:
    rest = text.rstrip(")） \n")
    name, code = rest[:-18].rstrip("(（:： \n"), rest[-18:]
    if not name or not _CODE.fullmatch(code):
        raise Unclean(
            "code_missing",
            "缺少统一社会信用代码：请在旁边的代码列或单位名称后的括号内填写",
            "the credit code is missing: fill in the column beside it, or write it in brackets after the name",
        )
    return clean_name(name), clean_credit_code(code)


def _short(text: str) -> str:
    if len(text) > MAX_CODE:
        raise Unclean(
            "too_long",
            f"共 {len(text)} 个字符，超过 {MAX_CODE} 个",
            f"{len(text)} characters, and at most {MAX_CODE} are taken here",
        )
    return text


def _pieces(text: str, separators: str) -> list[str]:
    pieces = re.split(f"[{re.escape(separators)}]", clean_text(text))
    return [piece.strip() for piece in pieces if piece.strip()]
