"""The threads on which Django answers: few, in two lanes, so that reports do not wait for pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from tracing import traces

Result = TypeVar("Result")

# Threads mostly wait for PostgreSQL, and each holds a connection to it. More would only wait there.
THREADS = 4
# A request that got no thread in this time is answered so that its sender can try again.
PATIENCE_SECONDS = 20.0


class BusyError(Exception):
    """No thread became free in time."""


class Lane:
    """Threads of one name, and the queue of requests that wait for one."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=f"front-{name}")
        self._free = asyncio.Semaphore(THREADS)

    @asynccontextmanager
    async def thread(self) -> AsyncIterator[None]:
        """Waits for a free thread, which is held for the block. Raises BusyError."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise BusyError from None
        try:
            yield
        finally:
            self._free.release()

    def run(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Runs `work` on a thread; call it within `thread`, once, and wait for it there."""
        return asyncio.get_running_loop().run_in_executor(self._pool, traces.along(work))
