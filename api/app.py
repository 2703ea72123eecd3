"""The application: middlewares, routes and how faults are answered, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from api.auth import Gate
from api.middlewares import AccessLog, BodyLimit, Faults, Receipts, RequestIds, SecurityHeaders
from api.problems import respond
from api.routes import (
    addresses,
    audit,
    audit_entries,
    audit_exports,
    audit_proofs,
    audit_reports,
    awards,
    batches,
    bulk,
    calls,
    chases,
    checkpoints,
    deadlines,
    definitions,
    dockets,
    documents,
    explanations,
    feeds,
    health,
    history,
    imports,
    investments,
    jobs,
    lapses,
    messages,
    notices,
    objections,
    panels,
    papers,
    people,
    plans,
    projects,
    public,
    redactions,
    responsibles,
    reviews,
    transitions,
    trials,
)
from api.scheduling import context_of, seals_inside
from api.service import Clock, open_service
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import Refusal
from lifecycle.settings import Settings
from schedules.runner import Runner

ROUTERS = (
    *(transitions, projects, history, bulk, dockets, awards, batches, imports),
    *(checkpoints, deadlines, responsibles, chases, notices, messages),
    *(addresses, feeds, jobs, plans, trials, panels, reviews),
    *(audit, audit_entries, audit_exports, audit_proofs, audit_reports, redactions),
    *(investments, calls, lapses),
    *(documents, papers, definitions, people, objections, public, explanations, health),
)


def create_app(
    settings: Settings,
    database: Database | None = None,
    log: Log | None = None,
    clock: Clock | None = None,
    *,
    with_scheduler: bool = False,
) -> FastAPI:
    """Return the application; database and log are opened as the settings say where they are not handed in.

    `clock` returns the aware UTC instant of a request: the one place where time enters. `with_scheduler`: the
    clock's jobs run in this process from its start to its end.
    """
    service = open_service(settings, database, log, clock)
    runner = Runner(context_of(service, sealing=seals_inside(settings))) if with_scheduler else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # A thread without a connection would only wait for one: as many threads as the pool has connections.
        current_default_thread_limiter().total_tokens = settings.pool_size
        if runner:
            runner.start()
        yield
        if runner:
            runner.stop()
        service.workers.close()
        if service.owns_database:
            service.database.close()

    app = FastAPI(
        # One flat list: a router included would be walked on its own, and each of its routes made anew.
        routes=[route for module in ROUTERS for route in module.router.routes],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={Refusal: respond, HTTPException: respond, RequestValidationError: respond},
        middleware=[
            Middleware(RequestIds),
            Middleware(AccessLog),
            Middleware(SecurityHeaders),
            Middleware(Receipts),
            Middleware(Faults),
            Middleware(Gate, service=service),
            Middleware(BodyLimit, settings=settings),
        ],
    )
    app.state.service = service
    app.state.clock_since = service.clock() if with_scheduler else None
    return app
