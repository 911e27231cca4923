"""Sessions that keep rows or tables of the engine locked: what is locked is not sent, recorded or counted."""

from __future__ import annotations

from collections.abc import Iterator

from operations.asking import Asker
from operations.doctor.finding import Finding, fine, wrong
from postbacks.delivery import blockers


def look_at_locks(asker: Asker) -> Iterator[Finding]:
    """Raises psycopg2.OperationalError if the database does not answer in time."""
    tables = blockers.read(asker.ask(blockers.OF_TABLES, [blockers.LONG_SECONDS]))
    pids = [blocker.pid for blocker in tables]
    rows = blockers.read(asker.ask(blockers.OF_SENDING, [pids])) if pids else []
    yield from judge_locks(rows, tables)


def judge_locks(rows: list[blockers.Blocker], tables: list[blockers.Blocker]) -> Iterator[Finding]:
    """Judges the locks of sessions whose transaction has been open for long: on single deliveries that are being sent,
    and on tables in general."""
    if not tables:
        yield fine("No session keeps rows locked.")
        return
    named = [*rows[: blockers.SHOWN], *(each for each in tables if each.pid not in {row.pid for row in rows})]
    pids = sorted({blocker.pid for blocker in named})
    yield wrong(
        f"Locked, and so neither sent nor recorded: {'; '.join(blocker.described for blocker in named)}.",
        f"Commit or end what is open there: {', '.join(f'SELECT pg_terminate_backend({pid})' for pid in pids)}.",
    )
