"""Whether a pooler stands between us and PostgreSQL: then nothing stays with a connection from one transaction to the
next."""

from __future__ import annotations

from psycopg2 import extensions

WHO_ANSWERS = "SELECT pg_backend_pid()"


def is_pooled(connection: extensions.connection) -> bool:
    """Whether a pooler stands behind a connection that waits for its answers."""
    with connection.cursor() as cursor:
        cursor.execute(WHO_ANSWERS)
        (answering,) = cursor.fetchone() or (0,)
    return is_another(connection, answering)


def is_another(connection: extensions.connection, answering: int) -> bool:
    """Whether another server process answers than the one that the greeting named.

    A pooler makes up the id in its greeting, because clients need it only to cancel.
    """
    return bool(connection.info.backend_pid != answering)
