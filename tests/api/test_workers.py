"""Requests run in threads: as many as there are connections, each carried to its end; and which routes are bound."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Cookie, Depends, Form
from fastapi.routing import APIRoute
from starlette.requests import Request

from api.app import ROUTERS
from api.binding import is_plain
from api.workers import Workers


def test_functions_run_in_as_many_threads_as_there_may_be_and_answer_or_raise() -> None:
    workers = Workers(3)
    together = threading.Barrier(3)

    def meet() -> int:
        together.wait(10)
        return threading.get_ident()

    def fail() -> None:
        raise LookupError("told")

    async def run() -> None:
        names = await asyncio.gather(
            *(workers.run(lambda: (together.wait(10), threading.get_ident())[1]) for _ in "abc")
        )
        assert len(set(names)) == 3
        again = await asyncio.gather(*(workers.run(threading.get_ident) for _ in range(20)))
        assert set(again) <= set(names)
        for _ in range(5):  # a thread whose function raised serves the next one
            with pytest.raises(LookupError, match="told"):
                await workers.run(fail)
        assert await workers.run(threading.get_ident) in names

    asyncio.run(run())
    workers.close()
    assert not any(thread.is_alive() for thread in workers._threads)


def test_a_function_that_nobody_waits_for_any_more_is_carried_to_its_end() -> None:
    workers, begun, go, ended = Workers(1), threading.Event(), threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        go.wait(10)
        ended.set()

    async def run() -> int:
        task = asyncio.create_task(workers.run(act))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        return await workers.run(lambda: 7)

    assert asyncio.run(run()) == 7
    assert ended.is_set()
    workers.close()


def test_threads_end_with_the_object_that_started_them() -> None:
    workers = Workers(2)
    assert asyncio.run(workers.run(lambda: 1)) == 1
    threads = list(workers._threads)
    del workers
    gc.collect()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_only_routes_that_are_plain_are_bound_here_and_others_are_left_to_the_framework() -> None:
    async def visited(request: Request) -> str:
        return "visit"

    async def of_query(request: Request, name: str) -> str:
        return name

    async def ended(request: Request) -> AsyncIterator[str]:
        yield "until the answer"

    def plain(given: Annotated[str, Depends(visited)], item: str, body: dict[str, int], limit: int = 1) -> None: ...
    def cookie(crumb: Annotated[str, Cookie()]) -> None: ...
    def form(field: Annotated[str, Form()]) -> None: ...
    def later(tasks: BackgroundTasks) -> None: ...
    def sync(given: Annotated[Any, Depends(threading.active_count)]) -> None: ...
    def asks(given: Annotated[str, Depends(of_query)]) -> None: ...
    def ends(given: Annotated[str, Depends(ended, scope="function")]) -> None: ...
    def two(one: dict[str, int], other: dict[str, int]) -> None: ...

    def read(function: Callable[..., None]) -> bool:
        return is_plain(APIRoute("/{item}", function, response_model=None, methods=["POST"]).dependant)

    assert [read(one) for one in (plain, cookie, form, later, sync, asks, ends, two)] == [True] + [False] * 7
    bound = [route for router in ROUTERS for route in router.router.routes if is_plain(route.dependant)]
    assert len(bound) > 60  # nearly all of ours
