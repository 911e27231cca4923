"""What somebody does by hand, at a console of the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction


def delete_row(
    table: str, pk: int, *, isolation: str = "READ COMMITTED", then: Callable[[], Any] = lambda: None
) -> None:
    """Delete the row as somebody at a console does; `then` before the commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [pk])  # noqa: S608 -- a name of the test
        then()
