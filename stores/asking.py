"""Queries with a deadline: who asks must have an answer even if the database hangs.

Server-side timeouts do not help then, and psycopg2 has none of its own, so the connection is asynchronous.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, Self

import psycopg2
from psycopg2 import extensions

Rows = list[tuple[Any, ...]]


class Asker:
    """A connection for a few queries; connecting and all queries together have `seconds`.

    The deadline does not cover slow name resolution: libpq blocks during it.
    """

    def __init__(self, seconds: float, parameters: dict[str, Any]) -> None:
        """Raises psycopg2.OperationalError if it cannot connect in time."""
        self.allow(seconds)
        self._connection: extensions.connection = psycopg2.connect(**parameters, async_=1)
        try:
            self._wait()
        except BaseException:
            self._connection.close()
            raise

    def allow(self, seconds: float) -> None:
        """From now on, all queries together have so many seconds."""
        self._until = time.monotonic() + seconds
        self._seconds = seconds

    def ask(self, statement: str, values: Sequence[Any] | None = None) -> Rows:
        """Returns the rows, if it has any. Raises psycopg2.Error, which is OperationalError when time is up."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            self._wait()
            return cursor.fetchall() if cursor.description else []

    @property
    def is_closed(self) -> bool:
        """Whether the server has ended the connection."""
        return bool(self._connection.closed)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
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


def parameters_of(wrapper: Any) -> dict[str, Any]:
    """The parameters with which Django's connection connects."""
    parameters: dict[str, Any] = {**wrapper.get_connection_params()}
    parameters.pop("cursor_factory", None)
    return parameters
