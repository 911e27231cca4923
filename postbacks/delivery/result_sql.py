"""The recorder's statements: one batch of outcomes into the database, in one transaction.

Every write is fenced: a delivery changes only while this owner still holds it for this attempt. If the same batch is
written twice, as after a connection lost during a commit, the second time changes nothing. An attempt for a delivery
that another process has taken over meanwhile is kept, as an overlap. A row that somebody has locked is not waited for.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2 import extensions
from psycopg2.extras import execute_values

from postbacks.database import as_array
from postbacks.delivery import overlaps
from postbacks.delivery.attempt_rows import COLUMNS, Row, attempt_row, clean, copy_line, without_text
from postbacks.delivery.batch_tally import tally
from postbacks.delivery.chains import CHAINED
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Released, Retry
from postbacks.delivery.prepared import PreparedStatement
from postbacks.metrics.tally import APPEND, as_text

# The owner is compared in a way that the index of the leases cannot serve: using it, the planner would compare every
# row of the batch with every delivery that this process holds. Only a delivery that is being sent has an owner.
# $1 the reasons that occur; of each delivery: $2 id, $3 state, $4 seconds until it is due again, $5 and $6 attempts
# before and now, $7 the place of its reason; $8 the owner.
FINISH = """
UPDATE postbacks_delivery d
SET state = (ARRAY['delivered', 'ready', 'failed'])[f.state],
    priority = CASE WHEN f.delay_seconds IS NULL THEN d.priority ELSE greatest(d.priority, 1) END,
    due_at = CASE WHEN f.delay_seconds IS NULL THEN d.due_at ELSE now() + make_interval(secs => f.delay_seconds) END,
    attempts_made = f.attempts_made,
    finished_at = CASE WHEN f.state = 2 THEN NULL ELSE now() END,
    reason = coalesce($1[f.reason], d.reason),
    unsent_why = CASE WHEN f.state = 3 AND f.attempts_made = f.attempts_before THEN 'unbuildable' ELSE d.unsent_why END,
    known_as = CASE WHEN d.known_by IS NOT NULL AND d.attempts_made = 0 AND f.attempts_made > 0
                    THEN coalesce(d.known_as, d.id) ELSE d.known_as END,
    owner = NULL,
    lease_until = NULL
FROM unnest($2, $3, $4, $5, $6, $7) AS f (id, state, delay_seconds, attempts_before, attempts_made, reason)
WHERE d.id = f.id AND d.owner IS NOT DISTINCT FROM $8 AND d.attempts_made = f.attempts_before
RETURNING d.id,
    CASE WHEN f.state <> 2 THEN extract(epoch FROM now() - d.due_at)::float8 END
"""
_FINISH = PreparedStatement(
    "finish", "text[], bigint[], smallint[], float8[], smallint[], smallint[], integer[], integer", FINISH
)

# What somebody else has locked is missing here. What does not exist any more is missing too, but is not locked.
FREE = "SELECT id FROM postbacks_delivery WHERE id = ANY (%s) FOR NO KEY UPDATE SKIP LOCKED"
EXISTING = "SELECT id FROM postbacks_delivery WHERE id = ANY (%s)"

_STATES: dict[type[Outcome], int] = {Delivered: 1, Retry: 2, Released: 2, GaveUp: 3}  # Positions in FINISH's array.
# So few attempts go in one message with the tally and COMMIT; COPY takes two of its own. Of outcomes that come one by
# one, a message costs more than what is in it.
FEW = 8
# From the database; ValueError comes from psycopg2, for text that it cannot encode.
_REFUSALS = (psycopg2.DataError, psycopg2.IntegrityError, ValueError)
_COPY = f"COPY postbacks_attempt ({', '.join(COLUMNS)}) FROM STDIN"
_INSERT = f"""
INSERT INTO postbacks_attempt ({", ".join(COLUMNS)}) VALUES %s ON CONFLICT DO NOTHING RETURNING delivery_id
"""  # noqa: S608 -- names
_ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
_INSERT_FEW = [
    f"INSERT INTO postbacks_attempt ({', '.join(COLUMNS)}) VALUES {', '.join([_ROW] * number)}"  # noqa: S608 -- names
    for number in range(FEW + 1)
]  # By the number of rows.


class Written(NamedTuple):
    """`locked` are those that could not be written because somebody has locked their deliveries. `chained` are the
    lanes of deliveries that have finished in which something is blocked, as seen after the commit."""

    locked: list[Judged]
    chained: set[int]


def write(connection: extensions.connection, holder: int, batch: Sequence[Judged], *, careful: bool = False) -> Written:
    """Writes the batch, except what somebody has locked.

    A row that the database refuses is found by halving, and written without its texts. `careful`: looks for locked rows
    first; otherwise only if the connection's lock_timeout ends the wait for one.

    Raises another psycopg2.Error if the server is unreachable or in trouble: each part was written completely or not at
    all, and the whole batch may be written again.
    """
    try:
        return _write(connection, holder, batch, careful=careful)
    except psycopg2.errors.LockNotAvailable:
        if careful:
            raise  # It is no row of a delivery that is locked.
        return _write(connection, holder, batch, careful=True)


def _write(connection: extensions.connection, holder: int, batch: Sequence[Judged], *, careful: bool) -> Written:
    rows = [attempt_row(judged) for judged in batch if judged.sent is not None]
    try:
        try:
            return _write_once(connection, holder, batch, rows, careful=careful)
        except psycopg2.errors.UniqueViolation:
            # Another process has recorded an attempt of the same number.
            return _write_once(connection, holder, batch, rows, copy=False, careful=careful)
    except _REFUSALS:
        if len(batch) > 1:
            middle = len(batch) // 2
            first = _write(connection, holder, batch[:middle], careful=careful)
            second = _write(connection, holder, batch[middle:], careful=careful)
            return Written(first.locked + second.locked, first.chained | second.chained)
        return _write_refused(connection, holder, batch, rows, careful=careful)


def _write_refused(
    connection: extensions.connection, holder: int, batch: Sequence[Judged], rows: Sequence[Row], *, careful: bool
) -> Written:
    bare = [without_text(row) for row in rows]
    try:
        return _write_once(connection, holder, batch, bare, copy=False, careful=careful)
    except _REFUSALS:
        # The attempt cannot be stored: the row of its delivery is gone.
        return write_outcomes(connection, holder, batch, careful=careful)


def write_outcomes(
    connection: extensions.connection, holder: int, batch: Sequence[Judged], *, careful: bool = False
) -> Written:
    """As `write`, but only what becomes of the deliveries, without any attempt."""
    return _write_once(connection, holder, batch, [], careful=careful)


def _write_once(
    connection: extensions.connection,
    holder: int,
    batch: Sequence[Judged],
    attempts: Sequence[Row],
    *,
    copy: bool = True,
    careful: bool = False,
) -> Written:
    locked: list[Judged] = []
    with connection.cursor() as cursor:
        _FINISH.make_known(cursor)
        CHAINED.make_known(cursor)
        try:
            if careful:
                cursor.execute("BEGIN")
                busy = _locked(cursor, [judged.claimed.delivery_id for judged in batch])
                locked = [judged for judged in batch if judged.claimed.delivery_id in busy]
                batch = [judged for judged in batch if judged.claimed.delivery_id not in busy]
                attempts = [row for row in attempts if row[0] not in busy]
            changed = _finish(cursor, holder, batch, begin="" if careful else "BEGIN;")
            recorded, last = _record(cursor, batch, attempts, changed, copy=copy) if attempts else ([], [])
            counts = tally(batch, changed, recorded)
            if counts:
                last.append(cursor.mogrify(APPEND, (as_text(counts),)))
            last.append(b"COMMIT")
            lanes = {judged.claimed.postback_id for judged in batch if isinstance(judged.outcome, Delivered | GaveUp)}
            if lanes:
                # After the commit: an insertion during this transaction still sees these deliveries as unfinished.
                last.append(cursor.mogrify(CHAINED.execute, (as_array(lanes),)))
            cursor.execute(b";".join(last))
            chained = {lane for (lane,) in cursor.fetchall()} if lanes else set()
        except BaseException:
            if not connection.closed:
                cursor.execute("ROLLBACK")
            raise
    return Written(locked, chained)


def _locked(cursor: extensions.cursor, ids: list[int]) -> set[int]:
    """Locks these deliveries, except those that somebody else has locked; returns the latter."""
    cursor.execute(FREE, (ids,))
    free = {pk for (pk,) in cursor.fetchall()}
    if len(free) == len(ids):
        return set()
    cursor.execute(EXISTING, (ids,))
    return {pk for (pk,) in cursor.fetchall()} - free


def _record(
    cursor: extensions.cursor,
    batch: Sequence[Judged],
    attempts: Sequence[Row],
    changed: Mapping[int, object],
    *,
    copy: bool,
) -> tuple[list[Judged], list[bytes]]:
    """Writes the attempts; returns those of the batch that had not been recorded before, and statements that are left.

    `changed` are the deliveries that this process still held for these attempts. `copy`: none of theirs can be there.
    """
    attempted = [judged for judged in batch if judged.sent is not None]
    ours = [row for row in attempts if row[0] in changed]
    others = [row for row in attempts if row[0] not in changed]
    new = {row[0] for row in ours}
    left = []
    if not copy:
        new = {pk for (pk,) in execute_values(cursor, _INSERT, ours, fetch=True)} if ours else set()
        others += [row for row in ours if row[0] not in new]
    elif len(ours) > FEW:
        # Encoded here: if psycopg2 failed to encode while it reads, that would look like a server in trouble.
        cursor.copy_expert(_COPY, io.BytesIO("".join(map(copy_line, ours)).encode()))
    elif ours:
        left.append(cursor.mogrify(_INSERT_FEW[len(ours)], [value for row in ours for value in row]))
    new |= {row[0] for row in others if overlaps.keep(cursor, row)}
    return [judged for judged in attempted if judged.claimed.delivery_id in new], left


def _finish(cursor: extensions.cursor, holder: int, batch: Sequence[Judged], *, begin: str) -> dict[int, float | None]:
    """Changes the deliveries that are still ours; returns them, a finished one with its lag in seconds. `begin` goes
    in front of the statement."""
    places: dict[str, int] = {}  # The position of each reason; most are the same few.
    of_each = [
        "NULL"
        if isinstance(judged.outcome, Released)
        else places.setdefault(clean(judged.outcome.reason), len(places) + 1)
        for judged in batch
    ]
    cursor.execute(
        begin + _FINISH.execute,
        (
            list(places),
            as_array([judged.claimed.delivery_id for judged in batch]),
            as_array([_STATES[type(judged.outcome)] for judged in batch]),
            as_array(
                [judged.outcome.delay_seconds if isinstance(judged.outcome, Retry) else "NULL" for judged in batch]
            ),
            as_array([judged.claimed.attempt - 1 for judged in batch]),
            as_array([judged.claimed.attempt - (judged.sent is None) for judged in batch]),
            as_array(of_each),
            holder,
        ),
    )
    return dict(cursor.fetchall())
