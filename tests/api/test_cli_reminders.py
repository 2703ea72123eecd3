"""Deadlines, handovers, chases, notices and messages on the command line."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.cli.session import open_session
from lifecycle.addresses import add_address
from schedules.parcels import Result
from schedules.runner import Context, tick
from tests.api.test_cli import BATCH, answer, home, pilot, staffed
from tests.lifecycle.builders import credit_code
from tests.schedules.arranging import PLAN_TEXT, Post, local

__all__ = ["home", "staffed"]  # fixtures

CODE = f"{BATCH}-00001"
ABSENT = "018f0000-0000-7000-8000-000000000000"
MONDAY = local("2100-01-04", 10)  # whenever the tests run, a working day after it


def ahead(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


@pytest.fixture
def told(staffed: Path) -> Path:
    """The same with a division head and the applicant; the bureau's mail is refused for good."""
    answer("user", "add", "zhao", "--name", "赵某", "--role", "division_head", "--as", "an")
    answer("user", "add", "unit", "--name", "牵头单位", "--role", "applicant", "--unit", credit_code(2), "--as", "an")
    session = open_session()
    wang = session.caller("wang")
    with session.database.transaction() as tx:
        add_address(tx, session.log, session.settings, wang, "email", "wang@example.invalid")
    post = Post(lambda parcel: Result("never", "550 no such mailbox"))
    tick(Context(session.database, post, lambda: MONDAY, session.settings.origin), MONDAY)
    session.database.close()
    return staffed


def test_checkpoints_and_lights_are_listed(staffed: Path) -> None:
    (item,) = answer("checkpoints", "--as", "wang")["items"]
    assert (item["code"], item["kind"], item["due_on"], item["light"]) == (CODE, "city_cutoff", "2024-07-31", "red")
    assert answer("checkpoints", "--light", "green", "--batch", BATCH)["items"] == []
    assert answer("checkpoints", "--project", CODE, "--mine", "--as", "wang")["items"] == [item]
    assert answer("checkpoints", "--provisional")["items"] == []
    assert answer("lights", "--batch", BATCH)["by_city"] == {"370100": {"green": 0, "yellow": 0, "red": 1}}
    assert answer("checkpoints", "--light", "blue", code=1)["refused"] == "unreadable"
    assert answer("lights", "--batch", "nowhere", code=1)["refused"] == "not-found"
    printed = pilot("checkpoints", "--as", "wang")
    assert (printed.exit_code, "市级申报截止" in printed.stdout, "红 red" in printed.stdout) == (0, True, True)
    assert "370100" in pilot("lights").stdout


def test_a_deadline_is_added_moved_and_ended(staffed: Path) -> None:
    first, second = ahead(30), ahead(40)
    added = answer("deadline", "add", CODE, "补充设备清单", first, "--to", "city", "--to", "handler", "--as", "li")
    assert (added["number"], added["due_on"], added["to"]) == (1, first, ["city", "handler"])
    moved = answer(
        "deadline", "move", CODE, "1", second, "--reason", "企业申请", "--expected-version", "2", "--as", "li"
    )
    assert (moved["due_on"], moved["version"]) == (second, 3)
    assert "日期未变" in pilot("deadline", "move", CODE, "1", second, "--as", "li").stdout
    assert answer("deadline", "move", CODE, "1", first, "--as", "wang", code=1)["refused"] == "forbidden"
    assert (
        answer("deadline", "end", CODE, "1", "--expected-version", "2", "--as", "li", code=1)["refused"] == "conflict"
    )
    ended = answer("deadline", "end", CODE, "1", "--withdrawn", "--as", "li")
    assert (ended["ended"], ended["version"]) == ("withdrawn", 4)
    assert answer("deadline", "end", CODE, "1", "--as", "li", code=1)["refused"] == "not-found"
    assert (
        "补充设备清单" in pilot("deadline", "add", CODE, "补充设备清单", first, "--to", "city", "--as", "wang").stdout
    )
    types = [(item["type"], item["outcome"]) for item in answer("history", CODE)["items"]]
    assert types[1:4] == [
        ("project.deadline_added", "success"),
        ("project.deadline_moved", "success"),
        ("project.attempted", "denied"),
    ]


def test_a_project_is_handed_over_and_given_back(told: Path) -> None:
    done = answer("assign", CODE, "handler", "--to", "li", "--note", "熟悉该行业", "--as", "zhao")
    assert (done["before"], done["receipt"] is None) == (None, False)
    assert "承办人未变" in pilot("assign", CODE, "handler", "--to", "li", "--as", "zhao").stdout
    assert answer("assign", CODE, "handler", "--to-all", "--as", "zhao")["person"] is None
    assert answer("assign", CODE, "handler", "--to", "li", "--as", "wang", code=1)["refused"] == "forbidden"
    assert answer("assign", CODE, "handler", "--to", "wang", "--as", "zhao", code=1)["refused"] == "unreadable"


def test_a_chase_goes_through_once(staffed: Path) -> None:
    done = answer("chase", CODE, "--note", "请尽快提交", "--as", "wang")
    assert (done["kind"], done["to"], done["left_today"]) == ("city_cutoff", ["applicant", "city"], 49)
    refused = answer("chase", CODE, "--as", "li", code=1)
    assert (refused["refused"], refused["per"]) == ("too-soon", "project")
    assert answer("chase", CODE, "--checkpoint", ABSENT, "--as", "li", code=1)["refused"] == "not-found"
    assert answer("chase", CODE, code=1)["refused"] == "forbidden"  # the machine's own operator is no officer


def test_the_ledger_the_to_dos_and_the_dead_letter(told: Path) -> None:
    items = answer("notices", "--project", CODE, "--as", "li")["items"]
    assert sorted((item["recipient"]["name"], item["channel"], item["status"]) for item in items) == [
        ("牵头单位", "inbox", "sent"),
        ("王某", "email", "failed"),
        ("王某", "inbox", "sent"),
    ]
    assert [item["status"] for item in answer("notices", "--mine", "--channel", "email", "--as", "wang")["items"]] == [
        "failed"
    ]
    printed = pilot("notices", "--status", "failed")
    assert (printed.exit_code, "对方拒收" in printed.stdout) == (0, True)
    first = answer("notices", "--limit", "2", "--batch", BATCH)
    assert len(answer("notices", "--limit", "2", "--after", first["next"])["items"]) == 1
    assert re.search(r"--after \S+", pilot("notices", "--limit", "2").stdout)
    found = answer("todos", "--as", "unit")
    assert ([item["checkpoint"]["kind"] for item in found["open"]], found["done"]) == (["city_cutoff"], [])
    assert "市级申报截止" in pilot("todos", "--as", "unit").stdout
    (dead,) = answer("messages", "--status", "dead", "--batch", BATCH, "--as", "li")["items"]
    assert "550 no such mailbox" in pilot("messages").stdout
    assert answer("messages", "--as", "wang", code=1)["refused"] == "forbidden"
    assert answer("requeue", dead["id"], "--as", "wang", code=1)["refused"] == "forbidden"
    assert answer("requeue", dead["id"].upper(), "--as", "li")["status"] == "waiting"
    assert answer("requeue", dead["id"], "--as", "li", code=1)["refused"] == "conflict"
    assert answer("requeue", ABSENT, code=1)["refused"] == "not-found"


def test_addresses_feeds_and_a_test_are_a_person_s_own(staffed: Path) -> None:
    made = answer("address", "add", "email", "wang@example.gov.cn", "--as", "wang")
    assert (made["channel"], made["digest"], made["secret"]) == ("email", False, None)
    assert answer("address", "digest", "email", "--on", "--as", "wang") == {"channel": "email", "digest": True}
    assert [item["digest"] for item in answer("address", "list", "--as", "wang")] == [True]
    assert answer("address", "add", "email", "nowhere", "--as", "wang", code=1)["refused"] == "unreadable"
    assert list(answer("test-reminders", "--batch", BATCH, "--as", "wang")["notices"]) == ["email"]
    assert answer("address", "end", "email", "--as", "wang") == {"ended": "email"}
    feed = answer("feed", "add", "手机", "--batch", BATCH, "--as", "wang")
    assert feed["path"].startswith("/api/v1/feeds/pilotcal_")
    assert [item["label"] for item in answer("feed", "list", "--as", "wang")] == ["手机"]
    assert answer("feed", "revoke", feed["id"], "--as", "wang") == {"revoked": feed["id"]}
    assert answer("feed", "list", "--as", "wang") == []
    assert (pilot("address", "list").exit_code, pilot("feed", "list").exit_code) == (2, 2)


def test_a_message_that_came_back_is_seen_on_the_project(told: Path) -> None:
    (dead,) = answer("messages", "--status", "dead", "--as", "li")["items"]
    assert answer("bounce", dead["id"], "--reason", "邮箱已满", "--as", "li", code=1)["refused"] == "conflict"
    assert "550 no such mailbox" in pilot("show", CODE, "--as", "li").stdout
    assert [item["reason"]["code"] for item in answer("show", CODE, "--as", "li")["undelivered"]] == ["refused"]
    assert answer("jobs", "--as", "li") == []


def test_a_batch_is_simulated_with_changes_and_every_reminder_goes_to_a_file(staffed: Path, tmp_path: Path) -> None:
    file = tmp_path / "reminders.csv"
    assumed = ("--state", "published", "--published-on", ahead(0), "--delay-days", "60", "--csv", str(file))
    found = answer("simulate", "--batch", BATCH, "--days", "400", *assumed, "--as", "li")
    lines = file.read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("项目 code,期限 kind,序号 number,日期 due,暂定 provisional,提醒 occasion,收件人 to")
    assert sum(",inbox," in line and ",sent," in line for line in lines) == found["inbox"] > 0
    assert "最忙的日子" in pilot("simulate", "--batch", BATCH, *assumed, "--as", "li").stdout
    one = pilot("simulate", CODE, "--state", "published", "--field", f"published_on={ahead(0)}", "--as", "li")
    assert (one.exit_code, "半年期验收开始" in one.stdout) == (0, True)
    assert answer("notices", "--batch", BATCH)["items"] == []
    assert pilot("simulate", "--batch", BATCH, CODE).exit_code == 2


def test_the_words_of_a_plan_are_shown_and_the_plan_that_ships_taken_back(staffed: Path, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN_TEXT.replace("【提醒】", "【温馨提示】"), "utf-8")
    assert answer("plan", "words", "before", "--batch", BATCH)["subject"].startswith("【提醒】")
    shown = answer("plan", "words", "before", "--batch", BATCH, "--file", str(file))
    assert shown["subject"].startswith("【温馨提示】")
    answer("plan", "set", str(file), "--batch", BATCH, "--reason", "统一用语", "--as", "li")
    assert answer("plan", "show", "--batch", BATCH)["bundled"] is False
    answer("plan", "set", "--shipped", "--batch", BATCH, "--reason", "恢复", "--as", "li")
    assert answer("plan", "show", "--batch", BATCH)["bundled"] is True
    assert pilot("plan", "set", "--batch", BATCH, "--reason", "无").exit_code == 2
    assert pilot("plan", "words", "gossip", "--batch", BATCH).exit_code == 2


def test_wrong_usage_leaves_with_two(staffed: Path) -> None:
    assert pilot("todos").exit_code == 2
    assert pilot("assign", CODE, "handler", "--as", "li").exit_code == 2
    assert pilot("assign", CODE, "handler", "--to", "li", "--to-all", "--as", "li").exit_code == 2
    assert pilot("deadline", "add", CODE, "x", "tomorrow", "--to", "city", "--as", "li").exit_code == 2
    assert pilot("deadline", "add", CODE, "x", "", "--to", "city", "--as", "li").exit_code == 2
    assert pilot("deadline", "add", CODE, "x", ahead(30), "--as", "li").exit_code == 2
    assert pilot("deadline", "move", CODE, "first", ahead(30), "--as", "li").exit_code == 2
    assert pilot("deadline", "end", "no-such-code", "1", "--as", "li").exit_code == 2
    assert pilot("chase", "no-such-code", "--as", "li").exit_code == 2
    assert pilot("checkpoints", "--project", "no-such-code").exit_code == 2
