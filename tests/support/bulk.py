"""Thousands of deliveries at once, written by SQL: what the door would have written, without its time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from partners.models import ActionTracker
from postbacks.models import Postback

_PARAMETERS = {
    "CampaignId": "1000",
    "Status": "PENDING",
    "Amount": "460.93",
    "Payout": "33.99",
    "SharedId": "dc|banner&7",
    "CustomerCity": "São Paulo",
    "items": [{"sku": "A 1/2", "qty": "1", "amt": "19.90"}],
}

_ACTIONS = """
INSERT INTO actions_action (program_id, action_tracker_id, order_id, order_repeat, status, status_detail, event_date,
    event_utc_offset_minutes, locking_date, clearing_date, original_currency, original_amount, amount,
    intended_amount, payout, intended_payout, event_code, media_source_ids, reported, no_payout_reason)
SELECT %s, %s, %s || n, 0, 'PENDING', '', now(), 0, now(), now(), 'USD', 1, 1, 1, 1, 1, '', '{}', '{}', ''
FROM generate_series(1, %s) n
RETURNING id
"""
_EVENTS = """
INSERT INTO actions_actionevent (action_id, number, kind, parameters)
SELECT id, 1, 'created', %s::jsonb || jsonb_build_object('ActionId', id::text) FROM unnest(%s::bigint[]) id
RETURNING id, action_id
"""
_DELIVERIES = """
INSERT INTO postbacks_delivery (postback_id, event_id, action_id, state, due_at, attempts_made, reason)
SELECT (%s::bigint[])[1 + row_number() OVER () %% %s], e.event_id, e.action_id, 'ready', now(), 0, ''
FROM unnest(%s::bigint[], %s::bigint[]) AS e (event_id, action_id)
RETURNING id
"""


def make_due_deliveries(tracker: ActionTracker, postbacks: Sequence[Postback], count: int) -> set[int]:
    """`count` new actions, each with one event and one due delivery, dealt out to the postbacks in turn; their ids."""
    with connection.cursor() as cursor:
        return add_due_deliveries(
            cursor, tracker.program_id, tracker.pk, [postback.pk for postback in postbacks], count
        )


def add_due_deliveries(
    cursor: Any, program: int, tracker: int, postbacks: list[int], count: int, *, orders: str = "bulk "
) -> set[int]:
    """The same in the database of `cursor`, with ids; the names of the orders begin with `orders`."""
    cursor.execute(_ACTIONS, [program, tracker, orders, count])
    actions = [row[0] for row in cursor.fetchall()]
    cursor.execute(_EVENTS, [json.dumps(_PARAMETERS), actions])
    events = cursor.fetchall()
    of_events = [[event for event, _ in events], [action for _, action in events]]
    cursor.execute(_DELIVERIES, [postbacks, len(postbacks), *of_events])
    return {row[0] for row in cursor.fetchall()}
