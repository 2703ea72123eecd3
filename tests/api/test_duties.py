"""What people have to see to, over HTTP: answers as described, and the worst that can be sent."""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from api.shapes import checkpoints as dates
from api.shapes import notices as telling
from api.shapes import parts
from lifecycle.statements import Row
from tests.api.conftest import Client
from tests.api.test_messages import message_of, world
from tests.api.test_worst_inputs import BODIES, JSON, NAMES
from tests.schedules.arranging import World

__all__ = ["world"]  # a fixture

BATCH = "sd-gongfu-2024-2"
NEW = {"title": "补充设备清单", "due_on": "2024-08-20", "to": ["applicant"]}


def test_answers_have_the_shapes_that_are_described(client: Client, world: World, projects: list[Row]) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}"
    many = {"batch": BATCH, "projects": [row["id"] for row in projects], "role": "handler", "login": "handler"}
    charge = client.request("head", "PUT", f"{path}/responsibles/handler", json={"login": "handler"})
    added = client.post("handler", f"{path}/deadlines", NEW)
    shown = client.post("head", "/api/v1/responsibles/previews", many)
    dead, sent = message_of(client, "dead"), message_of(client, "sent")
    answers: list[tuple[Any, Any]] = [
        (dates.Assigned, charge),
        (dates.Deadline, added),
        (dates.Deadline, client.patch("handler", f"{path}/deadlines/1", {"due_on": "2024-08-21"})),
        (parts.Listed[dates.Deadline], client.get("handler", f"{path}/deadlines")),
        (parts.Listed[dates.CheckpointItem], client.get("handler", "/api/v1/checkpoints")),
        (dates.Lights, client.get("handler", f"/api/v1/batches/{BATCH}/lights")),
        (parts.Listed[dates.ProjectCheckpoint], client.get("handler", f"{path}/checkpoints")),
        (dates.Responsibles, client.get("handler", f"{path}/responsibles")),
        (dates.Chances, client.get("handler", f"{path}/chases")),
        (dates.Chased, client.post("handler", f"{path}/chases", {})),
        (dates.Chances, client.get("handler", f"{path}/chases")),
        (dates.Deadline, client.post("handler", f"{path}/deadlines/1/endings", {"how": "done"})),
        (dates.HandoverPreview, shown),
        (parts.Problem, client.post("head", "/api/v1/responsibles/commits", many | {"digest": shown.json()["digest"]})),
        (parts.Listed[telling.Notice], client.get("handler", "/api/v1/notices")),
        (telling.ToDos, client.get("unit", "/api/v1/to-dos")),
        (telling.Read, client.post("unit", "/api/v1/notices/readings", {"notices": ["x"]})),
        (parts.Listed[telling.Message], client.get("handler", "/api/v1/messages")),
        (telling.Requeued, client.post("handler", f"/api/v1/messages/{dead}/requeues")),
        (telling.Bounced, client.post("handler", f"/api/v1/messages/{sent}/bounces", {"reason": "554"})),
    ]
    digest = client.post("head", "/api/v1/responsibles/previews", many).json()["digest"]
    done = client.post("head", "/api/v1/responsibles/commits", many | {"digest": digest})
    for shape, answer in [*answers, (dates.HandedOver, done)]:
        checked = TypeAdapter(shape).validate_json(answer.content)
        assert isinstance(checked, BaseModel)
    assert (len(done.json()["assigned"]), client.get("unit", "/api/v1/to-dos").json()["open"] != []) == (3, True)


def test_no_body_is_a_fault_of_ours(client: Client, projects: list[Row]) -> None:
    path = f"/api/v1/projects/{projects[0]['id']}"
    client.post("handler", f"{path}/deadlines", NEW)
    addresses = [
        ("POST", f"{path}/deadlines"),
        ("PATCH", f"{path}/deadlines/1"),
        ("POST", f"{path}/deadlines/1/endings"),
        ("PUT", f"{path}/responsibles/handler"),
        ("POST", f"{path}/chases"),
        ("POST", "/api/v1/responsibles/previews"),
        ("POST", "/api/v1/responsibles/commits"),
        ("POST", "/api/v1/notices/readings"),
        ("POST", f"/api/v1/messages/{projects[0]['id']}/bounces"),
    ]
    for method, address in addresses:
        for body in BODIES:
            answer = client.request("head", method, address, content=body, headers=JSON)
            assert answer.status_code in (400, 422), (address, body[:80], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("unit", path).json()["version"] == 2


def test_names_that_are_none_are_not_found(client: Client, projects: list[Row]) -> None:
    for name in NAMES:
        project = f"/api/v1/projects/{name}"
        asked: list[tuple[str, str, Any]] = [
            *(("GET", f"{project}/{part}", None) for part in ("checkpoints", "deadlines", "responsibles", "chases")),
            ("POST", f"{project}/deadlines", NEW),
            ("PATCH", f"{project}/deadlines/1", {"due_on": "2024-08-21"}),
            ("POST", f"{project}/deadlines/1/endings", {"how": "done"}),
            ("PUT", f"{project}/responsibles/handler", {"login": "handler"}),
            ("POST", f"{project}/chases", {}),
            ("POST", f"/api/v1/messages/{name}/requeues", None),
            ("POST", f"/api/v1/messages/{name}/bounces", {"reason": "x"}),
            ("GET", f"/api/v1/batches/{name}/lights", None),
        ]
        for method, address, body in asked:
            answer = client.request("handler", method, address, json=body)
            assert answer.status_code == 404, (method, address, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
