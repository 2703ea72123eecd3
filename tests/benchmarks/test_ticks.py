"""The part on ticks of `make bench` in miniature: every tick does what it must, and its page can be read."""

from pathlib import Path

from . import ticks
from .contest import Effort
from .figures import Spread
from .server import Server, programs


def test_ticks_and_the_outbox_are_measured_at_two_sizes(postgres_server: str, tmp_path: Path) -> None:
    said: list[str] = []
    effort = Effort(rounds=1, seconds=1, projects=0, batches=0)
    found = ticks.run(Server(postgres_server, programs()), tmp_path, effort, (1000, 1500), 30, said.append)
    assert sorted((one["tick"], one["size"]) for one in found["slices"]) == [
        *(("busy", 1000), ("busy", 1500)),
        *(("idle", 1000), ("idle", 1500)),
    ]
    assert [one["contestant"] for one in found["outbox"]["slices"]] == ["outbox", "bare", "deliver"]
    page = "\n".join(ticks.lines(found))
    assert (page.count("\n| 1,"), page.count("\n| "), "30 messages of one notice" in page) == (2, 7, True)


def test_the_cost_is_that_of_the_largest_to_the_smallest_within_each_round() -> None:
    slices = [
        {"round": number, "tick": "idle", "size": size, "us": us}
        for number, size, us in ((1, 10, 100.0), (1, 99, 120.0), (2, 10, 200.0), (2, 99, 220.0), (1, 50, 900.0))
    ]
    found = {"sizes": [10, 50, 99], "slices": slices}
    assert ticks.cost(found, "idle") == Spread((1.2 + 1.1) / 2, 1.1, 1.2)
    assert ticks.cost(found, "busy") is None
