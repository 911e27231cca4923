"""Which migrations of this code are not applied to the database."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

APPLIED = "SELECT app, name FROM django_migrations"

Name = tuple[str, str]  # App and migration.


def missing(applied: Iterable[Name]) -> list[str]:
    """The migrations that are not applied, as `app.name`. Extra ones of a newer version do not matter."""
    known = set(applied)
    done = known | {name for name, migration in _of_this_code().items() if _replaces_only(migration, known)}
    replaced = {name for each in done if each in _of_this_code() for name in _of_this_code()[each].replaces}
    return [f"{app}.{name}" for app, name in sorted(set(_of_this_code()) - done - replaced)]


def _replaces_only(migration: Migration, known: set[Name]) -> bool:
    """True for a squashed migration if all that it replaces were applied one by one."""
    return bool(migration.replaces) and known.issuperset(migration.replaces)


@cache
def _of_this_code() -> dict[Name, Migration]:
    return dict(MigrationLoader(None).disk_migrations or {})
