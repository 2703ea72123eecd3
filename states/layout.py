"""Owns where the boxes and arrows of a lifecycle's picture lie: a column a phase, lanes for arrows that go far."""

from dataclasses import dataclass, field
from typing import NamedTuple

from states.definition import LEFT, LifecycleDefinition, Transition

BOX_WIDTH, BOX_HEIGHT, ROW_GAP, GUTTER = 164, 58, 34, 132
MARGIN, HEAD, LANE, CORNER = 24, 76, 11, 7
FAR = 10_000  # sorts beyond every row

Pair = tuple[str, str]


class Port(NamedTuple):
    """Where an arrow meets a box: on which side, how it sorts there, and who shares the place."""

    state: str
    side: str  # l | r
    rank: int  # the row of the other end; beyond all rows for a lane
    shared: str  # arrows with the same word here meet in one place


def phases_of(definition: LifecycleDefinition) -> list[str]:
    """Return the phases in the file's order, those that only a state names last."""
    return list(dict.fromkeys([*definition.phases, *(state.phase for state in definition.states.values())]))


def pairs_of(definition: LifecycleDefinition) -> dict[Pair, list[Transition]]:
    """Return the arrows between two different states, in the file's order; a return leads to all it may lead to."""
    found: dict[Pair, list[Transition]] = {}
    for arrow in definition.transitions:
        for source in arrow.source:
            returns = definition.returns_to(source) if arrow.target == LEFT else {arrow.target}
            for target in definition.states:
                if target in returns and target != source and source in definition.states:
                    found.setdefault((source, target), []).append(arrow)
    return found


@dataclass
class Layout:
    """Where everything lies; worked out once from the definition."""

    definition: LifecycleDefinition
    phases: list[str] = field(init=False)
    cells: dict[str, tuple[int, int]] = field(init=False)  # state -> column, row
    pairs: dict[Pair, list[Transition]] = field(init=False)
    ports: dict[tuple[str, str], list[tuple[int, str]]] = field(init=False)

    def __post_init__(self) -> None:
        self.phases = phases_of(self.definition)
        self.cells, filled = {}, dict.fromkeys(self.phases, 0)
        for code, state in self.definition.states.items():
            self.cells[code] = (self.phases.index(state.phase), filled[state.phase])
            filled[state.phase] += 1
        self.pairs = pairs_of(self.definition)
        far = [pair for pair in self.pairs if abs(self.span(pair)) > 1]
        self.below = list(dict.fromkeys(target for source, target in far if self.span((source, target)) > 1))
        self.above = list(dict.fromkeys(target for source, target in far if self.span((source, target)) < -1))
        self.top = HEAD + LANE * len(self.above)
        self.bottom = self.top + max(filled.values(), default=0) * (BOX_HEIGHT + ROW_GAP)
        self.ports = {}
        for port in (port for pair in self.pairs for port in self.ends(pair)):
            self.ports.setdefault((port.state, port.side), []).append((port.rank, port.shared))
        self.ports = {place: sorted(set(shares)) for place, shares in self.ports.items()}

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height of the whole picture."""
        width = 2 * MARGIN + len(self.phases) * (BOX_WIDTH + GUTTER)
        return width, self.bottom + LANE * len(self.below) + 48

    def span(self, pair: Pair) -> int:
        """Return over how many columns the arrow leads; negative to the left."""
        return self.cells[pair[1]][0] - self.cells[pair[0]][0]

    def left_of(self, column: int) -> int:
        """Return where the boxes of a column begin."""
        return MARGIN + GUTTER // 2 + column * (BOX_WIDTH + GUTTER)

    def corner(self, code: str) -> tuple[int, int]:
        """Return the upper left corner of a state's box."""
        column, row = self.cells[code]
        return self.left_of(column), self.top + row * (BOX_HEIGHT + ROW_GAP)

    def leads_back(self, pair: Pair) -> bool:
        """Tell whether the arrow runs against the file's order: to an earlier column, or up in its own."""
        span = self.span(pair)
        return span < 0 or (span == 0 and self.cells[pair[1]][1] < self.cells[pair[0]][1])

    def sides(self, pair: Pair) -> str:
        """Return the sides on which the arrow leaves and arrives; within a column it stays on one side."""
        back = self.leads_back(pair)
        if self.span(pair) == 0:
            return "ll" if back else "rr"
        return "lr" if back else "rl"

    def ends(self, pair: Pair) -> tuple[Port, Port]:
        """Return where the arrow begins and ends."""
        source, target = pair
        span, from_row, to_row = self.span(pair), self.cells[source][1], self.cells[target][1]
        sides = self.sides(pair)
        if abs(span) > 1:
            rank = FAR if span > 0 else -FAR
            return Port(source, sides[0], rank, f"to {target}"), Port(target, sides[1], rank, "lane")
        return Port(source, sides[0], to_row, f"to {target}"), Port(target, sides[1], from_row, f"from {source}")

    def point(self, port: Port) -> tuple[float, float]:
        """Return the point of a port: the ports of a side are spread over it evenly."""
        x, y = self.corner(port.state)
        shares = self.ports[port.state, port.side]
        step = BOX_HEIGHT / (len(shares) + 1)
        return x + (BOX_WIDTH if port.side == "r" else 0), y + step * (shares.index((port.rank, port.shared)) + 1)

    def path(self, pair: Pair) -> str:
        """Return the arrow's path data: a curve to a neighbour or within a column, else along the target's lane."""
        source, target = self.ends(pair)
        (x1, y1), (x2, y2) = self.point(source), self.point(target)
        if abs(self.span(pair)) > 1:
            return self.along_lane(pair, (x1, y1), (x2, y2))
        reach = GUTTER * 0.5 if self.span(pair) else min(12 + abs(y2 - y1) * 0.13, GUTTER * 0.42)
        first = x1 + (reach if source.side == "r" else -reach)
        second = x2 + (reach if target.side == "r" else -reach)
        return f"M{x1:g},{y1:.1f} C{first:g},{y1:.1f} {second:g},{y2:.1f} {x2:g},{y2:.1f}"

    def along_lane(self, pair: Pair, start: tuple[float, float], end: tuple[float, float]) -> str:
        """Return the path by the gutter beside the source, the target's lane, and the gutter beside the target."""
        forward = self.span(pair) > 0
        lanes = self.below if forward else self.above
        number = lanes.index(pair[1])
        lane_y = self.bottom + LANE * number if forward else self.top - 16 - LANE * number
        aside = min(GUTTER * 0.2 + number * LANE * 0.55, GUTTER * 0.9) * (1 if forward else -1)
        return _rounded([start, (start[0] + aside, lane_y), (end[0] - aside, end[1]), end])


def _rounded(points: list[tuple[float, float]]) -> str:
    """Return a path that runs level, upright, level, upright, level through these corners, each rounded."""
    (x1, y1), (xa, lane), (xb, _), (x2, y2) = points
    path, (x, y) = [f"M{x1:g},{y1:.1f}"], (x1, y1)
    for (cx, cy), (nx, ny) in zip(
        [(xa, y1), (xa, lane), (xb, lane), (xb, y2)], [(xa, lane), (xb, lane), (xb, y2), (x2, y2)], strict=True
    ):
        near, away = _towards((cx, cy), (x, y)), _towards((cx, cy), (nx, ny))
        path.append(f"L{near[0]:.1f},{near[1]:.1f} Q{cx:.1f},{cy:.1f} {away[0]:.1f},{away[1]:.1f}")
        x, y = cx, cy
    return " ".join([*path, f"L{x2:g},{y2:.1f}"])


def _towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = min(CORNER, (abs(dx) + abs(dy)) / 2) / ((abs(dx) + abs(dy)) or 1)
    return start[0] + dx * share, start[1] + dy * share
