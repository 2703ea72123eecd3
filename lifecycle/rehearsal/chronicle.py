"""A log read from its entries' bodies alone: who did what, and each project before and after every act.

Nothing here asks a table or a rule: what it says follows from the bytes that were written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from lifecycle.canonical import ZERO_HASH, NotCanonical, leaf_hash, parse_canonical
from lifecycle.database import Transaction
from lifecycle.snapshots import ABOUT_ACT, NESTED, PLAIN
from lifecycle.statements import Statement
from lifecycle.tables import Entry

_entry = Entry.__table__  # type: ignore[attr-defined]
BODIES = Statement(sa.select(_entry.c.body).order_by(_entry.c.stream, _entry.c.seq))
PROJECT = "project"
SUCCESS = "success"
SIGNED = "project.signed"  # the first of two signatures
CREATED = "project.created"
CHASED = "project.chased"  # leaves the project as it was

Place = tuple[str, str]  # pool, key


class Flaw(NamedTuple):
    """What is wrong with an entry, or not as it was promised: by the name of what is broken."""

    name: str
    stream: str
    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A project as its entries so far leave it."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    signers: Mapping[str, Any] = field(default_factory=dict)
    deadlines: Mapping[str, Any] = field(default_factory=dict)
    responsible: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: Mapping[str, Any] = field(default_factory=dict)  # kind/number -> due date, of the open ones
    held: Mapping[Place, int] = field(default_factory=dict)  # as the entries tell it
    visited: frozenset[str] = frozenset()

    @property
    def state(self) -> str | None:
        """Return the state, or None before the project is created."""
        return self.columns.get("state")


@dataclass(frozen=True, slots=True)
class Scene:
    """One entry with the project before and after it; entries of other streams have no project."""

    body: Mapping[str, Any]
    before: Standing | None = None
    after: Standing | None = None

    @property
    def name(self) -> str | None:
        """Return the act's name."""
        return (self.body["action"] or {}).get("name")

    @property
    def overridden(self) -> tuple[str, ...]:
        """Return the rules that the act set aside."""
        return tuple((self.body["action"] or {}).get("override") or ())

    @property
    def succeeded(self) -> bool:
        """Return whether the entry tells of something done."""
        return bool(self.body["outcome"] == SUCCESS)

    @property
    def moves(self) -> bool:
        """Return whether the act brought its project into another state."""
        return self.before is not None and self.after is not None and self.before.state != self.after.state

    def flaw(self, name: str, what: str) -> Flaw:
        """Return a flaw of this entry."""
        return Flaw(name, self.body["stream"], self.body["seq"], what)


@dataclass(frozen=True, slots=True)
class Chronicle:
    """All scenes: by stream in the order of their numbers, and by time; and the flaws of the chains themselves."""

    streams: Mapping[str, list[Scene]]
    flaws: list[Flaw]

    @property
    def by_time(self) -> list[Scene]:
        """Return all scenes in the order in which they were written."""
        scenes = [scene for stream in self.streams.values() for scene in stream]
        return sorted(scenes, key=lambda scene: (scene.body["at"], scene.body["stream"], scene.body["seq"]))

    @property
    def projects(self) -> dict[str, list[Scene]]:
        """Return the scenes of each project's stream."""
        return {name: scenes for name, scenes in self.streams.items() if name.startswith(f"{PROJECT}/")}

    def acts(self) -> Iterator[tuple[list[Scene], Scene]]:
        """Yield every successful entry of every project, with the successful ones of its stream up to and with it."""
        for scenes in self.projects.values():
            past: list[Scene] = []
            for scene in scenes:
                if scene.succeeded:
                    past.append(scene)
                    yield past, scene

    def arrivals(self, states: tuple[str, ...]) -> Iterator[tuple[Scene, Standing, Standing]]:
        """Yield the entries that bring a project into one of these states, with the project before and after."""
        for _, scene in self.acts():
            if scene.moves and scene.before and scene.after and scene.after.state in states:
                yield scene, scene.before, scene.after

    @property
    def ends(self) -> dict[str, Standing]:
        """Return each project as its last entry leaves it."""
        return {name: scenes[-1].after or Standing() for name, scenes in self.projects.items()}


def read_bodies(tx: Transaction) -> list[bytes]:
    """Return the bodies of all entries, stream by stream."""
    return [row["body"] for row in tx.fetch(BODIES)]


def read_chronicle(bodies: Iterable[bytes]) -> Chronicle:
    """Read entries in any order; what cannot be read, or does not hold together, is among the flaws."""
    flaws: list[Flaw] = []
    found: dict[str, list[tuple[Mapping[str, Any], bytes]]] = {}
    for data in bodies:
        try:
            body = parse_canonical(data)
        except NotCanonical as error:
            flaws.append(Flaw("chain_gapless", "?", 0, str(error)))
            continue
        found.setdefault(body["stream"], []).append((body, leaf_hash(data)))
    streams = {name: _read_stream(sorted(entries, key=_number), flaws) for name, entries in sorted(found.items())}
    return Chronicle(streams, flaws)


def _number(entry: tuple[Mapping[str, Any], bytes]) -> int:
    return int(entry[0]["seq"])


def _read_stream(entries: list[tuple[Mapping[str, Any], bytes]], flaws: list[Flaw]) -> list[Scene]:
    scenes = []
    leaf, standing, at = ZERO_HASH, Standing(), ""
    for number, (body, own) in enumerate(entries, 1):
        here = Scene(body)
        if body["seq"] != number:
            flaws.append(here.flaw("chain_gapless", f"entry {number} of the stream has the number {body['seq']}"))
        if body["prev"] != leaf.hex():
            flaws.append(here.flaw("chain_gapless", "it does not follow from the entry before it"))
        if body["at"] < at:
            flaws.append(here.flaw("chain_gapless", "it is dated before the entry before it"))
        leaf, at = own, body["at"]
        if body["subject"]["kind"] == PROJECT and body["stream"].startswith(f"{PROJECT}/"):
            after = _after(here, standing, flaws) if here.succeeded else standing
            here, standing = Scene(body, standing, after), after
        scenes.append(here)
    return scenes


def _after(scene: Scene, before: Standing, flaws: list[Flaw]) -> Standing:
    """Return a project with an entry's changes made; each must begin at the value that is there."""
    groups: dict[str, dict[str, Any]] = {
        name: dict(getattr(before, name)) for name in (*NESTED, "columns", "checkpoints")
    }
    held = dict(before.held)
    for change in scene.body["changes"]:
        group, _, rest = change["path"].removeprefix("/").partition("/")
        if group in ABOUT_ACT:  # the act's own date, not the project's
            continue
        if group == "capacities":
            pool, _, key = rest.partition("/")
            held[pool, key] = held.get((pool, key), 0) + change["new"]
            continue
        place, name = (groups[group], rest) if group in groups else (groups["columns"], group)
        # A private value is committed to once, where it is set: the entry that ends it does not repeat it.
        if not _continues(place.get(name), change["old"]):
            flaws.append(scene.flaw("changes_follow", f"{change['path']} was {place.get(name)!r}"))
        place[name] = change["new"]
        if change["new"] is None and group in groups:
            del place[name]
    follows = (before.columns.get("version") or 0) + (0 if scene.body["type"] == CHASED else 1)
    if groups["columns"].get("version") != follows:
        flaws.append(scene.flaw("chain_gapless", f"version {groups['columns'].get('version')} follows none before it"))
    state = groups["columns"].get("state")
    visited = before.visited | {state} if state else before.visited
    return Standing(**groups, held={place: amount for place, amount in held.items() if amount}, visited=visited)


def _continues(there: Any, told: Any) -> bool:
    hidden = isinstance(there, Mapping) and set(there) == {"$c"}
    return told is None if hidden else there == told


def plain_columns(standing: Standing) -> dict[str, Any]:
    """Return the columns that stand in clear, None where the log never told of one."""
    return {name: standing.columns.get(name) for name in PLAIN}
