"""A sampling profiler: looks at the stack every millisecond of processor time, and so distorts next to nothing."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

PERIOD = 0.001  # seconds of this process's processor


@dataclass(slots=True)
class Samples:
    """How often each function was at work itself, and how often somewhere on the stack."""

    own: Counter[tuple[CodeType, ...]] = field(default_factory=Counter)
    within: Counter[tuple[CodeType, ...]] = field(default_factory=Counter)
    total: int = 0

    def take(self, _signal: int, frame: FrameType | None) -> None:
        """Count one sample. C functions count for the Python function that called them."""
        if frame is None:
            return
        self.total += 1
        back = frame.f_back
        # What dataclasses and named tuples generate says nothing without its caller.
        made = frame.f_code.co_filename == "<string>" and back is not None
        self.own[(frame.f_code, back.f_code) if made and back else (frame.f_code,)] += 1
        seen = set()
        while frame is not None:
            seen.add((frame.f_code,))
            frame = frame.f_back
        self.within.update(seen)

    def lines(self, counted: Counter[tuple[CodeType, ...]], most: int, unit: float) -> Iterator[str]:
        """Yield the dearest functions; `unit` turns a sample into microseconds of an act."""
        for codes, times in counted.most_common(most):
            names = (f"{_place(one.co_filename)}:{one.co_firstlineno} {one.co_qualname}" for one in codes)
            yield f"  {times * unit:7.0f}  {' in '.join(names)}"

    def rooms(self, unit: float, most: int = 25) -> Iterator[str]:
        """Yield the time by module."""
        found: Counter[str] = Counter()
        for codes, times in self.own.items():
            found[_place(codes[-1].co_filename)] += times
        for room, times in found.most_common(most):
            yield f"  {times * unit:7.0f}  {room}"


@contextmanager
def sampling() -> Iterator[Samples]:
    """Sample the block."""
    samples = Samples()
    before = signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, PERIOD, PERIOD)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(file: str) -> str:
    parts = Path(file).parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return "/".join(parts[-2:])
