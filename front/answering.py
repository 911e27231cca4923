"""One request that Django answers: on a thread, watched for a client that leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import IO, Any

from django.http.response import HttpResponseBase

from config.database_time import Spending
from front.body import Receive
from front.handler import Handler, Headers, head_of, pieces_of, whole_body
from front.threads import Lane

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

# Only an answer that takes longer is watched: most are there before a client could leave.
WATCHED_AFTER_SECONDS = 0.5
# A client that takes no piece of an answer for so long has left.
TAKEN_WITHIN_SECONDS = 30.0
_READING = {"GET", "HEAD"}


class Answering:
    """Answers one request through `lane`."""

    def __init__(self, handler: Handler, lane: Lane, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._handler = handler
        self._lane = lane
        self._scope = scope
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._spending = Spending()

    async def answer(self, body: IO[bytes]) -> None:
        """Sends Django's answer. Raises whatever breaks it off midway, so that the server closes the connection."""
        async with self._lane.thread():
            work = self._lane.run(lambda: self._on_thread(body))
            done, _ = await asyncio.wait({work}, timeout=WATCHED_AFTER_SECONDS)
            if not done:
                await self._watch(work)
            whole = await work
        if whole is not None:
            await self._start(*whole[:2])
            await self._send({"type": "http.response.body", "body": whole[2]})

    def _on_thread(self, body: IO[bytes]) -> tuple[int, Headers, bytes] | None:
        """Returns status, headers and body; or sends them itself, while the body is made."""
        with self._spending.noted():
            response = self._handler.respond(self._scope, body)
            try:
                content = whole_body(response)
                if content is not None:
                    return *head_of(response), content
                self._send_pieces(response)
            finally:
                response.close()
        return None

    def _send_pieces(self, response: HttpResponseBase) -> None:
        self._wait_for(self._start(*head_of(response)))
        for piece in pieces_of(response):
            self._wait_for(self._send({"type": "http.response.body", "body": piece, "more_body": True}))
        self._wait_for(self._send({"type": "http.response.body", "body": b""}))

    def _wait_for(self, sending: Awaitable[None]) -> None:
        """Waits, on Django's thread, until the server has taken a piece."""

        async def sent() -> None:
            async with asyncio.timeout(TAKEN_WITHIN_SECONDS):
                await sending

        asyncio.run_coroutine_threadsafe(sent(), self._loop).result()

    async def _start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _watch(self, work: asyncio.Future[Any]) -> None:
        """Until the work is done. If the client leaves before, reading for it ends; what changes something goes on."""
        leaving = asyncio.ensure_future(self._left())
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            leaving.cancel()
        elif self._scope["method"] in _READING:
            logger.info("The client has left; its query is cancelled.")
            await asyncio.to_thread(self._spending.stop)

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
