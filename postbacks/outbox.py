"""From recorded events to deliveries: rows first, in the recording transaction; workers are woken after its commit.

Only the first unfinished delivery of a (postback, action) chain may be sent, so a delivery is inserted BLOCKED when
one of its chain is unfinished. That one may finish between our look and our commit, when whoever finishes it cannot
see our row yet: so after the commit we promote, once more, the chains that we inserted into as blocked.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from django.db import transaction

from actions.models import ActionEvent
from actions.signals import action_events_recorded
from partners.setup_version import PerVersion
from postbacks.engine import lanes
from postbacks.engine.chains import promote
from postbacks.engine.database import raw_cursor
from postbacks.matching import Listeners
from postbacks.models import Postback

logger = logging.getLogger(__name__)

Chain = tuple[int, int]  # postback id, action id
Row = tuple[int, int, int, int, bool]  # postback id, action id, event id, delay in seconds, behind another new one

INSERT = """
INSERT INTO postbacks_delivery
    (postback_id, event_id, action_id, state, due_at, attempts_made, reason)
SELECT v.postback_id, v.event_id, v.action_id,
       CASE WHEN v.behind OR EXISTS (
           SELECT 1 FROM postbacks_delivery d
           WHERE d.postback_id = v.postback_id AND d.action_id = v.action_id
             AND d.state IN ('blocked', 'ready', 'sending')
       ) THEN 'blocked' ELSE 'ready' END,
       statement_timestamp() + make_interval(secs => v.delay_seconds), 0, ''
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::boolean[])
    AS v (postback_id, action_id, event_id, delay_seconds, behind)
ORDER BY v.event_id
RETURNING postback_id, action_id, state
"""

_kept = PerVersion(Listeners)
# Long, and of no use in matching.
_NOT_KEPT = (
    *("url", "headers", "body_pairs", "body_raw", "success_response", "error_response", "pause_reason"),
    *("secret_headers", "signing_key", "previous_signing_key"),
)


def connect() -> None:
    """Listen to what `actions` records."""
    action_events_recorded.connect(_on_recorded, dispatch_uid="postbacks.outbox")


def _on_recorded(*, events: Sequence[ActionEvent], setup_version: int, **_: object) -> None:
    listeners = _listeners(events, setup_version)
    rows: list[Row] = []
    due: dict[int, float] = {}
    seen: set[Chain] = set()
    for postback, event in listeners.matches(events):
        chain = (postback.pk, event.action_id)
        rows.append((*chain, event.pk, postback.minimum_delay_seconds, chain in seen))
        due[postback.pk] = postback.minimum_delay_seconds
        seen.add(chain)
    if rows:
        blocked = _insert(rows)
        transaction.on_commit(partial(_after_commit, due, blocked))


def _listeners(events: Sequence[ActionEvent], setup_version: int) -> Listeners:
    listeners = _kept.at(setup_version)
    missing = listeners.missing(event.action.action_tracker_id for event in events)
    if missing:
        found: dict[int, list[Postback]] = {tracker: [] for tracker in missing}
        existing = Postback.objects.existing().filter(action_tracker__in=missing).defer(*_NOT_KEPT)
        for postback in existing.select_related("action_tracker", "in_app_event"):
            found[postback.action_tracker_id].append(postback)
        for tracker, postbacks in found.items():
            listeners.put(tracker, postbacks)
    return listeners


def _insert(rows: list[Row]) -> list[Chain]:
    """Writes the deliveries; returns the chains into which one went as blocked."""
    with raw_cursor() as cursor:
        cursor.execute(INSERT, [list(column) for column in zip(*rows, strict=True)])
        returned = cursor.fetchall()
    return [(postback_id, action_id) for postback_id, action_id, state in returned if state == "blocked"]


def _after_commit(due: dict[int, float], blocked: list[Chain]) -> None:
    """Nothing here may fail the caller: the rows are safe, and the sweep finds what was not woken."""
    if blocked:
        try:
            with raw_cursor() as cursor:
                for lane, seconds in promote(cursor, blocked).items():
                    due[lane] = min(due[lane], seconds)
        except Exception:
            logger.warning("Could not promote %d chains; the sweep will.", len(blocked), exc_info=True)
    lanes.wake(due)
