"""Plain psycopg2 for the statements that Django's ORM cannot say: arrays, LATERAL, COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection as django_connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg2 import extensions

# The engine's statements are written for index scans on small partial indexes. With stale statistics the planner
# sometimes prefers to read a whole table; pinned, the claim took 0.5 to 7 ms whatever the tables held.
PINNED_PLAN = " ".join(
    f"-c {name}=off"
    for name in ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort", "jit")
)
STATEMENT_TIMEOUT_MS = 10_000  # A statement of ours takes milliseconds; one that takes this long is better retried.
CONNECT_TIMEOUT_SECONDS = 5
# A server that vanished without a word would be waited for for minutes.
NOTICE_A_DEAD_LINK = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}


POOLED = "DATABASE_URL leads to a pooler. Set DATABASE_DIRECT_URL to the PostgreSQL server behind it."


class PooledError(psycopg2.OperationalError):
    """A pooler stands between us and the server, so locks and settings would not stay with the connection."""


@contextmanager
def raw_cursor() -> Iterator[extensions.cursor]:
    """A psycopg2 cursor on Django's connection, in its transaction."""
    with django_connection.cursor() as wrapper:
        yield wrapper.cursor


def as_array(numbers: Iterable[object]) -> str:
    """As PostgreSQL reads an array from text: psycopg2 takes ten times as long to write a list, number by number."""
    return f"{{{','.join(map(str, numbers))}}}"


def direct_parameters() -> dict[str, Any]:
    """What a connection to the server itself is made with."""
    direct = settings.DATABASE_DIRECT
    wrapper = DatabaseWrapper({**django_connection.settings_dict, **direct}) if direct else django_connection
    parameters = {**wrapper.get_connection_params()}
    parameters.pop("cursor_factory", None)
    return parameters


def is_pooled(connection: extensions.connection, backend: int) -> bool:
    """Whether somebody else than `backend`, the server's process that answers, has greeted us.

    A pooler makes up the number that a server greets with, since it is good for cancelling only.
    """
    return bool(connection.info.backend_pid != backend)


def connect(name: str) -> extensions.connection:
    """A connection of the engine's own, in autocommit, with the plan pinned. `name` shows in pg_stat_activity.

    Raises psycopg2.OperationalError when the server cannot be reached, PooledError when it is not the server.
    """
    parameters = direct_parameters()
    parameters["connect_timeout"] = CONNECT_TIMEOUT_SECONDS
    parameters |= NOTICE_A_DEAD_LINK
    parameters["application_name"] = f"postbacks {name}"
    parameters["options"] = f"{parameters.get('options', '')} {PINNED_PLAN} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    try:
        connection: extensions.connection = psycopg2.connect(**parameters)
    except psycopg2.OperationalError as error:
        if "unsupported startup parameter" in str(error):
            raise PooledError(POOLED) from error
        raise
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone() or (0,)
    if is_pooled(connection, backend):
        connection.close()
        raise PooledError(POOLED)
    return connection


class Session:
    """A connection that is made when it is first needed, and made anew after `close`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection: extensions.connection | None = None

    def cursor(self) -> extensions.cursor:
        """Raises psycopg2.OperationalError when the server cannot be reached."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._name)
        return self._connection.cursor()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
