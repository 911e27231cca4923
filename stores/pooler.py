"""Whether a pooler stands between us and PostgreSQL: then nothing stays with a connection from one transaction to the
next."""

from __future__ import annotations

from psycopg2 import extensions


def is_pooled(connection: extensions.connection) -> bool:
    """Whether another server process answers than the one that the greeting named.

    A pooler makes up the id in its greeting, because clients need it only to cancel.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (answering,) = cursor.fetchone() or (0,)
    return bool(connection.info.backend_pid != answering)
