"""The project's Celery app, with every statement that goes through the driver logged to a file.

`celery --app benchmarks.programs.counted`; the file is `$BENCHMARK_STATEMENTS`, one line for each statement.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg2
from psycopg2 import extensions

from config.celery import app

__all__ = ["app"]

FILE = "BENCHMARK_STATEMENTS"
_connect = psycopg2.connect


class CountedCursor(extensions.cursor):
    """Logs what is executed. Fetching costs no round trip: client-side cursors already hold all rows."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 -- psycopg2's name
        """Logs the statement, then runs it."""
        _note(query)
        super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, *args: Any) -> None:
        """Logs the statement, then runs it."""
        _note(sql)
        super().copy_expert(sql, file, *args)


def _note(query: Any) -> None:
    text = query.decode() if isinstance(query, bytes) else str(query)
    # One appending write per line, so that the lines of several processes never mix.
    descriptor = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, (" ".join(text.split())[:200] + "\n").encode())
    os.close(descriptor)


def _connect_counted(*args: Any, **parameters: Any) -> extensions.connection:
    connection: extensions.connection = _connect(*args, **parameters)
    connection.cursor_factory = CountedCursor
    return connection


if FILE in os.environ:  # Not in the benchmark itself, which reads this module for the name.
    psycopg2.connect = _connect_counted  # type: ignore[assignment]  # mypy sees an overloaded function
