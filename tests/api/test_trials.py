"""Words looked at before they are used, a test over one's own addresses, and what did not arrive on the project."""

from datetime import timedelta

import pytest

from lifecycle.statements import Row
from schedules.parcels import Result
from schedules.runner import EVERY, Context, tick
from tests.api.conftest import Client, Clock, problem
from tests.schedules.arranging import PLAN_TEXT, Post

WORDS = "/api/v1/batches/sd-gongfu-2024-2/reminder-plan/words"
TESTS = "/api/v1/people/me/tests"
MINE = "/api/v1/people/me/addresses"
BATCH = {"batch": "sd-gongfu-2024-2"}


def context(client: Client, clock: Clock, post: Post) -> Context:
    return Context(client.app.state.service.database, post, clock, "test.invalid/log")


@pytest.fixture
def post() -> Post:
    return Post()


def test_the_words_of_a_plan_are_looked_at_before_it_is_set(client: Client, projects: list[Row]) -> None:
    shown = client.post("handler", WORDS, {"kind": "before", "places": {"title": "甲项目"}}).json()
    assert shown["subject"].startswith("【提醒】半年期验收截止还有7天：甲项目 | Reminder: half-year window ends")
    assert ("2025年2月28日（暂定）" in shown["text"], "<table" in shown["html"]) == (True, True)
    opening = client.post("jinan", WORDS, {"kind": "due", "checkpoint": "half_year_opens"}).json()
    assert opening["subject"].startswith("【今日开始受理】半年期验收：")
    other = PLAN_TEXT.replace("【催办】", "【请抓紧】")
    assert client.post("handler", WORDS, {"kind": "chase", "text": other}).json()["subject"].startswith("【请抓紧】")
    bad = client.post("handler", WORDS, {"kind": "chase", "text": other.replace("${title}", "${salary}", 1)})
    assert "salary" in problem(bad, 400, "unreadable")["message"]["en"]
    problem(client.post("handler", WORDS, {"kind": "gossip"}), 422, "invalid")


def test_a_test_goes_over_each_address_at_once_and_no_more_than_once_a_minute(
    client: Client, projects: list[Row], clock: Clock, post: Post
) -> None:
    problem(client.post("jinan", TESTS, BATCH), 404, "not-found")  # no address yet
    client.post("jinan", MINE, {"channel": "email", "target": "jinan@example.gov.cn", "digest": True})
    client.post("jinan", MINE, {"channel": "webhook", "target": "https://hooks.example.gov.cn/jinan"})
    clock.now += timedelta(hours=10)  # in the evening, when nothing else leaves
    made = client.post("jinan", TESTS, BATCH)
    assert (made.status_code, sorted(made.json()["notices"])) == (201, ["email", "webhook"])
    problem(client.post("jinan", TESTS, BATCH), 429, "too-soon")
    tick(context(client, clock, post), clock.now)
    assert sorted((parcel.channel, parcel.subject) for parcel in post.parcels) == [
        ("email", "【测试】提醒渠道测试 | Test of the channel"),
        ("webhook", "【测试】提醒渠道测试 | Test of the channel"),
    ]
    assert {parcel.text.split("\n")[1] for parcel in post.parcels} == {
        "这是济南市局发送的测试信息，收到即表示该渠道可用，无须办理。"
    }
    told = client.get("jinan", "/api/v1/notices?mine=true&channel=email").json()["items"]
    assert [(item["kind"], item["status"]) for item in told if item["kind"] == "test"] == [("test", "sent")]
    clock.now += timedelta(minutes=2)
    assert client.post("jinan", TESTS, BATCH).status_code == 201


def test_what_did_not_arrive_is_seen_on_the_project(
    client: Client, projects: list[Row], clock: Clock, post: Post
) -> None:
    project = f"/api/v1/projects/{projects[1]['id']}"
    client.post("jinan", MINE, {"channel": "email", "target": "jinan@example.gov.cn"})
    post.answer = lambda parcel: Result("never", "550 no such mailbox")
    tick(context(client, clock, post), clock.now)

    def seen(who: str) -> list[tuple[str, ...]]:
        return sorted(
            (item["recipient"]["name"] or "", item["recipient"]["role"], item["channel"], item["reason"]["code"],
             item["error"] or "")
            for item in client.get(who, project).json()["undelivered"]
        )  # fmt: skip

    wanted = [
        ("", "applicant", "inbox", "nobody", ""),  # the project's lead has no account
        ("济南市局", "city", "email", "refused", "550 no such mailbox"),
    ]
    assert (seen("handler"), seen("jinan"), seen("auditor")) == (wanted, wanted, wanted)
    own = client.get("unit", f"/api/v1/projects/{projects[0]['id']}").json()["undelivered"]
    assert own == []  # what the bureau did not get is not the applicant's to see
    (dead,) = [
        item
        for item in client.get("handler", "/api/v1/messages?status=dead").json()["items"]
        if item["tries"][-1]["error"] == "550 no such mailbox"
    ][:1]
    post.answer = lambda parcel: Result("sent")
    for item in client.get("handler", "/api/v1/messages?status=dead").json()["items"]:
        client.post("handler", f"/api/v1/messages/{item['id']}/requeues")
    tick(context(client, clock, post), clock.now)
    assert seen("handler") == wanted[:1]
    bounced = client.post("handler", f"/api/v1/messages/{dead['id']}/bounces", {"reason": "mailbox full"})
    assert bounced.json()["failed"] == 1
    everywhere = {reason for row in projects[:2] for reason in _reasons(client, row)}
    assert everywhere == {("nobody", None), ("bounced", "mailbox full")}


def _reasons(client: Client, row: Row) -> set[tuple[str, str | None]]:
    found = client.get("handler", f"/api/v1/projects/{row['id']}").json()["undelivered"]
    return {(item["reason"]["code"], item["error"]) for item in found}


def test_a_house_whose_clock_nobody_runs_says_so(client: Client, projects: list[Row]) -> None:
    assert client.get(None, "/readyz").json()["late"] == sorted(EVERY)
    assert 'pilot_job_late{job="reminders"} 1\n' in client.get("handler", "/metrics").text
