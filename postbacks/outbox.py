"""Turns recorded events into deliveries: rows within the recording transaction, workers woken after its commit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from actions.models import ActionEvent
from actions.signals import action_events_recorded
from partners.setup_version import PerVersion
from postbacks.database import raw_cursor
from postbacks.delivery.chains import Made, blocked_among, insertion, promote_and_wake
from postbacks.delivery.known_ids import derived
from postbacks.matching import Listeners
from postbacks.models import Postback

Row = tuple[int, int, int, int]  # postback id, action id, event id, delay in seconds

_SOURCE = """unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[])
    AS v (postback_id, action_id, event_id, delay_seconds)"""
_DUE_AT = "statement_timestamp() + make_interval(secs => v.delay_seconds)"
INSERT = insertion(_SOURCE, due_at=_DUE_AT, order="v.event_id", known_by=derived())

_kept = PerVersion(Listeners)
# Long, and not needed for matching.
_NOT_KEPT = (
    *("url", "headers", "body_pairs", "body_raw", "success_response", "error_response", "pause_reason"),
    *("secret_headers", "signing_key", "previous_signing_key"),
)


def connect() -> None:
    """Listens to what `actions` records."""
    action_events_recorded.connect(_on_recorded, dispatch_uid="postbacks.outbox")


def _on_recorded(*, events: Sequence[ActionEvent], setup_version: int, **_: object) -> None:
    listeners = _listeners(events, setup_version)
    matches = listeners.matches(events)
    rows = [(each.pk, event.action_id, event.pk, each.minimum_delay_seconds) for each, event in matches]
    if rows:
        made = _insert(rows)
        due = {postback_id: float(delay) for postback_id, _, _, delay in rows}
        transaction.on_commit(partial(promote_and_wake, blocked_among(made), due))


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


def _insert(rows: list[Row]) -> list[Made]:
    with raw_cursor() as cursor:
        cursor.execute(INSERT, [list(column) for column in zip(*rows, strict=True)])
        return [Made(*row) for row in cursor.fetchall()]
