"""Turns recorded events into deliveries: rows within the recording transaction, workers woken after its commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from operator import itemgetter

from django.db import transaction

from actions.models import ActionEvent
from actions.recording.messages import put_off, send
from actions.recording.planned import Planned
from actions.recording.rows import action_of
from actions.signals import action_events_recorded
from partners.setup_version import PerVersion
from postbacks.credentials.asking.fields import FIELDS
from postbacks.database import as_array, not_for_long, raw_cursor
from postbacks.delivery.chains import Chain, Made, blocked_among, insertion, places, promote_and_wake
from postbacks.delivery.known_ids import derive, derived, of_event
from postbacks.matching import Listeners, fires
from postbacks.models import Postback

Match = tuple[Postback, ActionEvent]

_SOURCE = """unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[])
    AS v (postback_id, action_id, event_id, delay_seconds)"""
_DUE_AT = "statement_timestamp() + make_interval(secs => v.delay_seconds)"
INSERT = insertion(_SOURCE, due_at=_DUE_AT, order="v.event_id", known_by=derived())
# Of new actions everything is known, so nothing is looked up.
_KNOWN_SOURCE = """unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::text[], %s::uuid[])
    AS v (postback_id, action_id, event_id, delay_seconds, state, known_by)"""
INSERT_FIRST = Planned(
    "insert_first",
    insertion(_KNOWN_SOURCE, due_at=_DUE_AT, order="v.event_id", state="v.state", known_by="v.known_by", told=False),
)

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
        _deliver([(postback, event) for postback, event in pairs if fires(postback, event)])
    return len(taken)


def _on_recorded(*, events: Sequence[ActionEvent], setup_version: int, **_: object) -> None:
    listeners = _listeners(events, setup_version)
    matches = list(listeners.matches(events))
    created = {vars(event)["action_id"] for event in events if event.number == 1}
    changed = [match for match in matches if vars(match[1])["action_id"] not in created]
    judged = {event.action_id for postback, event in changed if postback.conditions}
    if judged:
        _judge(judged)  # Earlier events of these actions go first.
    if changed:
        _deliver(matches)
    else:
        _deliver_first(matches)


def _deliver(matches: Sequence[Match]) -> None:
    """Makes a delivery of each, and wakes the lanes after the commit."""
    if matches:
        send()
        with raw_cursor() as cursor:
            cursor.execute(INSERT, _columns(matches))
            made = [Made(*row) for row in cursor.fetchall()]
        _wake_after_commit(matches, blocked_among(made))


def _deliver_first(matches: Sequence[Match]) -> None:
    """The same for actions that are new in this transaction. None of their deliveries can end before its commit."""
    if matches:
        states = places((postback.id, vars(event)["action_id"]) for postback, event in matches)
        told = {id(event): _told(event) for _, event in matches}
        known = [derive(postback.id, postback.created_at, told[id(event)]) for postback, event in matches]
        put_off(INSERT_FIRST.text, [*_columns(matches), as_array(states), as_array(known)])
        _wake_after_commit(matches, ())


def _columns(matches: Sequence[Match]) -> list[str]:
    return [  # Past Django's descriptors, as an import asks this of thousands.
        as_array([postback.id for postback, _ in matches]),
        as_array([vars(event)["action_id"] for _, event in matches]),
        as_array([event.id for _, event in matches]),
        as_array([postback.minimum_delay_seconds for postback, _ in matches]),
    ]


def _told(event: ActionEvent) -> str:
    action = action_of(event)
    return of_event(action["action_tracker_id"], action["order_id"], action["order_repeat"], event.kind, event.number)


def _wake_after_commit(matches: Iterable[Match], blocked: Sequence[Chain]) -> None:
    due = {postback.id: float(postback.minimum_delay_seconds) for postback, _ in matches}
    transaction.on_commit(partial(promote_and_wake, blocked, due))


def _listeners(events: Sequence[ActionEvent], setup_version: int) -> Listeners:
    listeners = _kept.at(setup_version)
    missing = listeners.missing({action_of(event)["action_tracker_id"] for event in events})
    if missing:
        found: dict[int, list[Postback]] = {tracker: [] for tracker in missing}
        existing = Postback.objects.existing().filter(action_tracker__in=missing).defer(*_NOT_KEPT)
        for postback in existing.select_related("action_tracker", "in_app_event"):
            found[postback.action_tracker_id].append(postback)
        for tracker, postbacks in found.items():
            listeners.put(tracker, postbacks)
    return listeners
