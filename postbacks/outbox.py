"""Turns recorded events into deliveries: rows within the recording transaction, workers woken after its commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from operator import itemgetter

from django.db import transaction

from actions.models import ActionEvent
from actions.signals import action_events_recorded
from partners.setup_version import PerVersion
from postbacks.credentials.asking.fields import FIELDS
from postbacks.database import not_for_long, raw_cursor
from postbacks.delivery.chains import Made, blocked_among, insertion, promote_and_wake
from postbacks.delivery.known_ids import derived
from postbacks.matching import Listeners, fires
from postbacks.models import Postback

Row = tuple[int, int, int, int]  # postback id, action id, event id, delay in seconds

_SOURCE = """unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[])
    AS v (postback_id, action_id, event_id, delay_seconds)"""
_DUE_AT = "statement_timestamp() + make_interval(secs => v.delay_seconds)"
INSERT = insertion(_SOURCE, due_at=_DUE_AT, order="v.event_id", known_by=derived())

# Locked as by a report, so that one that arrives meanwhile either sees these deliveries or comes first.
_ACTIONS_PUT_ASIDE = """
SELECT a.id FROM actions_action a
WHERE a.id = ANY (ARRAY(SELECT action_id FROM postbacks_putaside ORDER BY id LIMIT %s))
ORDER BY a.id FOR NO KEY UPDATE SKIP LOCKED
"""
_TAKE_PUT_ASIDE = "DELETE FROM postbacks_putaside WHERE action_id = ANY (%s) RETURNING postback_id, event_id"
MOST_PUT_ASIDE = 500  # At once; the next second takes the next.

_kept = PerVersion(Listeners)
# Long, and not needed for matching.
_NOT_KEPT = (
    *("url", "headers", "body_pairs", "body_raw", "success_response", "error_response", "pause_reason"),
    *("secret_headers", "signing_key", "previous_signing_key"),
    *FIELDS,
)


def connect() -> None:
    """Listens to what `actions` records."""
    action_events_recorded.connect(_on_recorded, dispatch_uid="postbacks.outbox")


def judge_put_aside() -> int:
    """Judges some of what a trigger put aside; returns how much. Wakes the lanes after the commit.

    It is what processes that know no conditions, those of the previous release, record for postbacks that have some.
    """
    with transaction.atomic():
        not_for_long()
        with raw_cursor() as cursor:
            cursor.execute(_ACTIONS_PUT_ASIDE, (MOST_PUT_ASIDE,))
            actions = [action for (action,) in cursor.fetchall()]
        return _judge(actions) if actions else 0


def _judge(actions: Collection[int]) -> int:
    """Judges what was put aside of these actions, which the caller has locked."""
    with raw_cursor() as cursor:
        cursor.execute(_TAKE_PUT_ASIDE, (list(actions),))
        taken = sorted(cursor.fetchall(), key=itemgetter(1))
    if taken:
        events = ActionEvent.objects.select_related("action").in_bulk({event for _, event in taken})
        existing = Postback.objects.existing().defer(*_NOT_KEPT).select_related("action_tracker", "in_app_event")
        postbacks = existing.in_bulk({postback for postback, _ in taken})
        pairs = [(postbacks[each], events[event]) for each, event in taken if each in postbacks and event in events]
        _deliver((postback, event) for postback, event in pairs if fires(postback, event))
    return len(taken)


def _on_recorded(*, events: Sequence[ActionEvent], setup_version: int, **_: object) -> None:
    listeners = _listeners(events, setup_version)
    matches = list(listeners.matches(events))
    judged = {event.action_id for postback, event in matches if postback.conditions}
    if judged:
        _judge(judged)  # Earlier events of these actions go first.
    _deliver(matches)


def _deliver(matches: Iterable[tuple[Postback, ActionEvent]]) -> None:
    """Makes a delivery of each, and wakes the lanes after the commit."""
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
