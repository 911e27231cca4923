"""Recognises a restored database by its server: the cluster's identifier and its timeline, which every recovery to a
point in time, and every promotion of a standby, raises.

The server that was seen last is a row of the pulse, so it is restored with the database and does not fit any more.
`migrate` writes the first one; from then on only `manage.py after_restore` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from django.db import Error, connection, transaction

from postbacks.models import Pulse

CLUSTER: Final = "cluster "  # Followed by letters that stand for the server; the pulse's name has 20 characters.
NOW: Final = """
SELECT system_identifier::text, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
FROM pg_control_system() WHERE NOT pg_is_in_recovery()
"""
SEEN: Final = f"SELECT name, at FROM postbacks_pulse WHERE name LIKE '{CLUSTER}%%'"  # noqa: S608 -- a constant


def name_of(rows: Sequence[Sequence[Any]]) -> str | None:
    """The name of the pulse for what `NOW` has answered; None where the server does not tell."""
    if not rows:
        return None
    identifier, timeline = rows[0]
    return CLUSTER + hashlib.sha256(f"{identifier}:{timeline}".encode()).hexdigest()[:12]


def note_first(**_signal: Any) -> None:
    """Notes the server, unless one has been: an empty database is not a restored one."""
    if not Pulse.objects.filter(name__startswith=CLUSTER).exists():
        note()


def note() -> None:
    """Notes the server of now as the one that the data belongs to."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(NOW)
            name = name_of(cursor.fetchall())
    except Error:  # Some services do not offer these functions: then nothing is recognised.
        return
    if name is None:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM postbacks_pulse WHERE name LIKE %s AND name <> %s", [f"{CLUSTER}%", name])
        cursor.execute(
            "INSERT INTO postbacks_pulse (name, at) VALUES (%s, now()) ON CONFLICT (name) DO NOTHING", [name]
        )
