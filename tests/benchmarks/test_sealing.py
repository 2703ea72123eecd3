"""The sealing part of `make bench` in miniature: it seals, inspects and proves, and its page can be read."""

from pathlib import Path

from . import sealing
from .server import Server, programs


def test_a_small_backlog_is_sealed_on_both_databases(postgres_server: str, tmp_path: Path) -> None:
    said: list[str] = []
    found = sealing.run(Server(postgres_server, programs()), tmp_path, 300, said.append)
    assert [one["database"] for one in found["seal"]] == ["postgresql", "sqlite"]
    assert [one["passes"] for one in found["seal"]] == [1, 1]
    page = "\n".join(sealing.lines(found))
    assert "A backlog of 300 entries" in page
    assert page.count("\n| ") == 3
