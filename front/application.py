"""The ASGI application: who answers a request, and what it must be like to get that far."""

from __future__ import annotations

import asyncio
import atexit
import gc
import logging
import multiprocessing
import os
import signal
import sys
from io import BytesIO
from typing import IO, Any

import django
from django.http import HttpResponse

from environment.garbage import search_seldom, while_loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
with while_loading():
    django.setup(set_prefix=False)
    # Models can be imported only now.
    from actions.api.addresses import is_api
    from actions.api.answers import error
    from front import lean, limits, probes, turns
    from front.answering import Answering, Send
    from front.body import Body, ClientGoneError, Receive, RefusedBodyError, Room
    from front.connection import Connection
    from front.handler import Handler, head_of, request_of
    from front.threads import BusyError, Lane
    from front.traced import traced
    from operations import errors
    from postbacks import __version__
    from tracing import traces

logger = logging.getLogger(__name__)

LOOK_FOR_PARENT_SECONDS = 1.0
# The event loop gets Python's lock back after this time at most. With the usual 5 ms, a caller waits several times as
# long for each thread that records, while a processor is free.
SWITCH_SECONDS = 0.0002
RETRY_AFTER_SECONDS = "5"


class Front:
    """The application of one process."""

    connection = Connection

    def __init__(self) -> None:
        self._handler = Handler()
        self._room = Room()
        self._reports, self._pages = Lane("reports"), Lane("pages")
        self._probes = probes.Probes()
        self.reports: lean.Lean | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # Of another server: that of the release before, told to start anew.
            await self._live(receive, send)
            return
        await (traced(self._answer) if traces.are_on() else self._answer)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """To be called before anything else, on the loop on which it is used."""
        self.reports = lean.Lean(self._reports)
        errors.start("web")
        traces.start("web", __version__)
        sys.setswitchinterval(SWITCH_SECONDS)
        # What was loaded stays: looking through it for garbage again and again would stop all threads each time.
        gc.collect()
        search_seldom()
        atexit.register(_end_at_once)
        parent = multiprocessing.parent_process()
        self._watching = asyncio.create_task(_end_with_parent((parent and parent.pid) or os.getppid()))

    async def stop(self) -> None:
        """To be called when no request is being answered any more."""
        self._watching.cancel()
        if self.reports is not None:
            await asyncio.to_thread(self.reports.intake.stop)
        await asyncio.to_thread(traces.stop)
        await asyncio.to_thread(errors.stop)

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        response = await self._probes.answer(scope)
        if response is None:
            try:
                await self._hand_over(scope, receive, send)
            except RefusedBodyError as refusal:
                response = _refused(scope, refusal.status, str(refusal))
            except BusyError:
                response = _refused(scope, 503, "All threads are busy. Send the request again later.")
            except ClientGoneError:
                return  # Nobody is there to answer.
        if response is not None:
            await _send_whole(response, send)

    async def _hand_over(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path: str = scope["path"]
        lane = self._reports if limits.takes_reports(path) else self._pages
        with Body(self._room) as body:
            most = limits.most_bytes(path, headers)
            await body.read(receive, headers.get("content-length", ""), most)
            report = lean.usual(scope)
            if report is not None and await self._answer_report(report, body.file, send):
                return
            await Answering(self._handler, lane, scope, receive, send).answer(body.file)

    async def _answer_report(self, report: lean.Request, body: IO[bytes], send: Send) -> bool:
        """Returns whether there is an answer; if not, Django is asked."""
        answer = await self.reports.answer(report, body.read()) if self.reports is not None else None
        if answer is None:
            body.seek(0)
            return False
        status, headers, content = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        return True


def _refused(scope: dict[str, Any], status: int, message: str) -> HttpResponse:
    """In the shape of the API, or as text. What the client still sends is not read, so the connection ends."""
    # A logger for each status, so that one that comes in thousands leaves the others to be seen.
    logger.getChild(str(status)).warning("Refused: %s %s: %d, %s", scope["method"], scope["path"], status, message)
    if is_api(scope["path"]):
        response = error(request_of(scope, BytesIO()), status, message)
    else:
        response = HttpResponse(f"{message}\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    response.headers["Connection"] = "close"
    response.headers["Cache-Control"] = "no-store"
    return response


async def _send_whole(response: HttpResponse, send: Send) -> None:
    status, headers = head_of(response)
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


async def _end_with_parent(parent: int) -> None:
    """Ends this process once the one that watches over it was killed: it would keep the port from its successor."""
    while os.getppid() == parent:  # Also if it was killed while this one started.
        await asyncio.sleep(LOOK_FOR_PARENT_SECONDS)
    logger.error("The parent process is gone; this one ends too.")
    turns.forget()
    os.kill(os.getpid(), signal.SIGTERM)


def _end_at_once() -> None:
    """Ends the process before Python takes itself apart: a thread of the server that still runs would abort it then."""
    logging.shutdown()
    os._exit(0)


application = Front()
