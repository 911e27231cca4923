"""The numbers on the page, read from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings

from operations.asking import Asker
from operations.replica import ReplicaState, replica_state
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import heartbeat, leases
from postbacks.delivery_states import SQL_UNFINISHED
from postbacks.metrics.counters import COLUMNS, TOOK_SUM
from postbacks.metrics.fold import ALL, fold
from postbacks.metrics.read import STALE_AFTER
from postbacks.metrics.tally import Summed, add, added, total
from stores.asking import Rows

SECONDS = 8.0  # For all queries together: less than the 10 s after which Prometheus hangs up.
# Each has its own series; if more are held, the Held screen shows all.
MOST_HELD_NAMED = 100
MOST_BUSY_NAMED = 100

STALE = "SELECT EXISTS (SELECT 1 FROM postbacks_tally WHERE at < date_trunc('minute', now() - %s))"
# What is counted but not in a row yet is added; a counter that is read while it is folded must not go back.
ONE_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT at, counts FROM postbacks_tally"
EVER = f"""
SELECT {", ".join(COLUMNS)}, details FROM postbacks_rollup
WHERE period = 'ever' AND postback_key = %s
"""  # noqa: S608 -- names
BACKLOG = f"""
SELECT state, count(*) FROM postbacks_delivery WHERE state IN {SQL_UNFINISHED} GROUP BY state
"""  # noqa: S608 -- made of constants
# Per postback, so that each is one lookup in the index of the claim, not a scan of all that waits.
OLDEST = """
SELECT coalesce(max(extract(epoch FROM now() - oldest.due_at)), 0)::float FROM postbacks_postback p
LEFT JOIN postbacks_lane l ON l.postback_id = p.id
CROSS JOIN (VALUES (0), (1), (2)) AS each (priority)
CROSS JOIN LATERAL (
    SELECT due_at FROM postbacks_delivery
    WHERE postback_id = p.id AND priority = each.priority AND state = 'ready' ORDER BY due_at LIMIT 1
) oldest
WHERE p.paused_at IS NULL AND p.deleted_at IS NULL AND l.held_since IS NULL AND oldest.due_at < now()
"""
POSTBACKS = """
SELECT CASE WHEN p.paused_at IS NOT NULL THEN 'paused' WHEN l.held_since IS NOT NULL THEN 'held' ELSE 'active' END,
       count(*)
FROM postbacks_postback p LEFT JOIN postbacks_lane l ON l.postback_id = p.id
WHERE p.deleted_at IS NULL GROUP BY 1
"""
HELD = f"""
SELECT p.id, p.name, extract(epoch FROM now() - l.held_since)::float
FROM postbacks_lane l JOIN postbacks_postback p ON p.id = l.postback_id
WHERE l.held_since IS NOT NULL AND p.paused_at IS NULL AND p.deleted_at IS NULL
ORDER BY l.held_since, p.id LIMIT {MOST_HELD_NAMED}
"""  # noqa: S608 -- a constant
# Those with the most attempts in the last 24 whole hours, then the oldest; and what they have done since the beginning.
# The choice changes at the full hour, so that series seldom begin and end, and it is the same in every process.
BUSIEST = f"""
WITH busy AS (
    SELECT postback_key, sum(attempts) AS attempts FROM postbacks_rollup
    WHERE period = 'hour' AND at >= date_trunc('hour', now()) - interval '24 hours' AND at < date_trunc('hour', now())
    GROUP BY postback_key
), chosen AS (
    SELECT p.id, p.name FROM postbacks_postback p LEFT JOIN busy ON busy.postback_key = p.id
    WHERE p.deleted_at IS NULL
    ORDER BY busy.attempts DESC NULLS LAST, p.id LIMIT {MOST_BUSY_NAMED}
)
SELECT c.id, c.name, coalesce(r.attempts, 0), coalesce(r.succeeded, 0), coalesce(r.delivered, 0), coalesce(r.failed, 0),
       coalesce(r.cancelled, 0), coalesce((r.details ->> '{TOOK_SUM}')::bigint, 0)
FROM chosen c LEFT JOIN postbacks_rollup r ON r.period = 'ever' AND r.postback_key = c.id
ORDER BY c.id
"""  # noqa: S608 -- constants
# A sequence counts without reading the table, and keeps counting when old rows are deleted.
GIVEN_IDS = """
SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences
WHERE schemaname = current_schema() AND sequencename IN ('actions_actionevent_id_seq', 'postbacks_delivery_id_seq')
"""
QUEUED = "SELECT count(*) FROM actions_queuedreport"
# The days of the European Central Bank begin in Frankfurt.
RATES = """
SELECT (now() AT TIME ZONE 'Europe/Berlin')::date - max(date),
       (SELECT count(*) FROM partners_heldrate WHERE declined_at IS NULL)
FROM partners_exchangerate WHERE source = 'ecb'
"""
REFUSED = "SELECT count(*) FROM actions_submission WHERE result = 'rejected'"


class Busy(NamedTuple):
    """One of the busiest postbacks: what it has done since the beginning."""

    postback: int
    name: str
    attempts: int
    succeeded: int
    delivered: int
    failed: int
    cancelled: int
    took_us: int


@dataclass(frozen=True, slots=True)
class Readings:
    """Ages are in seconds; None if something has not happened yet."""

    counts: dict[str, int]  # Columns of the roll-up, since the beginning.
    details: dict[str, int]  # Its other counters: see `postbacks.metrics.counters`.
    events: int
    deliveries: int
    refused_reports: int
    backlog: dict[str, int]
    oldest_waiting_seconds: float
    postbacks: dict[str, int]
    held: list[tuple[int, str, float]] = field(default_factory=list)  # Id, name, and for how many seconds.
    busiest: list[Busy] = field(default_factory=list)
    queued_reports: int = 0
    workers: int = 0
    sweep_age: float | None = None
    beat_age: float | None = None
    prune_age: float | None = None
    rates_age_days: int | None = None  # Of fetched exchange rates.
    held_rates: int = 0
    replica: ReplicaState | None = None  # None: there is none.


def read() -> Readings:
    """Reads everything. Raises psycopg2.Error: OperationalError if the database does not answer in time."""
    with Asker(SECONDS) as asker:
        if asker.ask(STALE, [STALE_AFTER])[0][0]:
            fold()  # Beat is down.
        columns, details, busiest = _counted(asker)
        ids: dict[str, int] = _pairs(asker, GIVEN_IDS)
        ((rates_age_days, held_rates),) = asker.ask(RATES)
        ages: dict[str, float] = _pairs(asker, heartbeat.AGES)
        return Readings(
            counts=columns,
            details=details,
            events=ids["actions_actionevent_id_seq"],
            deliveries=ids["postbacks_delivery_id_seq"],
            refused_reports=_number(asker, REFUSED),
            queued_reports=_number(asker, QUEUED),
            backlog=dict.fromkeys(("blocked", "ready", "sending"), 0) | _pairs(asker, BACKLOG),
            oldest_waiting_seconds=asker.ask(OLDEST)[0][0],
            postbacks=dict.fromkeys(("active", "paused", "held"), 0) | _pairs(asker, POSTBACKS),
            held=[(pk, name, age) for pk, name, age in asker.ask(HELD)],
            busiest=busiest,
            workers=_number(asker, leases.LIVING, LEASE_LOCKS),
            sweep_age=ages.get(heartbeat.SWEEP),
            beat_age=ages.get(heartbeat.BEAT),
            prune_age=ages.get(heartbeat.PRUNE),
            rates_age_days=rates_age_days if settings.EXCHANGE_RATES == "ecb" else None,
            held_rates=held_rates,
            replica=replica_state(),
        )


def _counted(asker: Asker) -> tuple[dict[str, int], dict[str, int], list[Busy]]:
    """What was counted since the beginning: of all postbacks, columns and other counters, and of the busiest."""
    waiting = _waiting(asker.ask(ONE_MOMENT))
    rows = asker.ask(EVER, [ALL]) or [(0, 0, 0, 0, 0, {})]
    busiest = [Busy(*row) for row in asker.ask(BUSIEST)]
    asker.ask("COMMIT")
    *columns, details = rows[0]
    counts = total((dict(zip(COLUMNS, columns, strict=True)), details, *waiting.values()))
    of_columns = {name: counts.pop(name) for name in COLUMNS}
    return of_columns, counts, [_with(each, waiting.get(str(each.postback), {})) for each in busiest]


def _waiting(tallies: Rows) -> Summed:
    """The sums of tallies that are in no row yet."""
    waiting: Summed = {}
    for of_minute in added(tallies).values():
        for postback, counts in of_minute.items():
            add(waiting.setdefault(postback, {}), counts)
    return waiting


def _with(busy: Busy, waiting: Mapping[str, int]) -> Busy:
    return busy._replace(**{name: getattr(busy, name) + waiting.get(name, 0) for name in (*COLUMNS, TOOK_SUM)})


def _pairs(asker: Asker, statement: str) -> dict[str, Any]:
    return {name: number for name, number in asker.ask(statement)}  # noqa: C416 -- typed so


def _number(asker: Asker, statement: str, *values: int) -> int:
    return int(asker.ask(statement, values)[0][0])
