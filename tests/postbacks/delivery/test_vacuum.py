"""How soon PostgreSQL clears up after deliveries; what an operator has set stays."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

MIGRATION = import_module("postbacks.migrations.0029_deliveries_vacuumed_sooner")
OPTIONS = "SELECT reloptions FROM pg_class WHERE oid = 'postbacks_delivery'::regclass"


def options() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(OPTIONS)
        (found,) = cursor.fetchone()
    return list(found or [])


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_deliveries_are_vacuumed_sooner_than_other_tables() -> None:
    assert options() == ["autovacuum_vacuum_scale_factor=0.05"]


def test_what_an_operator_has_set_stays() -> None:
    run("ALTER TABLE postbacks_delivery SET (autovacuum_vacuum_scale_factor = 0.01)")

    run(MIGRATION.SOONER)

    assert options() == ["autovacuum_vacuum_scale_factor=0.01"]
