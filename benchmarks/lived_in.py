"""A system that has been used for a month: what an operator with 300 partners and 2,000 postbacks looks at.

Written in bulk and in order of time, so that ids rise with it. Each action fires the one busy postback, which so has a
fifth of all deliveries, and four postbacks of its own event type, of which the first are asked for more often than the
last. Every 50th postback has been failing for a day, every 40th is held or paused and has deliveries waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone
from tqdm import tqdm

from actions.models import ApiToken
from benchmarks.rows import HISTORY_SLICE, PARAMETERS, QUERY, clear
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, Partner, Program
from postbacks.models import Lane, Postback

PARTNERS, NETWORKS, PROGRAMS, EVENT_TYPES, POSTBACKS = 300, 40, 3, 24, 2_000
DAYS = 30
FIRED = 5  # Deliveries of each action.
_SUBMISSIONS, _CHANGES = 20_000, 5_000

_ACTIONS = """
INSERT INTO actions_action (id, program_id, action_tracker_id, partner_id, order_id, order_repeat, status,
    status_detail, event_date, created_at, event_utc_offset_minutes, locking_date, clearing_date, original_currency,
    original_amount, amount, intended_amount, payout, intended_payout, event_code, media_source_ids, reported,
    no_payout_reason)
SELECT n, (%(programs)s::bigint[])[1 + n %% %(types)s], (%(trackers)s::bigint[])[1 + n %% %(types)s],
    (%(partners)s::bigint[])[1 + floor(300 * (hashint8(n) & 1023) / 1024.0 * (hashint8(n) & 1023) / 1024.0)::int],
    'order ' || n, 0, 'PENDING', '', at.moment, at.moment, 0, at.moment + interval '30 days',
    at.moment + interval '45 days', 'USD', 50, 50, 50, 4, 4, '', '{}',
    CASE WHEN n %% 10 = 0 THEN jsonb_build_object('RefClickId', 'click ' || n) ELSE '{}' END, ''
FROM generate_series(%(first)s, %(last)s) n
CROSS JOIN LATERAL (SELECT now() - make_interval(days => %(days)s) * (1 - n / %(all)s::float8) AS moment) at
"""
_EVENTS = """
INSERT INTO actions_actionevent (id, action_id, number, kind, recorded_at, parameters)
SELECT id, id, 1, 'created', created_at, %(parameters)s FROM actions_action WHERE id BETWEEN %(first)s AND %(last)s
"""
# `place` is the postback's place among those of its event type: each of the four has a quarter of them, and prefers the
# first. The hash decides what became of it.
_DELIVERIES = """
INSERT INTO postbacks_delivery (id, postback_id, event_id, action_id, state, due_at, attempts_made, created_at,
    finished_at, reason, known_by, known_as)
SELECT id, postback, n, n, state, at, attempts, at,
    CASE WHEN state IN ('delivered', 'failed', 'cancelled') THEN at + make_interval(secs => 2 + chance %% 60) END,
    CASE state WHEN 'delivered' THEN '200 is a success.' WHEN 'failed' THEN 'Status 500 is not a success.'
        WHEN 'cancelled' THEN 'Cancelled by an operator.' ELSE '' END,
    md5('delivery ' || id)::uuid, CASE WHEN attempts > 0 THEN id END
FROM (
    SELECT *, CASE
        WHEN of_type %% 40 = 5 AND at > now() - interval '3 days' THEN
            CASE WHEN chance %% 3 = 0 THEN 'blocked' ELSE 'ready' END
        WHEN slot = 0 AND at > now() - interval '6 hours' THEN 'ready'
        WHEN of_type %% 50 = 7 AND at > now() - interval '1 day' AND chance %% 10 < 8 THEN 'failed'
        WHEN chance %% 1000 < 20 THEN 'failed' WHEN chance %% 1000 < 30 THEN 'cancelled' ELSE 'delivered' END AS state
    FROM (
        SELECT n, slot, n * %(fired)s + slot AS id, of_type, a.created_at AS at,
            abs(hashint8(n * 7 + slot)::bigint) AS chance,
            (%(postbacks)s::bigint[])[1 + of_type] AS postback
        FROM actions_action a
        CROSS JOIN LATERAL (SELECT a.id AS n) one
        CROSS JOIN generate_series(0, %(fired)s - 1) slot
        CROSS JOIN LATERAL (
            SELECT CASE WHEN slot = 0 THEN 0 ELSE n %% %(types)s + %(types)s * ((slot - 1) * %(quarter)s + floor(
                %(quarter)s * power((hashint8(n + slot * 31) & 1023) / 1024.0, 3)
            )::bigint) END AS of_type
        ) p
        WHERE a.id BETWEEN %(first)s AND %(last)s
    ) d
) d
CROSS JOIN LATERAL (
    SELECT CASE WHEN state IN ('blocked', 'cancelled') THEN 0 WHEN state = 'failed' THEN 2
        WHEN state = 'ready' THEN chance %% 2 WHEN chance %% 40 = 7 THEN 2 ELSE 1 END AS attempts
) made
"""
_ATTEMPTS = """
INSERT INTO postbacks_attempt (delivery_id, number, started_at, recorded_at, duration_ms, succeeded, reason, method,
    url, request_headers, request_body, status, response_headers, response_body, postback_id, why)
SELECT d.id, number, made, made, 30 + d.id %% 90, good,
    CASE WHEN good THEN '200 is a success.' ELSE 'Status ' || status || ' is not a success.' END, 'GET',
    'https://partner.example/in?' || repeat('parameter=value&', 14) || d.id, 'User-Agent: PartnerPostbacks', '',
    CASE WHEN good THEN 200 ELSE status END, repeat('Header: value with some length', 3), 'OK', d.postback_id,
    CASE WHEN good THEN '' WHEN status = 404 THEN 'status_4xx' ELSE 'status_5xx' END
FROM postbacks_delivery d
CROSS JOIN LATERAL generate_series(1, d.attempts_made) number
CROSS JOIN LATERAL (
    SELECT d.created_at + make_interval(secs => number) AS made, d.state = 'delivered' AND number = d.attempts_made
        AS good, CASE WHEN d.id %% 10 = 0 THEN 404 ELSE 500 END AS status
) made
WHERE d.id BETWEEN %(first)s * %(fired)s AND %(last)s * %(fired)s + %(fired)s - 1
ORDER BY d.id, number
"""
# One lane on which nearly all was sent again, and a few others of all lanes.
_RESENT = """
INSERT INTO postbacks_delivery (id, postback_id, event_id, action_id, state, due_at, attempts_made, created_at,
    finished_at, reason, known_by, known_as)
SELECT (SELECT max(id) FROM postbacks_delivery) + row_number() OVER (ORDER BY id), postback_id, event_id, action_id,
    'delivered', now(), 1, now(), now(), '200 is a success.', md5('again ' || id)::uuid, id
FROM postbacks_delivery
WHERE state IN ('delivered', 'failed') AND (postback_id = %(resent)s OR id %% 2000 = 3)
"""
# Two failures for each postback in each hour, so that all of them might be failing.
_ROLLUPS = """
INSERT INTO postbacks_rollup (period, at, postback_key, attempts, succeeded, delivered, failed, cancelled, details)
SELECT %(period)s, date_trunc(%(period)s, now()) - n * ('1 ' || %(period)s)::interval, key, 50, 48, 48, 1, 1,
       '{"took:5": 20, "took:8": 20, "took:12": 10, "lag:4": 49, "why:status_4xx": 1, "why:status_5xx": 1, "first": 49,
         "first_succeeded": 47}'
FROM generate_series(0, %(steps)s) n, unnest(%(keys)s::bigint[]) key
"""
_SUBMITTED = """
INSERT INTO actions_submission (token_id, kind, result, received_at, processed_at, reason_code, message, notes, fields,
    action_id, order_id, recorded, repeated, rejected)
SELECT %(token)s, 'conversion', CASE WHEN n %% 20 = 0 THEN 'rejected' ELSE 'recorded' END, at, at,
    CASE WHEN n %% 20 = 0 THEN 'CONTRACT_NOT_FOUND' ELSE '' END, '', '[]', '{}',
    CASE WHEN n %% 20 > 0 THEN n END, CASE WHEN n %% 20 = 0 THEN 'order x' || n ELSE 'order ' || n END, 0, 0, 0
FROM generate_series(1, %(count)s) n
CROSS JOIN LATERAL (SELECT now() - make_interval(days => %(days)s) * (1 - n / %(count)s::float8) AS at) at
"""
_AUDITED = """
INSERT INTO auditlog_logentry (content_type_id, object_pk, object_id, object_repr, serialized_data, action, changes,
    changes_text, timestamp, additional_data)
SELECT c.id, p, p, 'Postback ' || p, NULL, 1, '{"name": ["before", "after"]}', '',
    now() - make_interval(mins => n::int), NULL
FROM generate_series(1, %(count)s) n
CROSS JOIN LATERAL (SELECT (%(postbacks)s::bigint[])[1 + n %% 200] AS p) p
JOIN django_content_type c ON c.app_label = 'postbacks' AND c.model = 'postback'
"""


@dataclass(frozen=True, slots=True)
class LivedIn:
    """What a fill has made: the postbacks by name of what they are, and how many deliveries there are."""

    busy: Postback
    quiet: Postback
    failing: Postback
    held: Postback
    resent: Postback
    deliveries: int


def fill(count: int) -> LivedIn:
    """Replaces all rows by those of a month with about `count` deliveries."""
    clear()
    postbacks = _setup()
    trackers = list(ActionTracker.objects.order_by("pk"))
    values: dict[str, Any] = {
        "programs": [tracker.program_id for tracker in trackers],
        "trackers": [tracker.pk for tracker in trackers],
        "partners": list(Partner.objects.order_by("pk").values_list("pk", flat=True)),
        "postbacks": [postback.pk for postback in postbacks],
        "types": EVENT_TYPES,
        "quarter": POSTBACKS // EVENT_TYPES // (FIRED - 1),
        "fired": FIRED,
        "days": DAYS,
        "all": count // FIRED,
        "parameters": orjson.dumps(PARAMETERS).decode(),
        "resent": postbacks[EVENT_TYPES + 1].pk,
    }
    actions, step = count // FIRED, HISTORY_SLICE // FIRED
    for first in tqdm(range(1, actions + 1, step), desc="a month", leave=False, disable=None, unit=""):
        _run(
            values | {"first": first, "last": min(first + step - 1, actions)}, _ACTIONS, _EVENTS, _DELIVERIES, _ATTEMPTS
        )
    _run(values, _RESENT)
    _told(values)
    with connection.cursor() as cursor:
        for table in ("actions_action", "actions_actionevent", "postbacks_delivery"):
            cursor.execute(f"SELECT max(id) FROM {table}")  # noqa: S608 -- of the names above
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, cursor.fetchone()[0]))
        cursor.execute("VACUUM ANALYZE")
    return found(count)


def found(count: int) -> LivedIn:
    """What an earlier fill has made."""
    pks = list(Postback.objects.order_by("pk")[: 3 * EVENT_TYPES])
    return LivedIn(
        busy=pks[0], quiet=Postback.objects.latest("pk"), failing=pks[7], held=pks[5], resent=pks[EVENT_TYPES + 1],
        deliveries=count,
    )  # fmt: skip


def _setup() -> list[Postback]:
    programs = Program.objects.bulk_create(Program(name=f"Program {n}", currency="USD") for n in range(PROGRAMS))
    trackers = ActionTracker.objects.bulk_create(
        ActionTracker(program=programs[n % PROGRAMS], name=f"Event type {n}") for n in range(EVENT_TYPES)
    )
    partners = Partner.objects.bulk_create(Partner(name=f"Partner {n}", currency="USD") for n in range(PARTNERS))
    networks = MediaSource.objects.bulk_create(MediaSource(name=f"Network {n}") for n in range(NETWORKS))
    began = timezone.now().date() - timedelta(days=365)
    contracts = Contract.objects.bulk_create(
        Contract(partner=partner, program=program, start=began) for partner in partners for program in programs
    )
    ContractTerm.objects.bulk_create(
        ContractTerm(contract=contract, action_tracker=tracker, payout_type="PCT", payout=5)
        for contract in contracts
        for tracker in trackers
        if tracker.program_id == contract.program_id
    )
    postbacks = Postback.objects.bulk_create(
        Postback(
            # The busy one, and some others, belong to networks, which have no contracts.
            media_source=networks[n // 7 % NETWORKS] if n % 7 == 0 else None,
            partner=partners[n % PARTNERS] if n % 7 else None,
            action_tracker=trackers[n % EVENT_TYPES],
            name=f"Postback {n}",
            url=f"https://partner-{n}.example/in{QUERY}",
            paused_at=timezone.now() if n % 80 == 45 else None,
        )
        for n in range(POSTBACKS)
    )
    held = {"held_since": timezone.now(), "probe_at": timezone.now() + timedelta(hours=1), "failures": 9}
    Lane.objects.bulk_create(Lane(postback=postback, **held) for n, postback in enumerate(postbacks) if n % 80 == 5)
    return postbacks


def _told(values: dict[str, Any]) -> None:
    """The roll-ups, the submissions and the changes that operators made."""
    keys = [0, *values["postbacks"]]
    _run({"period": "hour", "steps": 8 * 24, "keys": keys}, _ROLLUPS)
    _run({"period": "minute", "steps": 90, "keys": keys}, _ROLLUPS)
    token, _ = ApiToken.objects.get_or_create(name="Shop", defaults={"token_sha256": "0" * 64})
    _run({"token": token.pk, "count": _SUBMISSIONS, "days": DAYS}, _SUBMITTED)
    _run({"count": _CHANGES, "postbacks": values["postbacks"]}, _AUDITED)


def _run(values: dict[str, Any], *statements: str) -> None:
    """Foreign keys hold by construction and are not checked one by one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0")
        for statement in statements:
            cursor.execute(statement, values)
