"""What the rest of the project says to traces. Until `start`, and where they are off, each call returns at once."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings

if TYPE_CHECKING:
    from tracing.recorder import Recorder, Request

logger = logging.getLogger(__name__)

STOP_SECONDS = 2.0  # For what was not sent yet: a process that ends waits no longer for a collector.

Result = TypeVar("Result")
Attributes = Mapping[str, str | int]

_recorder: Recorder | None = None
_request: ContextVar[Request | None] = ContextVar("traced_request", default=None)


def start(program: str, version: str) -> None:
    """Begin to record the spans of this process, if traces are on. After a fork; `program` is `web` or `worker`."""
    global _recorder  # noqa: PLW0603 -- one per process, and asked for at each report and attempt
    if settings.TRACES and _recorder is None:
        try:
            from tracing.recorder import exporting  # noqa: PLC0415 -- nothing of it is imported where traces are off

            _recorder = exporting(program, version)
        except Exception:
            logger.exception("Nothing is traced: OpenTelemetry could not be started. See the variables OTEL_….")


def stop() -> None:
    """Send what was not sent yet, for a moment at most, and record nothing more."""
    global _recorder
    stopped, _recorder = _recorder, None
    if stopped is not None:
        ending = threading.Thread(target=stopped.stop, name="traces-stop", daemon=True)
        ending.start()
        ending.join(STOP_SECONDS)


def are_on() -> bool:
    """Whether this process records spans."""
    return _recorder is not None


def current() -> str | None:
    """The mark of the request that is being answered here; None where there is none, or where it is not recorded."""
    request = _request.get()
    return None if request is None else request.mark


@contextmanager
def request(method: str, incoming: str = "") -> Iterator[Request | None]:
    """The span of a request, which continues that of `incoming`, a `traceparent`. None where traces are off."""
    if _recorder is None:
        yield None
        return
    span = _recorder.request(method, incoming)
    token = _request.set(span)
    try:
        yield span
    finally:
        _request.reset(token)
        span.end()


def routed(route: str) -> None:
    """Name the current request by its route, in which names stand for the values of the address."""
    request = _request.get()
    if request is not None:
        request.route(route)


def along(work: Callable[[], Result]) -> Callable[[], Result]:
    """The same work, which belongs to the current request on whatever thread it runs."""
    if _request.get() is None:
        return work
    context = contextvars.copy_context()
    return lambda: context.run(work)


def note(
    name: str,
    below: str,
    began: float,
    ended: float,
    attributes: Attributes,
    *,
    mark: str = "",
    calls: bool = False,
    failed: bool = False,
) -> None:
    """Record a span that has ended, below the one with the mark `below`; times are Unix times.

    `mark` is its own, where others know it by that already; `calls` tells that it was a request to another server.
    """
    if _recorder is not None:
        try:
            _recorder.note(name, below, began, ended, attributes, mark=mark, calls=calls, failed=failed)
        except Exception:
            logger.exception("A span could not be recorded.")
