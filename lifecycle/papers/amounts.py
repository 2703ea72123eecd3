"""Amounts and dates as official papers write them."""

from datetime import date

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")
FEN = 100
WAN = 10**6  # fen in 10,000 yuan


def in_wan(fen: int) -> str:
    """Return an amount in 万元 exactly, with two decimals at least and a comma at every third digit."""
    whole, rest = divmod(abs(fen), WAN)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if fen < 0 else ''}{whole:,}.{decimals}"


def with_unit(fen: int) -> str:
    """Return an amount in 万元 with its unit; whole ones without decimals."""
    text = in_wan(fen)
    return f"{text.removesuffix('.00')}万元"


def in_capitals(fen: int) -> str:
    """Return an amount of fen, not negative and below a quadrillion yuan, in the capitals of bills and cheques."""
    yuan, cents = divmod(fen, FEN)
    jiao, single = divmod(cents, 10)
    whole = _whole(yuan)
    text = f"{whole}元" if whole else ""
    if not cents:
        return f"人民币{text or '零元'}整"
    if jiao:
        text += f"{DIGITS[jiao]}角"
    elif text:
        text += "零"
    return f"人民币{text}{f'{DIGITS[single]}分' if single else '整'}"


def _whole(number: int) -> str:
    """Return a whole number in capitals; empty for nought. A nought is told once, where digits follow it."""
    text, waiting = "", False
    for power in range(len(GROUPS) - 1, -1, -1):
        group = number // 10 ** (4 * power) % 10**4
        if group:
            text += ("零" if text and (waiting or group < 10**3) else "") + _group(group) + GROUPS[power]
        waiting = not group and bool(text)
    return text


def _group(group: int) -> str:
    text, waiting = "", False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if digit:
            text += ("零" if waiting and text else "") + DIGITS[digit] + PLACES[place]
            waiting = False
        else:
            waiting = True
    return text


def in_words(day: date) -> str:
    """Return a date as papers write it: 2024年8月5日."""
    return f"{day.year}年{day.month}月{day.day}日"
