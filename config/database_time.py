"""How long the database may work for the web: each statement carries its own limit.

A limit that a connection keeps does not work behind a pooler, and one transaction around each request would change what
its parts may do. So the limit travels with the statement, in one message and thus in one transaction: `SET LOCAL …;
SELECT …`. In a transaction of several statements it travels with the first, before any savepoint that might take it
back. The reading of a page has a limit for all of its statements together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from actions.api.addresses import BATCH, is_api, without_suffix

# Longer than any transaction of ours holds a row, and short enough for a caller to wait for the answer.
LOCK_SECONDS = 3.0
LEAST_SECONDS = 0.001  # PostgreSQL takes 0 for "without a limit".
# In a transaction that has failed, only these work, and nothing may precede them.
_NO_STATEMENTS = ("SAVEPOINT", "RELEASE", "ROLLBACK")
# They record thousands of reports, or read all of the log, in many statements.
_LONG = (BATCH, "/admin/actions/action/report", "/admin/postbacks/delivery/export")


class Spending:
    """What one request has the database do, known to others than its thread."""

    def __init__(self) -> None:
        self.stopped = False
        self._lock = threading.Lock()
        self._databases: list[Any] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """For the thread of the request, around all that it does."""
        token = _spending.set(self)
        self._databases = _databases()
        try:
            yield
        finally:
            with self._lock:
                self._databases = []
            _spending.reset(token)

    def stop(self) -> None:
        """For another thread: cancels the statement that runs, and lets no other begin."""
        with self._lock:
            self.stopped = True
            for database in self._databases:
                if database.connection is not None:
                    database.connection.cancel()


_spending: ContextVar[Spending | None] = ContextVar("spending", default=None)


@dataclass
class Limit:
    """The time that is left: `seconds` for each statement or, if they share it, for all of them together."""

    seconds: float
    shared: bool
    _begun: bool = False  # Whether transactions begin under this limit, so that the first statement of each is seen.

    def execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Django's wrapper of each statement. Raises OperationalError if there is no time left."""
        spending = _spending.get()
        if spending is not None and spending.stopped:
            raise OperationalError("The client has left.") from QueryCanceled()
        if not isinstance(sql, str) or self._is_set(sql, context["connection"].connection):
            return execute(sql, params, many, context)
        began = time.monotonic()
        try:
            return execute(f"{self._settings()}{sql}", params, many, context)
        finally:
            if self.shared:
                self.seconds = max(LEAST_SECONDS, self.seconds - (time.monotonic() - began))

    def _is_set(self, sql: str, connection: Any) -> bool:
        """Whether the statement goes as it is: its transaction has the limit, or may have failed."""
        if connection is None or connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            self._begun = True
            return False
        return sql.startswith(_NO_STATEMENTS) or (self._begun and not self.shared)

    def _settings(self) -> str:
        statement, lock = (f"{seconds * 1000:.0f}" for seconds in (self.seconds, min(self.seconds, LOCK_SECONDS)))
        return f"SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; "


def limit_of(method: str | None, path: str) -> Limit:
    """The limit of a request."""
    if without_suffix(path)[0].endswith(_LONG):
        return Limit(settings.WEB_LONG_STATEMENT_SECONDS, shared=False)
    return Limit(settings.WEB_STATEMENT_SECONDS, shared=method in {"GET", "HEAD"} and not is_api(path))


def _databases() -> list[Any]:
    """This thread's connections: to the primary, and to its replica if there is one."""
    return [connections[alias] for alias in settings.DATABASES]


@contextmanager
def _limiting(limit: Limit) -> Iterator[None]:
    with ExitStack() as wrapped:
        for database in _databases():
            wrapped.enter_context(database.execute_wrapper(limit.execute))
        yield


def database_time(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: limits what the database does for a request, also while its answer is sent.

    The process then has no cursors that the server keeps: what fills them, at the end of their transaction, no limit of
    PostgreSQL ends.
    """
    connections.settings[DEFAULT_DB_ALIAS]["DISABLE_SERVER_SIDE_CURSORS"] = True

    def middleware(request: HttpRequest) -> HttpResponseBase:
        limit = limit_of(request.method, request.path_info)
        with _limiting(limit):
            response = get_response(request)
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            response.streaming_content = _limited(response.streaming_content, limit)
        return response

    return middleware


def _limited(pieces: Any, limit: Limit) -> Iterator[bytes]:
    pieces = iter(pieces)
    while True:
        with _limiting(limit):
            try:
                piece = next(pieces)
            except StopIteration:
                return
        yield piece
