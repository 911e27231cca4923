"""Plain psycopg2 for statements that Django's ORM cannot express: arrays, LATERAL, COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection as django_connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg2 import extensions

from environment import dead_links
from stores.pooler import is_pooled

# The engine's statements rely on index scans of small partial indexes. With stale statistics the planner
# sometimes prefers to read a whole table; pinned, the claim took 0.5 to 7 ms whatever the tables held.
PINNED_PLAN = " ".join(
    f"-c {name}=off"
    for name in ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort", "jit")
)
STATEMENT_TIMEOUT_MS = 10_000  # Our statements take milliseconds; one that takes this long is better retried.
# What waits for a lock is retried too, and earlier: meanwhile a thread does nothing for anybody.
LOCK_TIMEOUT_MS = 1_000
CONNECT_TIMEOUT_SECONDS = 5
_NOTICE_OUR_END = "; ".join(f"SET {name} = {value}" for name, value in dead_links.THE_SERVERS.items())

POOLED = "DATABASE_URL leads to a pooler. Set DATABASE_DIRECT_URL to the PostgreSQL server behind it."


class PooledError(psycopg2.OperationalError):
    """A pooler sits between us and the server, so locks and settings would not stay with the connection."""


@contextmanager
def raw_cursor() -> Iterator[extensions.cursor]:
    """A psycopg2 cursor on Django's connection, in its transaction."""
    with django_connection.cursor() as wrapper:
        yield wrapper.cursor


def not_for_long() -> None:
    """From now on until its end, Django's transaction waits for no lock longer than LOCK_TIMEOUT_MS.

    For the tasks of workers, whose thread also claims what is due. Django raises OperationalError when time is up.
    """
    with django_connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")


def watch_links() -> None:
    """From now on each of Django's connections over TCP asks the server to notice when our host is gone.

    In a message of its own: a pooler refuses such settings in the greeting.
    """
    connection_created.connect(_ask_to_notice, dispatch_uid="postbacks.database")


def _ask_to_notice(connection: DatabaseWrapper, **_: Any) -> None:
    host = connection.settings_dict["HOST"]
    if host and not host.startswith("/"):
        with connection.cursor() as cursor:
            cursor.execute(_NOTICE_OUR_END)


def as_array(numbers: Iterable[object]) -> str:
    """An array as text for PostgreSQL: psycopg2 takes ten times as long to write a list, number by number."""
    return f"{{{','.join(map(str, numbers))}}}"


def direct_parameters() -> dict[str, Any]:
    """The parameters of a connection to the server itself, past any pooler."""
    direct = settings.DATABASE_DIRECT
    wrapper = DatabaseWrapper({**django_connection.settings_dict, **direct}) if direct else django_connection
    parameters = {**wrapper.get_connection_params()}
    parameters.pop("cursor_factory", None)
    return parameters


def connect(name: str, *, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> extensions.connection:
    """A connection for the engine, in autocommit, with the plan pinned. `name` shows in pg_stat_activity.

    Raises psycopg2.OperationalError if the server cannot be reached, PooledError if a pooler answers.
    """
    parameters = direct_parameters()
    parameters["connect_timeout"] = CONNECT_TIMEOUT_SECONDS
    parameters |= dead_links.OURS
    parameters["application_name"] = f"postbacks {name}"
    timeouts = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={lock_timeout_ms}"
    links = " ".join(f"-c {name}={value}" for name, value in dead_links.THE_SERVERS.items())
    parameters["options"] = f"{parameters.get('options', '')} {PINNED_PLAN} {timeouts} {links}"
    try:
        connection: extensions.connection = psycopg2.connect(**parameters)
    except psycopg2.OperationalError as error:
        if "unsupported startup parameter" in str(error):
            raise PooledError(POOLED) from error
        raise
    connection.autocommit = True
    if is_pooled(connection):
        connection.close()
        raise PooledError(POOLED)
    return connection


class Session:
    """A connection that is made when first needed, and again after `close`; `prepare` is called with each."""

    def __init__(self, name: str, prepare: Callable[[extensions.connection], None] = lambda _: None) -> None:
        self._name = name
        self._prepare = prepare
        self._connection: extensions.connection | None = None

    def cursor(self) -> extensions.cursor:
        """A cursor of the connection. Raises psycopg2.OperationalError if the server cannot be reached."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._name)
            self._prepare(self._connection)
        return self._connection.cursor()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
