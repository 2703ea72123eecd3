"""The threads that requests run in, as many as there are connections to the database."""

import asyncio
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Answer = TypeVar("Answer")
Task = tuple[asyncio.AbstractEventLoop, Callable[[BaseException | None, Any], None], Callable[[], Any]]
Tasks = SimpleQueue[Task | None]


class Workers:
    """Runs functions for one event loop. The framework's own way into a thread costs twice the processor time.

    Threads are started when they are first needed, and end with `close`, or with the object.
    """

    def __init__(self, number: int) -> None:
        """Take the most threads there may be."""
        self.number = number
        self._tasks: Tasks = SimpleQueue()
        self._threads: list[Thread] = []
        self._free = 0
        weakref.finalize(self, self._tasks.put, None)

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """Return what a function returns, or raise what it raises. It is carried to its end even where nobody waits."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Answer] = loop.create_future()

        def done(error: BaseException | None, answer: Any) -> None:
            self._free += 1
            if waiting.cancelled():
                return
            if error is None:
                waiting.set_result(answer)
            else:
                waiting.set_exception(error)

        if self._free == 0 and len(self._threads) < self.number:
            thread = Thread(target=_work, args=(self._tasks,), name="request", daemon=True)
            self._threads.append(thread)
            thread.start()
            self._free += 1
        self._free -= 1
        self._tasks.put((loop, done, call))
        return await waiting

    def close(self) -> None:
        """Let all functions under way come to their end, and end the threads."""
        self._tasks.put(None)
        for thread in self._threads:
            thread.join()


def _work(tasks: Tasks) -> None:
    while (task := tasks.get()) is not None:
        loop, done, call = task
        try:
            outcome: tuple[BaseException | None, Any] = (None, call())
        except BaseException as error:
            outcome = (error, None)
        loop.call_soon_threadsafe(done, *outcome)
        del task, done, call, outcome  # nothing of a request is kept while the thread waits for the next
    tasks.put(None)  # for the others
