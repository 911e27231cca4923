"""Which postbacks fail at this moment: at least half of their latest attempts, over several actions.

The roll-ups say which had failures at all; of these, those with the most are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from postbacks.database import as_array
from postbacks.metrics.read import counts_by_postback
from postbacks.models import Rollup

LATEST: Final = 20  # Attempts that are looked at.
WITHIN: Final = timedelta(hours=24)
ACTIONS_TO_FAIL: Final = 3
_MOST_LOOKED_AT: Final = 300

_ATTEMPTS: Final = """
SELECT p.id, latest.action_id, latest.succeeded FROM unnest(%(ids)s::bigint[]) AS p (id)
CROSS JOIN LATERAL (
    SELECT d.action_id, a.succeeded FROM (
        (SELECT id, action_id FROM postbacks_delivery
         WHERE postback_id = p.id AND state = 'delivered' ORDER BY id DESC LIMIT %(latest)s)
        UNION ALL
        (SELECT id, action_id FROM postbacks_delivery
         WHERE postback_id = p.id AND state = 'failed' ORDER BY id DESC LIMIT %(latest)s)
        UNION ALL
        (SELECT id, action_id FROM postbacks_delivery
         WHERE postback_id = p.id AND state = 'ready' AND priority = 1 ORDER BY due_at DESC, id DESC LIMIT %(latest)s)
    ) d JOIN postbacks_attempt a ON a.delivery_id = d.id
    WHERE a.started_at > %(since)s AND a.overlap_of IS NULL
    ORDER BY a.started_at DESC LIMIT %(latest)s
) latest
"""


def failing_postbacks(now: datetime) -> set[int]:
    """Their ids; a held or paused postback counts by what it did before."""
    since = now - WITHIN
    counts = counts_by_postback(Rollup.Period.HOUR, since)
    failed = {pk: sums.attempts - sums.succeeded for pk, sums in counts.items()}
    suspects = sorted((pk for pk in failed if failed[pk] >= ACTIONS_TO_FAIL), key=lambda pk: (-failed[pk], pk))
    found: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    with connection.cursor() as cursor:
        given: dict[str, str | int | datetime] = {
            "ids": as_array(suspects[:_MOST_LOOKED_AT]),
            "latest": LATEST,
            "since": since,
        }
        cursor.execute(_ATTEMPTS, given)
        for postback, action, succeeded in cursor.fetchall():
            found[postback].append((action, succeeded))
    return {postback for postback, attempts in found.items() if _is_failing(attempts)}


def _is_failing(attempts: Iterable[tuple[int, bool]]) -> bool:
    tried = list(attempts)
    failed = [action for action, succeeded in tried if not succeeded]
    return 2 * len(failed) >= len(tried) and len(set(failed)) >= ACTIONS_TO_FAIL
