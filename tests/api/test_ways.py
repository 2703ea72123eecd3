"""Addresses, calendar feeds, jobs and metrics over HTTP; the clock inside the server; a mail from start to end."""

from datetime import timedelta

import icalendar
import pytest

from api.app import create_app
from api.scheduling import context_of, runs_inside
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.jobs import enter_job
from lifecycle.settings import Settings
from lifecycle.statements import Row
from schedules.runner import EVERY, Runner, tick
from tests.api.conftest import Client, Clock, problem
from tests.schedules.servers import mail_server

MINE, FEEDS = "/api/v1/people/me/addresses", "/api/v1/people/me/feeds"


def test_an_address_is_entered_changed_and_ended_by_its_owner(client: Client) -> None:
    made = client.post("handler", MINE, {"channel": "email", "target": "li@example.gov.cn"})
    assert (made.status_code, made.json()["target"], made.json()["secret"]) == (201, "li@example.gov.cn", None)
    assert client.patch("handler", f"{MINE}/email", {"digest": True}).json() == {"done": True}
    (kept,) = client.get("handler", MINE).json()["items"]
    assert (kept["channel"], kept["digest"], kept["failures"]) == ("email", True, 0)
    assert client.request("handler", "DELETE", f"{MINE}/email").json() == {"done": True}
    assert client.get("handler", MINE).json() == {"items": []}


@pytest.mark.parametrize(
    ("channel", "target"),
    [
        ("email", "nobody"),
        ("email", "a@b.cn\r\nBcc: c@d.cn"),
        ("chat", "file:///etc/passwd"),
        ("webhook", "http://10.0.0.1/"),
    ],
)
def test_a_target_that_cannot_be_is_refused_and_nothing_is_kept(client: Client, channel: str, target: str) -> None:
    answer = client.post("handler", MINE, {"channel": channel, "target": target})
    assert answer.status_code in {400, 422}
    assert client.get("handler", MINE).json() == {"items": []}


def test_addresses_of_others_are_for_the_security_administrator(client: Client) -> None:
    client.post("handler", MINE, {"channel": "email", "target": "li@example.gov.cn"})
    login = client.get("handler", "/api/v1/people/me").json()["login"]
    (masked,) = client.get("security", f"/api/v1/people/{login}/addresses").json()["items"]
    assert masked["target"] != "li@example.gov.cn"
    problem(client.get("jinan", f"/api/v1/people/{login}/addresses"), 403, "forbidden")


def test_a_feed_is_read_by_its_token_alone_until_it_is_revoked(client: Client, projects: list[Row]) -> None:
    made = client.post("handler", FEEDS, {"label": "手机", "batch": "sd-gongfu-2024-2"}).json()
    answer = client.get(None, made["path"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    told = icalendar.Calendar.from_ical(answer.content)
    assert len(told.walk("VEVENT")) >= len(projects)
    again = client.request(None, "GET", made["path"], headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert [item["label"] for item in client.get("handler", FEEDS).json()["items"]] == ["手机"]
    assert client.request("handler", "DELETE", f"{FEEDS}/{made['id']}").json() == {"done": True}
    unknown = client.get(None, "/api/v1/feeds/pilotcal_unknown.ics")
    revoked = client.get(None, made["path"])
    assert problem(unknown, 404, "not-found")["message"] == problem(revoked, 404, "not-found")["message"]


def test_jobs_and_metrics_tell_what_waits(
    client: Client, projects: list[Row], database: Database, clock: Clock
) -> None:
    before = client.get("handler", "/api/v1/jobs").json()
    assert (before["jobs"], before["waiting"]["checkpoints"]["number"]) == ([], len(projects))
    context = context_of(client.app.state.service)
    assert tick(context, clock.now).swept == len(projects)
    after = client.get("auditor", "/api/v1/jobs").json()
    assert after["waiting"]["checkpoints"] == {"number": 0, "oldest": None}
    text = client.get("handler", "/metrics").text
    assert 'pilot_waiting{kind="checkpoints"} 0\n' in text


def test_a_job_is_on_record_and_a_late_one_is_told(client: Client, database: Database, clock: Clock) -> None:
    runner = Runner(context_of(client.app.state.service))
    with database.transaction() as tx:
        for name, interval in EVERY.items():
            enter_job(tx, name, int(interval.total_seconds()))
    assert [runner.run(name) for name in EVERY] == [True] * len(EVERY)
    told = {job["name"]: (job["runs"], job["late"]) for job in client.get("handler", "/api/v1/jobs").json()["jobs"]}
    assert told == dict.fromkeys(EVERY, (1, False))
    clock.now += timedelta(days=1)
    assert set(client.get(None, "/readyz").json()["late"]) == set(EVERY)
    client.app.state.clock_since = clock.now
    assert client.get(None, "/readyz").status_code == 200  # each job first has its turn
    client.app.state.clock_since = clock.now - timedelta(hours=1)
    problem(client.get(None, "/readyz"), 503, "not-ready")


def test_the_clock_runs_inside_the_server_where_the_database_is_embedded() -> None:
    assert runs_inside(Settings(database_url=None, scheduler=None))
    assert not runs_inside(Settings(database_url="postgresql+psycopg://server/name", scheduler=None))
    assert runs_inside(Settings(database_url="postgresql+psycopg://server/name", scheduler=True))
    assert not runs_inside(Settings(database_url=None, scheduler=False))


def test_what_opens_reaches_the_mailbox_of_the_bureau(
    client: Client, settings: Settings, database: Database, log: Log, projects: list[Row], clock: Clock
) -> None:
    client.post("jinan", MINE, {"channel": "email", "target": "jinan@example.gov.cn"})
    with mail_server() as server:
        mailing = settings.model_copy(
            update={
                "smtp_host": "127.0.0.1",
                "smtp_port": server.port,
                "smtp_security": "none",
                "mail_from": "pilot@example.gov.cn",
            }
        )
        app = create_app(mailing, database, log, lambda: clock.now)
        done = tick(context_of(app.state.service), clock.now)
        assert done.delivered.sent == len(server.mails) == 2
