"""Empties the database after a test that commits, in a tenth of the time that Django's flush takes.

A flush truncates all tables, each with new files to make and sync, and then writes content types, permissions and
groups anew. Here only the rows that a test has left are deleted. What a flush leaves stays as well; if a test has
changed it, a flush puts it right.
"""

# ruff: noqa: S608 -- the names of tables are those of our models

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

_flush: Callable[[TransactionTestCase], None] = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# The tables that a flush fills. Any other that has rows after one was written to meanwhile, as by a worker that ends.
_FILLED = frozenset(model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through))
_left_by_flush: dict[str, str] = {}  # With a hash of their rows: as migrations made them, or as the last flush did.

_OTHER_SESSIONS = """
SELECT EXISTS (SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend')
"""


def install() -> None:
    """Tests that commit are cleaned up after in this way from now on."""
    TransactionTestCase._fixture_teardown = empty  # type: ignore[attr-defined] # Django has no setting for it.


def note() -> None:
    """Remember how the tables that a flush fills are now: before any test commits, or after a flush."""
    _left_by_flush.update(_hashes(_FILLED))


def empty(test_case: TransactionTestCase) -> None:
    """Leave the database as a flush does."""
    _remove_rows()
    if _hashes(_FILLED) != _left_by_flush:
        _flush(test_case)
        note()


def _remove_rows() -> None:
    """Of all tables that a flush leaves empty, none of which a table refers to that it leaves filled."""
    tables = _tables() - _FILLED
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OTHER_SESSIONS)
        beside = cursor.fetchone() == (True,)  # It may be a worker, still writing. A lock waits for it.
        if beside:
            cursor.execute(f"LOCK TABLE {', '.join(sorted(tables))} IN ACCESS EXCLUSIVE MODE")
        filled = _with_rows(tables)
        if beside and filled:  # Each table that is truncated gets new files: only these, and what refers to them.
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        elif filled:
            for table in filled:  # In any order: foreign keys are checked at the commit.
                cursor.execute(f"DELETE FROM {table}")


def _tables() -> set[str]:
    return set(connection.introspection.django_table_names(only_existing=True, include_views=False))


def _with_rows(tables: Iterable[str]) -> set[str]:
    return set(_read(f"SELECT '{table}', '' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables))


def _hashes(tables: Iterable[str]) -> dict[str, str]:
    return _read(f"SELECT '{table}', md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t" for table in tables)


def _read(selects: Iterable[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects))
        return dict(cursor.fetchall())
