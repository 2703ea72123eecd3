"""Batches: opened, listed, and what surrounds their projects."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.dependencies import Here, Key
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import page, reply
from api.requests import StrictRoute
from api.schemas import NewBatch
from api.shapes.parts import Listed
from api.shapes.surroundings import Batch, Capacity, Counts, Movements, Task, Watched
from lifecycle import batches, overviews, quotas
from lifecycle.errors import NotFound, Unreadable
from lifecycle.listing import count_projects
from states.checker import check
from states.definition import read_definition
from states.findings import Text
from states.library import bundled_definitions, bundled_policies
from states.policy import read_policy

router = APIRouter(prefix="/api/v1/batches", tags=["batches"], route_class=StrictRoute)
SHOWN_FAULTS = 20


@router.get("", **operation("listBatches", "批次列表", "List batches", "forbidden", model=Listed[Batch]))
def list_all(here: Here, request: Request) -> Response:
    """Return all batches by code."""
    with here.reading() as tx:
        found = overviews.list_batches(tx, here.caller)
    return page(request, found, None, "after")


@router.post(
    "",
    status_code=CREATED,
    **operation("openBatch", "开设批次", "Open a batch", "forbidden", "not-found", *WRITES, model=Batch),
)
def open_new(here: Here, body: NewBatch, key: Key = None) -> Response:
    """Open a batch pinned to a checked lifecycle and policy."""
    asked = {"open": body.model_dump()}
    with here.acting(("batches", body.code), "open", key, asked) as tx:

        def act() -> dict[str, Any]:
            batches.may_manage(here.caller)
            definition, policy = _texts(body)
            _check(definition, policy)
            caller, log = here.caller, here.service.log
            name = batches.open_batch(
                tx, log, caller, body.code, definition, policy, title=body.title, invented=body.invented
            )
            return batches.summary(overviews.find_batch(tx, caller, name))

        answer, replayed = here.once(tx, key, asked, act)
    location = f"/api/v1/batches/{answer['code']}"
    return reply(answer, status=CREATED, replayed=replayed, location=location)


@router.get("/{batch}", **operation("showBatch", "批次", "One batch", "forbidden", "not-found", model=Batch))
def show(here: Here, batch: str) -> Response:
    """Return a batch by code or id."""
    with here.reading() as tx:
        found = batches.summary(overviews.find_batch(tx, here.caller, batch))
    return reply(found)


@router.get(
    "/{batch}/tasks", **operation("listTasks", "榜单", "The task list", "forbidden", "not-found", model=Listed[Task])
)
def list_tasks(here: Here, request: Request, batch: str) -> Response:
    """Return the batch's task list by code."""
    with here.reading() as tx:
        found = overviews.list_tasks(tx, here.caller, overviews.find_batch(tx, here.caller, batch))
    return page(request, found, None, "after")


@router.get(
    "/{batch}/quotas",
    **operation("listQuotas", "名额与限额", "Quotas and limits", "forbidden", "not-found", model=Listed[Capacity]),
)
def list_quotas(
    here: Here,
    request: Request,
    batch: str,
    pool: Annotated[str | None, Query(description="限额代码；缺省为市推荐名额 / default: city quotas")] = None,
) -> Response:
    """Return how much of the batch's limits is held; a city sees its own row."""
    with here.reading() as tx:
        found = overviews.list_capacities(tx, here.caller, overviews.find_batch(tx, here.caller, batch), pool)
    return page(request, found, None, "after")


@router.get(
    "/{batch}/quota-watch",
    **operation("watchQuotas", "名额使用情况", "Quotas as they stand", "forbidden", "not-found", model=Listed[Watched]),
)
def watch(here: Here, request: Request, batch: str) -> Response:
    """Return what each city has used, exempted, drafted, left and exceeded at this instant."""
    with here.reading() as tx:
        found = quotas.watch_quotas(tx, here.caller, overviews.find_batch(tx, here.caller, batch))
    return page(request, found, None, "after")


@router.get(
    "/{batch}/quotas/{pool}/{key}/movements",
    **operation("listMovements", "名额台账", "A quota's ledger", "forbidden", "not-found", model=Movements),
)
def movements(here: Here, batch: str, pool: str, key: str) -> Response:
    """Return every movement of one counter from the log, with act, project and time, and whether they add up."""
    with here.reading() as tx:
        found = quotas.read_movements(tx, here.caller, overviews.find_batch(tx, here.caller, batch), pool, key)
    return reply(found)


@router.get("/{batch}/counts", **operation("countProjects", "统计", "Counts", "forbidden", "not-found", model=Counts))
def counts(here: Here, batch: str, by: Literal["state", "city"] = "state") -> Response:
    """Return how many of the batch's projects within the caller's reach there are, by state or city."""
    with here.reading() as tx:
        row = overviews.find_batch(tx, here.caller, batch)
        found = count_projects(tx, here.caller, row["id"], by)
    return reply({"batch": row["code"], "by": by, "counts": found, "total": sum(found.values())})


def _texts(body: NewBatch) -> tuple[str, str]:
    definition, policy = body.definition_toml, body.policy_toml
    if definition is None:
        definition = _bundled(body.definition or "", {name: text for name, (_, text) in bundled_definitions().items()})
    if policy is None:
        policy = _bundled(body.policy or "", {name: text for name, (_, text) in bundled_policies().items()})
    return definition, policy


def _bundled(name: str, known: dict[str, str]) -> str:
    if name not in known:
        raise NotFound(Text(f"没有随附的流程或政策“{name}”", f"nothing bundled is named {name!r}"))
    return known[name]


def _check(definition_text: str, policy_text: str) -> None:
    """Refuse rules that cannot be read or are not sound: what a batch is pinned to must hold for its whole life."""
    try:
        definition, policy = read_definition(definition_text), read_policy(policy_text)
    except (ValueError, RecursionError) as error:  # tomllib has its own limits beside its own error
        raise Unreadable(Text("流程或政策文本无法读取", "the lifecycle or policy text cannot be read")) from error
    faults = check(definition, policy)
    if faults:
        raise Unreadable(
            Text(f"流程或政策有{len(faults)}处错误", f"the lifecycle or policy has {len(faults)} faults"),
            faults=[
                {"code": found.code, "place": found.place, "message": found.message._asdict()}
                for found in faults[:SHOWN_FAULTS]
            ],
        )
