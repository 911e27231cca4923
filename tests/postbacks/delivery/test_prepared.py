"""Statements that a connection knows from their first use on."""

from __future__ import annotations

import pytest

from postbacks.delivery.prepared import PreparedStatement
from tests.support.delivery_rows import engine_connection

pytestmark = pytest.mark.django_db(transaction=True)

_KNOWN = "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements"


def test_a_statement_is_planned_once_for_each_connection_whatever_becomes_of_transactions() -> None:
    statement = PreparedStatement("double", "integer, text", "SELECT 2 * $1, $2")
    for _ in range(2):
        with engine_connection() as connection, connection.cursor() as cursor:
            for number in range(3):
                statement.make_known(cursor)
                cursor.execute("BEGIN;" + statement.execute, (number, "a"))
                assert cursor.fetchall() == [(2 * number, "a")]
                cursor.execute("ROLLBACK")
            cursor.execute(_KNOWN)
            assert cursor.fetchall() == [("double", 3, 0)]
