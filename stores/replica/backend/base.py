"""The connection to the replica, which has the primary do what the replica cannot.

Statements only read, so one that has failed may be repeated. All their rows come with the answer: no cursor stays on
the server, and nothing can fail while rows are fetched.
"""

from __future__ import annotations

import logging
from typing import Any

import django.db
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg2.errors import QueryCanceled

from stores.replica import reading
from stores.replica.watch import watch

logger = logging.getLogger(__name__)


class _Cursor(CursorWrapper):
    def _execute(self, sql: Any, params: Any, *ignored: Any) -> Any:
        attempt = super()._execute  # type: ignore[misc]  # The stubs omit it.
        return self._or_primary(attempt, "execute", sql, params, *ignored)

    def _executemany(self, sql: Any, params: Any, *ignored: Any) -> Any:
        attempt = super()._executemany  # type: ignore[misc]  # The stubs omit it.
        return self._or_primary(attempt, "executemany", sql, params, *ignored)

    def _or_primary(self, attempt: Any, method: str, sql: Any, params: Any, *ignored: Any) -> Any:
        """Runs the statement; if it fails here, then on the primary. Time that is up is up on both."""
        try:
            return attempt(sql, params, *ignored)
        except (django.db.Error, django.db.InterfaceError) as error:
            if isinstance(error.__cause__, QueryCanceled):
                raise
            _turn_away(self.db, error)
        primary = connections[DEFAULT_DB_ALIAS].cursor()
        getattr(primary, method)(sql, params)
        self.cursor, self.db = primary.cursor, primary.db
        return None


class DatabaseWrapper(base.DatabaseWrapper):
    """Used only for a request that reads from the replica now; for all others it is the primary."""

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return _Cursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> Any:
        return self.make_cursor(cursor)  # It keeps no list of the statements.

    def _cursor(self, name: str | None = None) -> Any:
        now = reading.current()
        if now is not None and now.replica:
            try:
                return super()._cursor(name)  # type: ignore[misc]  # The stubs omit it.
            except (django.db.Error, django.db.InterfaceError) as error:
                _turn_away(self, error)
        return connections[DEFAULT_DB_ALIAS].cursor()


def _turn_away(replica: Any, error: Exception) -> None:
    """The request goes on with the primary. If the server is at fault, other requests do so for a while too."""
    reading.leave()
    said = " ".join(str(error).split())
    if isinstance(error, django.db.ProgrammingError):  # Such as a column that a migration has made a moment ago.
        logger.warning("The replica refused a statement (%s); the primary runs it.", said)
        watch.count()
    else:
        watch.failed(said)
    replica.close()
