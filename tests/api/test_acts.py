"""Acts on one project over HTTP: done, tried, offered, refused, told twice."""

from datetime import date

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.statements import Row
from tests.api.conftest import Client, Clock, body_for, problem
from tests.lifecycle.builders import drive, read_entries, read_project

JULY = date(2024, 7, 20)


def path_of(row: Row) -> str:
    return f"/api/v1/projects/{row['id']}/transitions"


def test_an_act_answers_with_outcome_etag_and_receipt_and_is_done(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    row = projects[0]
    answer = client.post("unit", path_of(row), body_for("submit", row, JULY), headers={"If-Match": '"1"'})
    told = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"'), answer.text
    assert (told["from"], told["to"], told["version"]) == ("draft", "applied", 2)
    assert told["receipt"]["stream"] == f"project/{row['id']}"
    assert read_project(database, row["id"])["state"] == "applied"
    assert client.get("unit", f"/api/v1/projects/{row['id']}").headers["etag"] == '"2"'


def test_the_same_key_returns_the_first_answer_and_another_body_is_refused(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    row = projects[0]
    body, key = body_for("submit", row, JULY), {"Idempotency-Key": "k-1"}
    first = client.post("unit", path_of(row), body, headers=key)
    again = client.post("unit", path_of(row), body, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert again.headers["etag"] == first.headers["etag"]
    other = client.post("unit", path_of(row), {**body, "reason": "另一请求"}, headers=key)
    problem(other, 422, "idempotency-key-reused")
    assert read_project(database, row["id"])["version"] == 2


def test_many_at_once_on_one_version_have_one_winner(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    body = body_for("submit", projects[0], JULY, expected_version=1)
    answers = client.post_together("unit", path_of(projects[0]), [body] * 8, {})
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    assert read_project(database, projects[0]["id"])["version"] == 2


def test_the_same_act_and_key_at_the_same_moment_is_done_once(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    body, key = body_for("submit", projects[0], JULY), {"Idempotency-Key": "rush"}
    answers = client.post_together("unit", path_of(projects[0]), [body] * 8, key)
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json() for answer in answers[1:]] == [answers[0].json()] * 7
    assert read_project(database, projects[0]["id"])["version"] == 2


def test_a_refusal_under_a_key_is_told_again_and_logged_once(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    row = projects[0]
    body, key = {"event": "submit"}, {"Idempotency-Key": "k-2"}
    first = client.post("unit", path_of(row), body, headers=key)
    again = client.post("unit", path_of(row), body, headers=key)
    told = problem(first, 422, "rules-unmet")
    assert problem(again, 422, "rules-unmet")["findings"] == told["findings"]
    assert again.headers["idempotent-replayed"] == "true"
    outcomes = [entry["outcome"] for entry in read_entries(database, f"project/{row['id']}")]
    assert outcomes == ["success", "denied"]


def test_who_decided_on_an_old_version_is_told_the_winner(client: Client, projects: list[Row], clock: Clock) -> None:
    clock.go_to(JULY)
    row = projects[0]
    client.post("unit", path_of(row), body_for("submit", row, JULY))
    stale = body_for("withdraw", row, JULY)
    by_header = problem(client.post("unit", path_of(row), stale, headers={"If-Match": '"1"'}), 412, "conflict")
    by_body = problem(client.post("unit", path_of(row), {**stale, "expected_version": 1}), 409, "conflict")
    assert by_header["winner"] == by_body["winner"]
    assert (by_body["winner"]["name"], by_body["winner"]["action"], by_body["version"]) == ("牵头单位", "submit", 2)


def test_if_match_is_one_strong_version(client: Client, projects: list[Row]) -> None:
    for tag in ("7", 'W/"7"', "*", '"7", "8"', '"x"', '""', '"07"', '"' + "9" * 30 + '"', "", "x" * 100):
        answer = client.post("unit", path_of(projects[0]), {"event": "submit"}, headers={"If-Match": tag})
        problem(answer, 400, "unreadable")


def test_if_match_and_body_must_agree(client: Client, projects: list[Row]) -> None:
    body = {"event": "submit", "expected_version": 2}
    problem(client.post("unit", path_of(projects[0]), body, headers={"If-Match": '"1"'}), 400, "unreadable")


def test_a_dry_run_tells_every_finding_and_writes_nothing(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    row = projects[0]
    blocked = client.post("unit", path_of(row), {"event": "submit", "dry_run": True})
    assert (blocked.status_code, blocked.json()["allowed"], blocked.json()["to"]) == (200, False, None)
    assert {"fields_complete", "investment_sufficient"} <= {item["check"] for item in blocked.json()["findings"]}
    fine = client.post("unit", path_of(row), body_for("submit", row, JULY, dry_run=True))
    assert (fine.json()["allowed"], fine.json()["to"]) == (True, "applied")
    assert read_project(database, row["id"])["version"] == 1
    assert len(read_entries(database, f"project/{row['id']}")) == 1


def test_what_the_state_or_the_role_does_not_allow_has_its_own_problem(
    client: Client, projects: list[Row], clock: Clock, database: Database
) -> None:
    clock.go_to(JULY)
    row = projects[0]
    told = problem(client.post("handler", path_of(row), {"event": "publish"}), 409, "not-offered")
    assert [item["check"] for item in told["findings"]] == ["offered"]
    problem(client.post("handler", path_of(row), {"event": "nonsense"}), 409, "not-offered")
    problem(client.post("auditor", path_of(row), body_for("submit", row, JULY)), 403, "forbidden")
    outcomes = [entry["outcome"] for entry in read_entries(database, f"project/{row['id']}")]
    assert outcomes == ["success", "denied", "denied", "denied"]


def test_offers_say_ready_needs_input_blocked_not_permitted_or_not_in_state(
    client: Client, projects: list[Row], clock: Clock, database: Database, log: Log
) -> None:
    clock.go_to(JULY)

    def statuses(who: str, row: Row) -> dict[str, str]:
        answer = client.get(who, path_of(row))
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return {offer["event"]: offer["status"] for offer in answer.json()["offers"]}

    draft = statuses("unit", projects[0])
    assert (draft["submit"], draft["publish"], draft["waive"]) == ("needs_input", "not_in_state", "not_permitted")
    drive(database, log, projects[0]["id"], "published")
    clock.go_to(date(2024, 9, 20))
    early = statuses("unit", projects[0])
    assert early["apply_half_year"] == "blocked"  # the window has not opened: no input changes that
    clock.go_to(date(2025, 3, 10))
    assert statuses("unit", projects[0])["apply_half_year"] == "needs_input"
    assert statuses("handler", projects[0])["suspend"] == "needs_input"  # a reason
    client.post("handler", path_of(projects[0]), {"event": "suspend", "reason": "停产检修"})
    suspended = statuses("handler", projects[0])
    assert (suspended["resume"], suspended["suspend"]) == ("ready", "blocked")
    assert statuses("unit", projects[0])["apply_half_year"] == "blocked"


def test_an_offer_names_the_fields_documents_and_reason_it_takes(client: Client, projects: list[Row]) -> None:
    offers = {offer["event"]: offer for offer in client.get("unit", path_of(projects[0])).json()["offers"]}
    needs = offers["submit"]["needs"]
    fields = {item["name"]: (item["type"], item["required"]) for item in needs["fields"]}
    assert fields["attested"] == ("boolean", True)
    assert {"application_book_pdf", "consortium_agreement"} <= {item["kind"] for item in needs["documents"]}
    assert offers["publish"]["needs"] is None
    assert offers["submit"]["label"]["zh"]


def test_two_persons_are_needed_where_the_lifecycle_asks_for_two(
    client: Client, projects: list[Row], clock: Clock, database: Database, log: Log
) -> None:
    row = drive(database, log, projects[0]["id"], "published")
    clock.go_to(date(2024, 10, 1))
    body = {"event": "revoke", "fields": {"revocation_finding": "材料造假"}, "reason": "依据会议纪要办理"}
    first = client.post("handler", path_of(row), body).json()
    assert (first["awaiting_second_person"], first["to"]) == (True, "published")
    assert client.get("head", path_of(row)).json()["awaiting_second_person"] == "revoke"
    problem(client.post("handler", path_of(row), body), 422, "rules-unmet")
    assert client.post("head", path_of(row), {"event": "revoke"}).json()["to"] == "revoked"


def test_a_soft_rule_is_overridden_by_the_province_with_a_reason_only(
    client: Client, projects: list[Row], clock: Clock, database: Database, log: Log
) -> None:
    row = drive(database, log, projects[0]["id"], "applied")
    clock.go_to(date(2024, 8, 6))  # a day after the package deadline (R16)
    body = body_for("recommend", row, date(2024, 8, 6))
    late = problem(client.post("jinan", path_of(row), body), 422, "rules-unmet")
    assert any(item["rule"] == "R16" and item["overridable"] for item in late["findings"] if not item["met"])
    tried = {**body, "override": ["R16"], "reason": "系统故障", "dry_run": True}
    assert client.post("jinan", path_of(row), tried).json()["allowed"] is False
