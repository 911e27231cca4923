"""The column of secret headers, and the mark in it that keeps a process of the previous release from sending."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

MARK: Final = "(needs the newer release)"
"""The name of an entry that a trigger of the database adds for a postback with HTTP Basic, OAuth 2.0, a client
certificate or authorities of its own. What stands beside it is no token, so a process that does not know these fields
cannot read its secrets: it leaves the deliveries alone, as with a lost key, instead of sending without credentials."""


class SecretHeadersField(models.JSONField):
    """[name, token] pairs as they were typed: the mark is left out."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return unmarked(super().from_db_value(value, expression, connection))

    def deconstruct(self) -> Any:
        """For migrations it is what the database has."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


def unmarked(stored: Any) -> Any:
    """The pairs without the mark."""
    return [pair for pair in stored if pair[0] != MARK] if isinstance(stored, list) else stored
