"""Whether the database is a restored one on which `manage.py after_restore` has not run."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2

from operations.after_restore.cluster import NOW, SEEN, name_of
from operations.asking import Asker
from operations.doctor.finding import Finding, warning


def look_for_a_restore(asker: Asker) -> Iterator[Finding]:
    """Says nothing where the server is the one that it was, or does not tell."""
    seen = {name: at for name, at in asker.ask(SEEN)}  # noqa: C416 -- typed so
    try:
        now = name_of(asker.ask(NOW))
    except psycopg2.OperationalError:
        raise
    except psycopg2.Error:  # Some services do not offer these functions.
        return
    if now is None or not seen or now in seen:
        return
    yield warning(
        f"The database was restored, or a standby was promoted: its server is not the one that it has known since "
        f"{max(seen.values()):%Y-%m-%d}. What waits may have been sent already.",
        "Stop web, workers and beat, and run `manage.py after_restore`; see docs/backup.md. If nothing was lost, as at "
        "a failover, run `manage.py after_restore --nothing-lost`.",
    )
