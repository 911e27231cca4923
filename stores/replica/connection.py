"""Django's settings of the connection to the replica. The settings import it."""

from __future__ import annotations

from typing import Any

CONNECT_SECONDS = 2  # A page waits for it, once in the pause that follows.


def replica_of(database: dict[str, Any]) -> dict[str, Any]:
    """The entry of DATABASES for what DATABASE_REPLICA_URL names."""
    return {
        **database,
        "ENGINE": "stores.replica.backend",
        "CONN_MAX_AGE": 60,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # Rows that come later might not come; see the backend.
        "OPTIONS": {"connect_timeout": CONNECT_SECONDS, **database.get("OPTIONS", {})},
        "TEST": {"MIRROR": "default"},
    }
