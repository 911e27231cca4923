"""Queries with a deadline: a probe must answer even if the database hangs.

Server-side timeouts do not help then, and psycopg2 has none of its own, so the connection is asynchronous.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any

import psycopg2
from django.db import connection as django_connection
from psycopg2 import extensions

from postbacks.database import is_pooled

Rows = list[tuple[Any, ...]]


class Asker:
    """A connection for a few queries; connecting and all queries together have `seconds`.

    The deadline does not cover slow name resolution: libpq blocks during it.
    """

    def __init__(self, seconds: float, parameters: dict[str, Any] | None = None) -> None:
        """Raises psycopg2.OperationalError if it cannot connect in time."""
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._connection: extensions.connection = psycopg2.connect(
            **(parameters if parameters is not None else database_parameters()), async_=1
        )
        try:
            self._wait()
        except BaseException:
            self._connection.close()
            raise

    def ask(self, statement: str, values: Sequence[Any] | None = None) -> Rows:
        """Returns the rows. Raises psycopg2.Error, which is OperationalError when time is up."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            self._wait()
            return cursor.fetchall()

    def is_pooled(self) -> bool:
        """Whether a pooler is in front of the server. Raises as `ask` does."""
        ((backend,),) = self.ask("SELECT pg_backend_pid()")
        return is_pooled(self._connection, backend)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _wait(self) -> None:
        while (state := self._connection.poll()) != extensions.POLL_OK:
            left = self._until - time.monotonic()
            ready = select.poll()  # select.select cannot handle descriptors above 1,023.
            ready.register(
                self._connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
            )
            if left <= 0 or not ready.poll(left * 1000):
                raise psycopg2.OperationalError(f"no answer within {self._seconds:g} s")


def database_parameters() -> dict[str, Any]:
    """The parameters with which Django connects."""
    parameters: dict[str, Any] = {**django_connection.get_connection_params()}
    parameters.pop("cursor_factory", None)
    return parameters
