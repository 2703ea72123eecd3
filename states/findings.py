"""What a rule says of a case: met or not, the value seen, the threshold, the clause, in Chinese and English."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """How binding a rule is: who, if anyone, may set it aside."""

    HARD = "hard"  # the software refuses
    SOFT = "soft"  # 原则上: refused unless the province overrides it with a written reason
    NOTE = "note"  # shown to whoever decides, and refuses nothing
    WAIVABLE = "waivable"  # binding, but the notice lets the province alone set it aside with a reason


class Text(NamedTuple):
    """A label or sentence in both languages."""

    zh: str
    en: str


class Judgement(NamedTuple):
    """A rule function's answer: whether the rule is met, the value seen, the threshold it was held against."""

    met: bool
    seen: Any
    threshold: Any


class Finding(NamedTuple):
    """One rule evaluated on one case."""

    rule: str
    check: str
    clause: str
    kind: Kind
    met: bool
    seen: Any
    threshold: Any
    template: Text
    overridden: bool = False

    @property
    def blocks(self) -> bool:
        """True where this finding alone refuses the act."""
        return not (self.met or self.overridden or self.kind is Kind.NOTE)

    @property
    def overridable(self) -> bool:
        """True where an officer with the right may set the rule aside with a reason."""
        return self.kind in (Kind.SOFT, Kind.WAIVABLE)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values, its sentences filled in."""
        values = {"seen": _plain(self.seen), "threshold": _plain(self.threshold)}
        words = {name: _words(value) for name, value in values.items()}
        return {
            "rule": self.rule,
            "check": self.check,
            "clause": self.clause,
            "kind": self.kind.value,
            "met": self.met,
            "overridden": self.overridden,
            "overridable": self.overridable,
            **values,
            "message": {
                "zh": self.template.zh.format_map(words),
                "en": self.template.en.format_map(words),
            },
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(str(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _words(value: Any) -> str:
    if value is None or value in ([], {}):
        return "—"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, list):
        return "、".join(_words(item) for item in value)
    if isinstance(value, dict):
        return "、".join(f"{key}={_words(item)}" for key, item in value.items())
    return str(value)
