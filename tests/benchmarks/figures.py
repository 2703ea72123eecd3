"""Medians, spreads and ratios of slices, taken round by round."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Raw = Mapping[str, Any]


class Spread(NamedTuple):
    """A median with its lowest and highest."""

    median: float
    low: float
    high: float

    def text(self, digits: int = 0) -> str:
        """Return `median (low–high)`."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


def spread(values: Iterable[float]) -> Spread | None:
    """Return the spread, or None of nothing."""
    known = list(values)
    return Spread(statistics.median(known), min(known), max(known)) if known else None


def pick(slices: Sequence[Raw], contestant: str, clients: int) -> list[Raw]:
    """Return a contestant's slices, by round."""
    found = [one for one in slices if one["contestant"] == contestant and one["clients"] == clients]
    return sorted(found, key=lambda one: one["round"])


def spread_of(slices: Sequence[Raw], name: str = "rate") -> Spread | None:
    """Return the spread of one figure."""
    return spread(one[name] for one in slices)


def ratios(upper: Sequence[Raw], lower: Sequence[Raw], name: str = "rate") -> Spread | None:
    """Return the spread of the ratios within the rounds, where noise strikes both alike."""
    below = {one["round"]: one[name] for one in lower}
    return spread(one[name] / below[one["round"]] for one in upper if below.get(one["round"]))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the first column to the left, the others to the right."""
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join([':--', *['--:'] * (len(heads) - 1)])}|"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def text(found: Spread | None, digits: int = 0) -> str:
    """Return a spread's text, or a dash."""
    return found.text(digits) if found else "—"


def verdict(found: Spread | None, fits: Callable[[float], bool]) -> str:
    """Return whether the median meets a target."""
    if found is None:
        return "not measured"
    return "met" if fits(found.median) else "**missed**"
