"""The database: reachable, recent enough, writable, migrated, and without a pooler for workers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg2

from environment.program import command
from operations import migrations
from operations.advice import DATABASE, fix_of
from operations.asking import Asker
from operations.doctor.clocks import skew
from operations.doctor.finding import Finding, fine, warning, wrong
from postbacks.database import direct_parameters

SECONDS = 5.0
OLDEST_VERSION = 150000
SLOW_ANSWER_MS = 20
# A server that is far away is slow each time, a machine that is busy at this moment is not.
TIMES_ASKED = 5
ABOUT_THE_SERVER = (
    "SELECT current_setting('server_version'), current_setting('server_version_num')::int, pg_is_in_recovery(),"
    " current_setting('transaction_read_only')::bool"
)


def unreachable(error: psycopg2.OperationalError) -> Finding:
    """Says why the database could not be queried, and what to do if the error is a known one."""
    said = " ".join(str(error).split())
    fix = fix_of(error, DATABASE, "Check that it runs and that DATABASE_URL is correct.")
    return wrong(f"The database cannot be reached: {said}", fix)


def look_at_database(asker: Asker) -> Iterator[Finding]:
    """Raises psycopg2.OperationalError if the database stops answering."""
    took = []
    for _ in range(TIMES_ASKED):
        began = time.monotonic()
        (row,) = asker.ask(ABOUT_THE_SERVER)
        took.append(time.monotonic() - began)
    took_ms = min(took) * 1000
    version, number, standby, read_only = row
    if number < OLDEST_VERSION:
        yield wrong(f"PostgreSQL {version} is too old.", "Use PostgreSQL 15 or later.")
    elif took_ms > SLOW_ANSWER_MS:
        yield warning(
            f"PostgreSQL {version} takes {took_ms:.0f} ms to answer a trivial query.",
            "Run web and workers close to it: each batch of deliveries makes several queries.",
        )
    else:
        yield fine(f"PostgreSQL {version} answers in {took_ms:.1f} ms.")
    if standby:
        yield wrong("The database is a standby and cannot be written.", "Set DATABASE_URL to the primary server.")
    elif read_only:
        yield wrong(
            "Transactions are read-only.", "Set default_transaction_read_only to off for this user and database."
        )
    yield from skew("database", lambda: float(asker.ask("SELECT extract(epoch FROM clock_timestamp())::float")[0][0]))


def look_at_tables(asker: Asker) -> Finding:
    try:
        missing = migrations.missing((app, name) for app, name in asker.ask(migrations.APPLIED))
    except psycopg2.errors.UndefinedTable:
        return wrong("The database is empty.", f"Run `{command('migrate')}`.")
    if missing:
        return wrong(f"The database lacks migrations: {', '.join(missing)}.", f"Run `{command('migrate')}`.")
    return fine("All migrations are applied.")


def look_for_a_pooler() -> Finding:
    """Raises psycopg2.OperationalError if there is no connection for workers."""
    with Asker(SECONDS, direct_parameters()) as asker:
        if asker.is_pooled():
            return wrong(
                "Workers would reach the database through a pooler, but need direct connections.",
                "Set DATABASE_DIRECT_URL to PostgreSQL itself; DATABASE_URL can stay.",
            )
    return fine("Workers connect directly to the database.")
