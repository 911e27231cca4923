"""Databases of many rows, put aside as schemas: taken out within milliseconds, and kept from run to run if you wish.

A shelf is the schema `public` under another name. What takes minutes to write is so written once, however many
scenarios and rounds need it. With BENCH_KEEP=1 it is there for the next run too, unless migrations differ by then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from postbacks.delivery.redis import client

_PREFIX: Final = "shelf_"
_ASIDE: Final = "aside"


def fill(name: str, write: Callable[[], None]) -> None:
    """Has `write` fill an empty database and puts that on the shelf, unless it is there already."""
    if _is_usable(name):
        return
    discard(name)
    _rename("public", _ASIDE)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA public")
        call_command("migrate", verbosity=0)
        write()
        _rename("public", _PREFIX + name)
    finally:
        _bring_back()


@contextmanager
def taken(name: str) -> Iterator[None]:
    """The shelf is the database for the block. Processes that are connected meanwhile see the other tables."""
    _rename("public", _ASIDE)
    try:
        _rename(_PREFIX + name, "public")
        try:
            yield
        finally:
            _rename("public", _PREFIX + name)
    finally:
        _bring_back()


def discard(name: str) -> None:
    """Deletes what is on the shelf, if anything is."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_PREFIX}{name} CASCADE")


def clear_up() -> None:
    """Deletes what an earlier run left: all but the shelves with BENCH_KEEP, and those as well without."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE ANY (%s)", [[_ASIDE, f"{_PREFIX}%"]])
        left = [name for (name,) in cursor.fetchall() if name == _ASIDE or not os.environ.get("BENCH_KEEP")]
        for name in left:
            cursor.execute(f"DROP SCHEMA {name} CASCADE")


def _is_usable(name: str) -> bool:
    """Whether it is there, with the tables of this version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{_PREFIX}{name}.django_migrations"])
        if cursor.fetchone() != (True,):
            return False
        cursor.execute(f"SELECT app, name FROM {_PREFIX}{name}.django_migrations")  # noqa: S608 -- a name of ours
        made = set(cursor.fetchall())
    return made == set(MigrationLoader(connection).applied_migrations)


def _rename(old: str, new: str) -> None:
    """Redis knows the lanes of the schema that was there before."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SCHEMA {old} RENAME TO {new}")
    client.flushall()


def _bring_back() -> None:
    """Whatever happened, `public` is what it was before the shelf was filled or taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [_ASIDE])
        if cursor.fetchone() == (True,):
            cursor.execute("DROP SCHEMA IF EXISTS public CASCADE")
    _rename(_ASIDE, "public")
