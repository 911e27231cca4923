"""Makes a restored database safe to start on: ids that were given out since are skipped, and nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from actions.models import QueuedReport
from operations.after_restore import cluster
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import leases
from postbacks.lifecycle import resume
from postbacks.models import Delivery, Postback, Replay

REASON: Final = "Paused after a restore: what waits may have been sent already."
SKIPPED: Final = 1_000_000
# Whose ids somebody outside may know, from requests, answers, pages and exports.
TABLES: Final = (
    *("actions_action", "actions_actionevent", "actions_submission", "actions_apitoken"),
    *("postbacks_delivery", "postbacks_attempt", "postbacks_postback", "postbacks_replay"),
    *("portal_partnerlink", "portal_proposal"),
)
# There are few of these, and people type their ids.
SMALL_TABLES: Final = (
    *("partners_program", "partners_actiontracker", "partners_partner", "partners_contract"),
    "optimize_sources_mediasource",
)
SKIPPED_IN_SMALL: Final = 1_000
# Beyond all ids that there are, as a restored sequence may be behind them.
SKIP: Final = """
SELECT setval(counter, greatest(coalesce(pg_sequence_last_value(counter), 0), %s) + %s)
FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS counter) found
"""


class WorkersRunError(Exception):
    """Worker processes are running; they would send, and take ids, meanwhile."""


class RecoveringError(Exception):
    """The server has not come to its moment yet, or is a standby: it cannot be written."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A postback with the deliveries that wait in it, and whether it was paused for the restore."""

    postback: int
    name: str
    waiting: int
    paused_now: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, and what is to be decided."""

    postbacks: list[Waiting]
    replays: list[int]  # That run, and would continue.
    queued_reports: int


def workers() -> int:
    """How many worker processes are running."""
    with connection.cursor() as cursor:
        cursor.execute(leases.LIVING, [LEASE_LOCKS])
        return int(cursor.fetchone()[0])


def _is_recovering() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return bool(cursor.fetchone()[0])


def make_safe(skipped: int = SKIPPED) -> Done:
    """Skip ids, pause every postback, note the server. Done twice, it skips twice and is otherwise the same.

    Raises:
        RecoveringError: the server is to be waited for.
        WorkersRunError: workers are to be stopped first.
    """
    with transaction.atomic():
        if _is_recovering():
            raise RecoveringError
        if workers():
            raise WorkersRunError
        with connection.cursor() as cursor:
            for table in (*TABLES, *SMALL_TABLES):
                cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608 -- a constant
                (highest,) = cursor.fetchone()
                number = min(skipped, SKIPPED_IN_SMALL) if table in SMALL_TABLES else skipped
                cursor.execute(SKIP, [highest, number, table])
        existing = Postback.objects.existing()
        now = timezone.now()
        paused = set(existing.filter(paused_at=None).values_list("pk", flat=True))
        # Through the rows, so that each has its pause in its history.
        for postback in existing.filter(pk__in=paused).iterator():
            postback.paused_at, postback.pause_reason = now, REASON
            postback.save(update_fields=["paused_at", "pause_reason", "updated_at"])
        cluster.note()
        waiting = Count("deliveries", filter=Q(deliveries__state__in=Delivery.UNFINISHED))
        rows = existing.annotate(waiting=waiting).order_by("pk").values_list("pk", "name", "waiting")
        return Done(
            [Waiting(pk, name, number, pk in paused) for pk, name, number in rows],
            list(Replay.objects.filter(state=Replay.State.RUNNING).order_by("pk").values_list("pk", flat=True)),
            QueuedReport.objects.count(),
        )


def resume_paused() -> int:
    """Resume those that `make_safe` has paused; returns how many."""
    paused = list(Postback.objects.existing().filter(pause_reason=REASON, paused_at__isnull=False).order_by("pk"))
    for postback in paused:
        resume(postback)
    return len(paused)
