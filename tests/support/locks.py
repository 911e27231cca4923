"""Who waits for a lock."""

from __future__ import annotations

from typing import Any

from django.db import connection


def waiting_for_locks() -> list[Any]:
    """The server processes that wait for one; none if the list is empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # The transaction would see the same again and again.
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return list(cursor.fetchall())
