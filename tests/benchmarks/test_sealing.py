"""The sealing part of `make bench` in miniature: it seals, inspects and proves, and its page can be read."""

from pathlib import Path

from . import sealing
from .server import Server, programs


def test_a_small_backlog_is_sealed_on_both_databases(postgres_server: str, tmp_path: Path) -> None:
    said: list[str] = []
    found = sealing.run(Server(postgres_server, programs()), tmp_path, (30, 300), said.append, ("xes",))
    assert [(one["database"], one["entries"], one["passes"]) for one in found["seal"]] == [
        *(("postgresql", 30, 1), ("sqlite", 30, 1)),
        *(("postgresql", 300, 1), ("sqlite", 300, 1)),
    ]
    assert [[one["form"] for one in part.get("exports", ())] for part in found["seal"]] == [[], [], ["xes"], ["xes"]]
    page = "\n".join(sealing.lines(found))
    assert "Backlogs of up to 300 entries" in page
    assert page.count("\n| ") == 1 + 4 + 1 + 2
