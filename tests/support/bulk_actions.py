"""Thousands of actions at once, written by SQL, each with the event of its creation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from partners.models import ActionTracker, Partner

_ACTIONS = """
INSERT INTO actions_action (program_id, action_tracker_id, partner_id, order_id, order_repeat, status, status_detail,
    event_date, event_utc_offset_minutes, created_at, locking_date, clearing_date, original_currency, original_amount,
    amount, intended_amount, payout, intended_payout, event_code, media_source_ids, reported, no_payout_reason)
SELECT %(program)s, %(tracker)s, %(partner)s, 'many ' || n, 0, 'PENDING', '',
    %(first)s + n * %(apart)s, 0, %(first)s + n * %(apart)s, %(first)s + n * %(apart)s + '30 days',
    %(first)s + n * %(apart)s + '45 days', 'USD', 1, 1, 1, 1, 1, '', '{}', '{}', ''
FROM generate_series(%(already)s, %(already)s + %(count)s - 1) n
"""
_EVENTS = """
INSERT INTO actions_actionevent (action_id, number, kind, recorded_at, parameters)
SELECT id, 1, 'created', created_at, jsonb_build_object(
    'ActionId', concat_ws('.', program_id, action_tracker_id, id), 'CampaignId', program_id::text, 'Oid', order_id,
    'EventDate', to_char(event_date, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), 'Status', 'PENDING', 'Amount', '1.00')
FROM actions_action WHERE id > %(after)s AND action_tracker_id = %(tracker)s
ORDER BY id
"""


def make_actions(
    tracker: ActionTracker,
    count: int,
    *,
    first: datetime,
    apart: timedelta = timedelta(minutes=1),
    partner: Partner | None = None,
    already: int = 0,
) -> None:
    """`count` actions, the `n`th of `first` and `n` times `apart`, beginning with the one after `already`."""
    values: dict[str, Any] = {
        "program": tracker.program_id,
        "tracker": tracker.pk,
        "partner": partner.pk if partner else None,
        "first": first,
        "apart": apart,
        "count": count,
        "already": already,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # A request before in the same transaction leaves its own.
        cursor.execute("SELECT coalesce(max(id), 0) FROM actions_action")
        values["after"] = cursor.fetchone()[0]
        cursor.execute(_ACTIONS, values)
        cursor.execute(_EVENTS, values)
