"""Queries to the database with a deadline, for probes."""

from __future__ import annotations

from typing import Any

from django.db import connection as django_connection

from stores import asking, pooler


class Asker(asking.Asker):
    """A connection to the database of Django, unless `parameters` name another."""

    def __init__(self, seconds: float, parameters: dict[str, Any] | None = None) -> None:
        """Raises psycopg2.OperationalError if it cannot connect in time."""
        super().__init__(seconds, parameters if parameters is not None else database_parameters())

    def is_pooled(self) -> bool:
        """Whether a pooler is in front of the server. Raises as `ask` does."""
        ((answering,),) = self.ask(pooler.WHO_ANSWERS)
        return pooler.is_another(self._connection, answering)


def database_parameters() -> dict[str, Any]:
    """The parameters with which Django connects."""
    return asking.parameters_of(django_connection)
