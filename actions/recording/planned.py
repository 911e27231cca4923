"""Statements that PostgreSQL plans once for each connection: for a report alone, planning takes longer than running.

That needs a connection that stays with one process of the server. Behind a pooler, and on a connection that has begun a
transaction before they were made known, they go as ordinary text. A pooler that nobody could know of is noticed when a
process of the server does not know what it was told; from then on, this process of ours sends text.
"""

from __future__ import annotations

import logging
from threading import Event
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

from django.conf import settings
from django.db import connection
from psycopg2 import extensions
from psycopg2.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from stores.pooler import is_pooled

_all: Final[list[Planned]] = []
# The names of those that a connection knows; of a pooler's, there will be none.
_known: WeakKeyDictionary[extensions.connection, set[str]] = WeakKeyDictionary()
_pooled: WeakSet[extensions.connection] = WeakSet()
_is_mixed_up = Event()

_log = logging.getLogger(__name__)

# What PostgreSQL would learn from the values is not worth planning each time. Set apart from any transaction, which
# could take it back.
_SETTING: Final = "SET plan_cache_mode = force_generic_plan"
BY_INDEX: Final = "SET LOCAL enable_seqscan = off"
"""What goes into a transaction before a statement that looks for rows: a plan is kept while an empty table fills."""


class Planned:
    """A statement with psycopg2's placeholders, which names the types of its values where the columns do not."""

    def __init__(self, name: str, statement: str) -> None:
        self.name = name
        self.statement = statement
        first, *others = statement.split("%s")
        numbered = first + "".join([f"${number}{each}" for number, each in enumerate(others, 1)])
        self.prepare = f"PREPARE {name} AS {numbered}"
        self._execute = f"EXECUTE {name} ({', '.join(['%s'] * len(others))})"
        _all.append(self)

    @property
    def text(self) -> str:
        """What runs it on Django's connection, with placeholders for the same values."""
        server = connection.connection
        is_known = server is not None and not _is_mixed_up.is_set() and self.name in _known.get(server, ())
        return self._execute if is_known else self.statement


def plan_once() -> None:
    """Make the statements known to Django's connection, unless it has begun a transaction or leads to a pooler.

    One message for a new connection, none for others. Not to be called where one is in the middle of something else.

    Raises:
        django.db.Error: the database failed.
    """
    if settings.DATABASE_DIRECT is not None or _is_mixed_up.is_set():
        return
    if connection.in_atomic_block or not connection.get_autocommit():
        return
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    server = connection.connection
    if server not in _known and server not in _pooled:
        with connection.wrap_database_errors:
            if is_pooled(server):
                _pooled.add(server)
    known = _known.get(server, set())
    missing = [each for each in _all if each.name not in known]
    if server in _pooled or not missing:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("; ".join([_SETTING, *(each.prepare for each in missing)]))
    except BaseException as error:
        connection.close()  # Nobody knows which of them it has taken.
        if was_mixed_up(error):
            return
        raise
    _known[server] = known | {each.name for each in missing}


def was_mixed_up(error: BaseException) -> bool:
    """Whether a statement failed because one connection has led to several processes of the server.

    Then it is worth another try, in a new transaction.
    """
    if not isinstance(error.__cause__, (DuplicatePreparedStatement, InvalidSqlStatementName)):
        return False
    if not _is_mixed_up.is_set():
        _is_mixed_up.set()
        text = "DATABASE_URL seems to lead to a pooler, so nothing is planned ahead. Set DATABASE_DIRECT_URL (%s)."
        _log.warning(text, str(error).strip())
    return True
