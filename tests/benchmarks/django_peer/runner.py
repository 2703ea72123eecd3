"""Prepares the peer's database, or is one of its clients: the protocol is the one of the door's worker."""

import json
import os
import random
import sys
import time
import uuid
from datetime import UTC, date, datetime, timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from pilots.models import Audit, Project  # noqa: E402

ON = date(2024, 8, 14)
BEGAN = datetime(2024, 8, 14, 1, tzinfo=UTC)
SAVED = ["state", "left_state", "entered_on", "record", "documents", "flags", "version", "changed_at"]


def prepare(sample, count):
    """Make the tables and `count` projects like `sample`, every second under an objection."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    User.objects.create(username="bench-handler")
    same = {name: value for name, value in sample.items() if name not in {"id", "code", "state", "flags", "head_hash"}}
    record = {**same.pop("record"), "publicity_ends_on": "2024-08-16"}
    Project.objects.bulk_create(
        Project(
            **same,
            record=record,
            public_id=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:bench:{number}"),
            code=f"{number:05d}",
            state="under_objection" if number % 2 else "in_publicity",
            flags=["objection_open"] if number % 2 else [],
        )
        for number in range(1, count + 1)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def asked_of(event, number, now):
    """Return what is asked of a project: the same fields that the door is given."""
    asked = {"role": "handler", "scope": "all", "city": None, "on": ON, "today": ON, "now": now, "documents": {}}
    if event == "reject_objection":
        return {**asked, "fields": {"objection_finding": f"经核查，第{number}号来信所述情况不属实，异议不成立"}}
    fields = {
        "objected_on": ON.isoformat(),
        "objector_kind": ["person"],
        "objector_name": f"异议人{number:06d}",
        "objector_contact": f"1380{number:07d}",
        "objection_written": True,
        "objection_ground": f"参数与事实不符（来信第{number}号，附书面材料）",
    }
    material = {"id": f"objection_material-{number}", "sha256": f"{number:064x}", "size": number, "version": 1}
    return {**asked, "fields": fields, "documents": {"objection_material": material}}


def act(user, name, event, number, now):
    """Carry out one act, committed; return the state it led to."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=name)
        before = project.state
        project.asked = asked_of(event, number, now)
        (project.object_to if event == "object" else project.reject_objection)(by=user)
        project.save(update_fields=SAVED)
        Audit.objects.create(
            project=project,
            at=now,
            actor=user.username,
            action=event,
            body={
                "actor": {"kind": "user", "id": user.username, "role": "handler", "auth": "token", "org": None},
                "source": {"channel": "api", "request": f"req-{now.timestamp():.6f}", "ip": "10.20.30.40"},
                "subject": {"kind": "project", "id": str(project.public_id), "version": project.version},
                "action": {"name": event, "from": before, "to": project.state},
                "changes": project.asked["fields"],
                "docs": project.asked["documents"],
            },
        )
    return project.state


def series(task):
    """Act on random projects of the stripe for ever."""
    user = User.objects.get(username="bench-handler")
    names = list(range(*task["range"]))
    states = dict(Project.objects.filter(pk__in=names).values_list("pk", "state"))
    chance, number = random.Random(task["seed"]), task["seed"] * 1_000_003 % 9_000_000
    while True:
        name, number = chance.choice(names), number + 1
        event = "object" if states[name] == "in_publicity" else "reject_objection"
        now = BEGAN + timedelta(seconds=time.time() - task["epoch"])
        states[name] = act(user, name, event, number, now)
        yield


def run(acts, seconds, most):
    """Act until the time or the number is up; return the acts' times (µs) and the seconds gone by."""
    times = []
    began = last = time.perf_counter()
    while len(times) < most and last - began < seconds:
        next(acts)
        now = time.perf_counter()
        times.append(round((now - last) * 1e6))
        last = now
    return times, last - began


def main():
    task = json.loads(sys.stdin.readline())
    if "sample" in task:
        prepare(task["sample"], task["count"])
        return
    acts = series(task)
    warm, _ = run(acts, 60, task["warm"])
    print("ready", flush=True)
    if sys.stdin.readline().strip() != "go":
        return
    spent = time.process_time()
    times, seconds = run(acts, task["seconds"], task["most"])
    spent = time.process_time() - spent
    print(json.dumps({"warm": len(warm), "times": times, "seconds": seconds, "cpu": spent}), flush=True)


if __name__ == "__main__":
    main()
