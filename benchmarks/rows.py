"""Destinations and deliveries, written in bulk: what recording would have written, but faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.core.management import call_command
from django.db import connection, transaction
from tqdm import tqdm

from benchmarks import shelves
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Program
from postbacks.database import raw_cursor
from postbacks.delivery.redis import client
from postbacks.models import Postback
from postbacks.partitions.ahead import make_ahead

HISTORY_SLICE = 100_000

# An ordinary postback: ten values, some of which need encoding. Receivers identify a delivery by `n`.
QUERY = (
    "?campaign={CampaignId}&action={ActionId}&status={Status}&amount={Amount}&payout={Payout}&click={SharedId}"
    "&order={Oid}&city={CustomerCity}&promo={PromoCode}&n={DeliveryId}"
)

# An ordinary snapshot: about 1 kB, with two items.
PARAMETERS: dict[str, Any] = {
    "CampaignId": "1000",
    "CampaignName": "Harbour Outfitters",
    "ActionTrackerId": "2001",
    "ActionTrackerName": "Online sale",
    "ActionId": "1000.2001.158133",
    "Status": "PENDING",
    "Oid": "SS-77120-B",
    "Amount": "460.93",
    "DeltaAmount": "460.93",
    "IntendedAmount": "460.93",
    "Payout": "33.99",
    "DeltaPayout": "33.99",
    "IntendedPayout": "33.99",
    "Currency": "USD",
    "OriginalCurrency": "USD",
    "OriginalAmount": "460.93",
    "EventDate": "2026-11-20T10:42:38-07:00",
    "CreationDate": "2026-11-20T17:42:39+00:00",
    "LockingDate": "2026-12-20T17:42:39+00:00",
    "ClearedDate": "2027-01-04T17:42:39+00:00",
    "SharedId": "newsletter|banner&7",
    "CustomerCity": "São Paulo",
    "CustomerCountry": "BR",
    "PromoCode": "HARBOUR 10%",
    "items": [
        {"sku": "GH23", "cat": "Watches", "qty": "3", "amt": "63.65", "name": "Tide watch"},
        {"sku": "UT66", "cat": "Shoes", "qty": "4", "amt": "397.28", "name": 'Deck "Pro" 42'},
    ],
}

# Spread over the event types in turn. They lock and clear long after the benchmark: a worker that locks thousands of
# them meanwhile has the processors for itself.
_ACTIONS = """
INSERT INTO actions_action (program_id, action_tracker_id, order_id, order_repeat, status, status_detail, event_date,
    event_utc_offset_minutes, locking_date, clearing_date, original_currency, original_amount, amount,
    intended_amount, payout, intended_payout, event_code, media_source_ids, reported, no_payout_reason)
SELECT %s, (%s::bigint[])[1 + n %% %s], 'bulk ' || %s || ' ' || n, 0, 'PENDING', '', now(), 0,
    now() + interval '30 days', now() + interval '45 days', 'USD', 1, 1, 1, 1, 1, '', '{}', '{}', ''
FROM generate_series(1, %s) n
"""
_EVENTS = """
INSERT INTO actions_actionevent (action_id, number, kind, parameters)
SELECT id, 1, 'created', %s FROM actions_action WHERE id > %s
"""
_DELIVERIES = """
INSERT INTO postbacks_delivery (postback_id, event_id, action_id, state, due_at, attempts_made, reason, created_at)
SELECT p.id, e.id, e.action_id, 'ready', now() + make_interval(secs => %s + %s * random()), 0, '',
    now() - make_interval(secs => %s)
FROM actions_actionevent e
JOIN actions_action a ON a.id = e.action_id
JOIN postbacks_postback p ON p.action_tracker_id = a.action_tracker_id
WHERE e.action_id > %s
"""
_FINISH = """
UPDATE postbacks_delivery
SET state = 'delivered', attempts_made = 1, finished_at = created_at, reason = '200 is a success.' WHERE state = 'ready'
"""
_ATTEMPTS = """
INSERT INTO postbacks_attempt (delivery_id, number, started_at, duration_ms, succeeded, reason, method, url,
    request_headers, request_body, status, response_headers, response_body, recorded_at)
SELECT id, 1, created_at, 3, true, reason, 'GET', 'http://127.0.0.1/in?' || repeat('parameter=value&', 14) || id,
    'User-Agent: PartnerPostbacks', '', 200, repeat('Header: value with some length', 5), 'OK', created_at
FROM postbacks_delivery WHERE action_id > %s
"""
_TABLES = "actions_action, actions_actionevent, postbacks_delivery"


def begin_afresh() -> None:
    """Empties the servers, and creates the tables of this version of the project."""
    client.flushall()
    client.bgrewriteaof()  # Otherwise a restart would replay what earlier runs left in its log.
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public")
    shelves.clear_up()
    call_command("migrate", verbosity=0)


def make_partitions() -> None:
    """Makes partitions of attempts ahead, as the sweep does each half minute."""
    more = True
    while more:
        with transaction.atomic(), raw_cursor() as cursor:
            more = make_ahead(cursor)


def clear() -> None:
    """Empties the tables and Redis."""
    client.flushall()
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE partners_program, partners_partner, optimize_sources_mediasource, actions_action, actions_item, "
            "actions_actionevent, postbacks_attempt, postbacks_tally, postbacks_rollup CASCADE"
        )
        cursor.execute("CHECKPOINT")


def clear_actions() -> None:
    """Deletes reported actions and everything that came of them; the configuration stays."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE actions_action, actions_submission, actions_importrun CASCADE")
        cursor.execute("TRUNCATE actions_item, actions_actionevent, postbacks_delivery, postbacks_attempt CASCADE")
        cursor.execute("CHECKPOINT")


def make_destinations(urls: Sequence[str], *, name: str = "destination", **fields: Any) -> list[Postback]:
    """Creates a postback with its own event type for each URL, to which the query is added."""
    program, _ = Program.objects.get_or_create(name="Benchmark", defaults={"currency": "USD"})
    network, _ = MediaSource.objects.get_or_create(name="Benchmark")
    trackers = ActionTracker.objects.bulk_create(
        ActionTracker(program=program, name=f"{name} {number}") for number in range(len(urls))
    )
    return Postback.objects.bulk_create(
        Postback(media_source=network, action_tracker=tracker, name=tracker.name, url=url + QUERY, **fields)
        for tracker, url in zip(trackers, urls, strict=True)
    )


def add_deliveries(
    postbacks: Sequence[Postback], count: int, *, due_in_seconds: float = 0, spread_seconds: float = 0
) -> None:
    """Adds `count` new actions, each with one event and one delivery, spread over the postbacks in turn.

    They are due at random within `spread_seconds` from `due_in_seconds` on.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        last = _add_events(cursor, postbacks, count)
        cursor.execute(_DELIVERIES, [due_in_seconds, spread_seconds, 0, last])
        cursor.execute(f"ANALYZE {_TABLES}")


def add_history(postbacks: Sequence[Postback], count: int, *, days_ago: float = 0) -> None:
    """Adds `count` delivered deliveries, each with its attempt. Nothing else may be due meanwhile."""
    for done in tqdm(range(0, count, HISTORY_SLICE), desc="history", leave=False, disable=None, unit=""):
        with transaction.atomic(), connection.cursor() as cursor:
            last = _add_events(cursor, postbacks, min(HISTORY_SLICE, count - done))
            cursor.execute(_DELIVERIES, [0, 0, days_ago * 86_400, last])
            cursor.execute(_FINISH)
            cursor.execute(_ATTEMPTS, [last])
        make_partitions()
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {_TABLES}, postbacks_attempt")


def add_events(postbacks: Sequence[Postback], count: int) -> None:
    """Adds `count` new actions, each with one event without a delivery, spread over the postbacks in turn."""
    with transaction.atomic(), connection.cursor() as cursor:
        _add_events(cursor, postbacks, count)
        cursor.execute(f"ANALYZE {_TABLES}")


def settle() -> None:
    """Makes the server write out what is pending, so that it does not do so during the measurement."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def _add_events(cursor: Any, postbacks: Sequence[Postback], count: int) -> int:
    """Returns the last action id before. Foreign keys hold by construction and are not checked one by one."""
    trackers = [postback.action_tracker_id for postback in postbacks]
    program_id = postbacks[0].action_tracker.program_id
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute("SELECT coalesce(max(id), 0) FROM actions_action")
    (last,) = cursor.fetchone()
    cursor.execute(_ACTIONS, [program_id, trackers, len(trackers), last, count])
    cursor.execute(_EVENTS, [orjson.dumps(PARAMETERS).decode(), last])
    return int(last)
