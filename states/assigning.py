"""Owns the balanced assignment of experts to projects: so many for each, loads even, conflicts never, by a seed.

It is a flow through a small network, so it finds an assignment wherever there is one, and says who stands in the way
where there is none. The seed only orders equals; the same seed gives the same answer on any machine.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

Pair = tuple[str, str]  # project, expert


class Balance(NamedTuple):
    """An assignment, or why there is none: `short` projects lack experts, or else `uneven` experts cannot be even."""

    pairs: tuple[Pair, ...]  # those to be added, sorted
    short: Mapping[str, int]
    uneven: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """True where every project has its experts and no two loads differ by more than one."""
        return not self.short and not self.uneven


def balanced(
    projects: Sequence[str],
    experts: Sequence[str],
    each: int,
    barred: frozenset[Pair],
    seed: int,
    standing: frozenset[Pair] = frozenset(),
) -> Balance:
    """Return pairs that give each project `each` experts beside none barred, loads differing by at most one.

    `standing` pairs stay as they are and count; a project that has more than `each` of them keeps them. Where it cannot
    be done no pair is to be added, and the answer names who lacks experts and whose load cannot be even.
    """
    net = _Net.of(projects, experts, each, barred, seed, standing)
    lacking = net.lacking()
    if lacking:
        return Balance((), lacking, ())
    total = sum(len(net.given[project]) for project in projects) + sum(net.need.values())
    even, more = divmod(total, len(experts)) if experts else (0, 0)
    net.fill(even)
    idle = [expert for expert in experts if net.load[expert] < even]
    if more:
        net.fill(even + 1)
    most = even + bool(more)
    uneven = tuple(sorted({*idle, *(expert for expert in experts if net.load[expert] > most)}))
    short = {project: need for project, need in sorted(net.need.items()) if need}
    if uneven or short:
        return Balance((), {} if uneven else short, uneven)
    added = {(project, expert) for project, found in net.given.items() for expert in found} - standing
    return Balance(tuple(sorted(added)), {}, ())


@dataclass(slots=True)
class _Net:
    """The network: who has whom so far, what projects still need, what experts carry."""

    order: list[str]
    rank: dict[str, list[str]]  # project -> the experts it may be given to, in the seed's order
    given: dict[str, set[str]]
    need: dict[str, int]
    load: dict[str, int]
    standing: frozenset[Pair]
    holders: dict[str, set[str]] = field(default_factory=dict)  # expert -> projects

    @classmethod
    def of(
        cls,
        projects: Sequence[str],
        experts: Sequence[str],
        each: int,
        barred: frozenset[Pair],
        seed: int,
        standing: frozenset[Pair],
    ) -> "_Net":
        def drawn(*names: str) -> bytes:
            return sha256("/".join((str(seed), *names)).encode()).digest()

        given = {project: {expert for expert in experts if (project, expert) in standing} for project in projects}
        holders = {expert: {project for project in projects if expert in given[project]} for expert in experts}
        return cls(
            sorted(projects, key=drawn),
            {
                project: sorted(
                    (expert for expert in experts if (project, expert) not in barred),
                    key=lambda expert, project=project: drawn(project, expert),  # type: ignore[misc]
                )
                for project in projects
            },
            given,
            {project: max(0, each - len(found)) for project, found in given.items()},
            {expert: len(found) for expert, found in holders.items()},
            standing,
            holders,
        )

    def lacking(self) -> dict[str, int]:
        """Return how many experts projects would lack even if loads did not matter."""
        spare = {
            project: self.need[project] - sum(expert not in self.given[project] for expert in self.rank[project])
            for project in self.order
        }
        return {project: number for project, number in sorted(spare.items()) if number > 0}

    def fill(self, most: int) -> None:
        """Give projects what they need as far as experts with less than `most` can be had. Loads never fall."""
        for project in self.order:
            while self.need[project] and (path := self._path(project, most)):
                for holder, expert, former in path:
                    if former is not None:
                        self.given[holder].discard(former)
                        self.holders[former].discard(holder)
                    self.given[holder].add(expert)
                    self.holders[expert].add(holder)
                self.need[project] -= 1
                self.load[path[0][1]] += 1

    def _path(self, project: str, most: int) -> list[tuple[str, str, str | None]]:
        """Return the swaps that give the project one expert more, the last first; none where there is no way.

        Each is (project, its new expert, the expert it passes on or None): found by breadth, the least loaded first.
        """
        came: dict[str, tuple[str, str | None]] = {}  # expert -> who would take him, and from whom that one was freed
        waiting: deque[tuple[str, str | None]] = deque([(project, None)])
        seen = {project}
        while waiting:
            holder, former = waiting.popleft()
            fresh = [expert for expert in self.rank[holder] if expert not in self.given[holder] and expert not in came]
            for expert in fresh:
                came[expert] = (holder, former)
            open_ones = [expert for expert in fresh if self.load[expert] < most]
            if open_ones:
                return self._swaps(min(open_ones, key=self.load.__getitem__), came)
            for expert in fresh:
                for other in sorted(self.holders[expert] - seen):
                    if (other, expert) not in self.standing:
                        seen.add(other)
                        waiting.append((other, expert))
        return []

    @staticmethod
    def _swaps(last: str, came: Mapping[str, tuple[str, str | None]]) -> list[tuple[str, str, str | None]]:
        swaps: list[tuple[str, str, str | None]] = []
        expert: str | None = last
        while expert is not None:
            holder, former = came[expert]
            swaps.append((holder, expert, former))
            expert = former
        return swaps
