"""Calendars, reminder plans and simulations over HTTP and by the command line's functions."""

from datetime import timedelta

from lifecycle.database import Database
from lifecycle.replay import drift_of_batch
from lifecycle.statements import Row
from states.library import bundled_plans
from tests.api.conftest import Client, Clock, problem
from tests.lifecycle.test_new_calendars import notice

BATCH = "/api/v1/batches/sd-gongfu-2024-2"
NEXT_YEAR_TEXT = notice()
PLAN = next(iter(bundled_plans().values()))[1]


def test_a_calendar_is_previewed_adopted_by_its_digest_and_recorded(
    client: Client, projects: list[Row], batch: Row, database: Database
) -> None:
    shown = client.post("handler", f"{BATCH}/calendars/previews", {"text": NEXT_YEAR_TEXT})
    assert shown.status_code == 200, shown.text
    body = {"text": NEXT_YEAR_TEXT, "digest": "0" * 64, "reason": "国务院办公厅通知"}
    problem(client.post("handler", f"{BATCH}/calendars", body), 409, "preview-stale")
    done = client.post("handler", f"{BATCH}/calendars", {**body, "digest": shown.json()["digest"]})
    assert (done.status_code, done.json()["counts"]) == (200, shown.json()["counts"])
    with database.reading() as tx:
        assert drift_of_batch(tx, batch["id"]) == {}
    problem(client.post("jinan", f"{BATCH}/calendars/previews", {"text": NEXT_YEAR_TEXT}), 403, "forbidden")


def test_a_text_that_is_no_calendar_is_refused_with_its_place(client: Client, batch: Row) -> None:
    for text in ("?", "name = 1", "2027-01-01,休", "[" * 5000):
        answer = client.post("handler", f"{BATCH}/calendars/previews", {"text": text})
        assert problem(answer, answer.status_code, "unreadable")["message"]["zh"]


def test_a_plan_is_shown_previewed_set_and_taken_back(client: Client, projects: list[Row]) -> None:
    assert client.get("handler", f"{BATCH}/reminder-plan").json()["bundled"] is True
    other = PLAN.replace('version = "1"', 'version = "2"').replace("messages_at_once = 5", "messages_at_once = 9")
    preview = client.post("handler", f"{BATCH}/reminder-plan/previews", {"text": other}).json()
    assert (preview["ready"], preview["faults"]) == (True, [])
    done = client.request("handler", "PUT", f"{BATCH}/reminder-plan", json={"text": other, "reason": "减少打扰"})
    assert done.status_code == 200, done.text
    shown = client.get("jinan", f"{BATCH}/reminder-plan").json()
    assert (shown["bundled"], shown["name"], shown["text"]) == (False, "gongfu-reminders/2", other)
    broken = client.post("handler", f"{BATCH}/reminder-plan/previews", {"text": other.replace("handler", "nobody")})
    assert broken.json()["ready"] is False
    again = {"text": None, "reason": "恢复原方案"}
    assert client.request("handler", "PUT", f"{BATCH}/reminder-plan", json=again).status_code == 200
    assert client.get("handler", f"{BATCH}/reminder-plan").json()["bundled"] is True


def test_a_simulation_tells_what_would_fall_due_and_writes_nothing(
    client: Client, projects: list[Row], clock: Clock
) -> None:
    one = client.post("handler", "/api/v1/simulations", {"project": projects[0]["id"], "days": 60})
    assert one.status_code == 200, one.text
    told = one.json()["project"]
    assert (told["code"], one.json()["batch"]) == (projects[0]["code"], None)
    assert [item["kind"] for item in told["checkpoints"]] == ["city_cutoff"]
    assert told["checkpoints"][0]["reminders"]
    whole = client.post("handler", "/api/v1/simulations", {"batch": "sd-gongfu-2024-2", "days": 60})
    assert whole.status_code == 200
    assert client.get("handler", "/api/v1/notices").json()["items"] == []
    clock.now += timedelta(days=1)
    problem(client.post("jinan", "/api/v1/simulations", {"project": projects[2]["id"]}), 404, "not-found")
    problem(client.post("handler", "/api/v1/simulations", {"days": 3}), 422, "invalid")


def test_a_batch_s_simulation_gives_every_reminder_page_by_page(client: Client, projects: list[Row]) -> None:
    asked = {"batch": "sd-gongfu-2024-2", "days": 60, "details": 2}
    first = client.post("handler", "/api/v1/simulations", asked).json()
    second = client.post("handler", "/api/v1/simulations", {**asked, "after": first["next"]}).json()
    found = [one["project"] for page in (first, second) for one in page["projects"]]
    assert (found, second["next"]) == (sorted(row["id"] for row in projects), None)
    assert first["batch"] == second["batch"]
    told = [item for one in first["projects"] for kind in one["checkpoints"] for item in kind["reminders"]]
    assert {(item["occasion"], item["recipient"]["role"]) for item in told} >= {("w-7", "city"), ("due", "city")}
    sums = client.post("handler", "/api/v1/simulations", {"batch": "sd-gongfu-2024-2", "days": 60}).json()
    assert (sums["projects"], sums["batch"]) == (None, first["batch"])
    problem(client.post("handler", "/api/v1/simulations", {"project": found[0], "details": 2}), 422, "invalid")


def test_what_if_published_on_another_day_or_put_off_by_sixty_days(client: Client, projects: list[Row]) -> None:
    def due(**assumed: object) -> str:
        asked = {"project": projects[0]["id"], "days": 400, "state": "published", **assumed}
        told = client.post("handler", "/api/v1/simulations", asked).json()["project"]
        return next(item["due_on"] for item in told["checkpoints"] if item["kind"] == "half_year_opens")

    assert due(published_on="2024-08-31") == "2025-02-28"
    assert due(published_on="2024-09-30") == "2025-03-31"  # 30 March 2025 is a Sunday
    assert due(published_on="2024-08-31", delay_days=60) == "2025-04-29"
    assert due(published_on="2024-08-31", extend_months=2) == "2025-04-30"
