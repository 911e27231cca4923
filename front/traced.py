"""The span of a request, where traces are on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from front.answering import Send
from front.body import Receive
from operations import probes
from tracing import traces
from tracing.marks import HEADER

Answer = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

_HEADER = HEADER.encode()


def traced(answer: Answer) -> Answer:
    """The same, with a span around each request that is no probe's."""

    async def answer_traced(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["path"] in probes.ADDRESSES:
            await answer(scope, receive, send)
            return
        with traces.request(scope["method"], _incoming(scope)) as span:

            async def send_noted(message: dict[str, Any]) -> None:
                if span is not None and message["type"] == "http.response.start":
                    span.status(message["status"])
                await send(message)

            await answer(scope, receive, send_noted)

    return answer_traced


def _incoming(scope: dict[str, Any]) -> str:
    """What the request gives as its own trace, if that is followed here; it must be said once."""
    if not settings.TRACES_CONTINUED:
        return ""
    given = [value for name, value in scope["headers"] if name == _HEADER]
    return given[0].decode("latin-1").strip() if len(given) == 1 else ""
