"""The clock seen from outside: its jobs, what waits for them, and the same as metrics."""

from datetime import datetime

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Here
from api.openapi import answers, operation
from api.replies import reply
from api.requests import StrictRoute
from api.shapes.ways import Jobs
from lifecycle import watch
from lifecycle.canonical import instant
from lifecycle.drifting import count_drifting
from schedules.runner import EVERY

router = APIRouter(tags=["service"], route_class=StrictRoute)
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/api/v1/jobs", **operation("listJobs", "定时作业", "The clock's jobs", "forbidden", model=Jobs))
def list_all(here: Here) -> Response:
    """Return each job with its last success and whether it is late, and what waits for the clock."""
    with here.reading() as tx:
        jobs, waiting = watch.watch_jobs(tx, here.caller), watch.count_waiting(tx, here.caller)
    told = {name: {"number": kind.number, "oldest": instant(kind.oldest) if kind.oldest else None}
            for name, kind in waiting.items()}  # fmt: skip
    return reply({"jobs": jobs, "waiting": told})


@router.get("/metrics", **operation("readMetrics", "指标", "Metrics", "forbidden", responses=answers("text/plain")))
def metrics(here: Here) -> Response:
    """Return the same in Prometheus's text format 0.0.4."""
    with here.reading() as tx:
        jobs, waiting = watch.watch_jobs(tx, here.caller), watch.count_waiting(tx, here.caller)
        drifting = count_drifting(tx)
    now = here.caller.now
    lines = ["# TYPE pilot_job_seconds_since_success gauge"]
    lines += [
        f'pilot_job_seconds_since_success{{job="{job["name"]}"}} {_age(job["succeeded_at"], now)}'
        for job in jobs
        if job["succeeded_at"]
    ]
    lines += ["# TYPE pilot_job_late gauge"]
    late = {**dict.fromkeys(EVERY, True), **{job["name"]: job["late"] for job in jobs}}  # what never ran is late
    lines += [f'pilot_job_late{{job="{name}"}} {int(is_late)}' for name, is_late in late.items()]
    lines += ["# TYPE pilot_job_failures_total counter"]
    lines += [f'pilot_job_failures_total{{job="{job["name"]}"}} {job["failures"]}' for job in jobs]
    lines += ["# TYPE pilot_waiting gauge"]
    lines += [f'pilot_waiting{{kind="{name}"}} {kind.number}' for name, kind in waiting.items()]
    lines += ["# TYPE pilot_waiting_oldest_seconds gauge"]
    lines += [
        f'pilot_waiting_oldest_seconds{{kind="{name}"}} {(now - kind.oldest).total_seconds():.0f}'
        for name, kind in waiting.items()
        if kind.oldest
    ]
    lines += ["# TYPE pilot_drifting gauge", f"pilot_drifting {drifting}"]
    return Response("\n".join([*lines, ""]), media_type=TEXT)


def _age(at: str, now: datetime) -> str:
    return f"{(now - datetime.fromisoformat(at)).total_seconds():.0f}"
