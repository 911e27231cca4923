"""Django's router: where rows are read and written."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS

from stores.replica import ALIAS, reading
from stores.replica.models import READABLE


class Router:
    """Reads what may be read from the replica where the request says so; in a transaction, all is the primary's."""

    def db_for_read(self, model: Any, **_hints: object) -> str:
        if model._meta.label_lower not in READABLE:  # noqa: SLF001 -- Django's documented interface
            return DEFAULT_DB_ALIAS
        return reading.alias()

    def db_for_write(self, model: Any, **_hints: object) -> str:
        if model._meta.label_lower in READABLE:  # noqa: SLF001 -- as above
            reading.leave()  # What comes after it in the same request is to see it.
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: object, _other: object, **_hints: object) -> bool:
        return True

    def allow_migrate(self, db: str, _app: str, **_hints: object) -> bool:
        return bool(db != ALIAS)
