"""Panels on the command line: set up, filled, and what is refused told with exit code 1."""

from pathlib import Path

from tests.api.test_cli import BATCH, answer, home, pilot, staffed
from tests.api.test_cli_reminders import ahead

__all__ = ["home", "staffed"]  # fixtures


def test_a_panel_is_set_up_and_shown(staffed: Path) -> None:
    for login in ("ann", "bob"):
        about = ("--name", login, "--role", "expert", "--group", "鲁能集团")
        assert answer("user", "add", login, *about, "--as", "an")["role"] == "expert"
    of = ("--batch", BATCH, "--as", "li")
    founded = answer("panels", "found", "--purpose", "review", "--title", "评审一组", *of)
    assert (founded["number"], founded["status"], founded["receipt"]["seq"]) == (1, "preparing", 1)
    added = answer("panels", "experts", "1", "ann", "bob", "--chair", "bob", *of)
    assert (added["added"], added["version"]) == (["ann", "bob"], 2)
    assert answer("panels", "projects", "1", *of, code=1)["refused"] == "unreadable"  # nothing stands to be scored
    assert answer("panels", "assign", "1", *of, code=1)["refused"] == "unreadable"  # nobody has declared
    assert answer("panels", "open", "1", "--due", ahead(5), *of, code=1)["refused"] == "not-offered"
    assert answer("panels", "conclude", "1", *of, code=1)["refused"] == "not-offered"
    sat = ("--method", "material", "--held", ahead(-1), "--minutes", "1号")
    assert answer("panels", "session", "1", *sat, *of, code=1)["refused"] == "unreadable"
    assert answer("panels", "chase", "1", *of, code=1)["refused"] == "not-offered"
    again = ("--due", ahead(5), "--reason", "复核")
    assert answer("panels", "reopen", "1", *again, *of, code=1)["refused"] == "not-offered"
    assert answer("panels", "show", "9", *of, code=1)["refused"] == "not-found"
    assert answer("panels", "list", "--batch", BATCH, "--as", "wang", code=1)["refused"] == "forbidden"
    (listed,) = answer("panels", "list", *of)
    assert (listed["experts"], listed["declared"], listed["projects"]) == (2, 0, 0)
    shown = answer("panels", "show", "1", *of)
    assert [(one["login"], one["chair"], one["group"]) for one in shown["experts"]] == [
        ("ann", False, "鲁能集团"),
        ("bob", True, "鲁能集团"),
    ]
    assert answer("panels", "results", "--purpose", "review", *of)["results"] == []
    assert answer("panels", "history", "1", *of)["items"][0]["type"] == "panel.founded"
    for command in (("list",), ("show", "1"), ("results", "--purpose", "review")):
        printed = pilot("panels", *command, *of)
        assert printed.exit_code == 0, printed.output
    assert "评审一组" in pilot("panels", "list", *of).stdout
    assert pilot("panels", "open", "1", "--due", "soon", *of).exit_code == 2
