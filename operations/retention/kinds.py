"""What to delete, by kind, as SQL statements.

`look` takes `after`, `most` and `before` and returns the next rows after the id `after`, in the order of ids, as
(id, verdict). Verdicts: `goes`; `stays`; `young`, which ends the search for this night, because ids rise with time; and
`held`, for rows to check again each night. `prune` takes the `ids` that go, the lowest and the highest of them, and
`before`; it skips locked rows.

Lookups per row are written `(SELECT 1 … LIMIT 1) IS NOT NULL`: the planner may turn an `EXISTS` in an expression into a
scan of a whole table for each batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions.reports.parameters import PARAMETERS, is_personal
from postbacks.delivery_states import SQL_UNFINISHED
from postbacks.partitions.compaction import BLANK

PERSONAL = [name for name in PARAMETERS if is_personal(name)]
NOT_PERSONAL = [name for name in PARAMETERS if not is_personal(name)]


@dataclass(frozen=True, slots=True)
class RetainedKind:
    """One kind of rows. With `remembers`, rows stay and progress is stored; without it, each night starts anew."""

    name: str
    described: str
    look: str
    prune: str
    remembers: bool = False
    look_again: str = ""  # Like `look`, for the rows that were kept back.


# The lines of a batch come after it and refer to it, so they are deleted with it.
SUBMISSIONS = RetainedKind(
    "submissions",
    "submissions and batches of the API",
    look="""
    SELECT id, CASE WHEN received_at >= %(before)s THEN 'young' ELSE 'goes' END
    FROM actions_submission WHERE id > %(after)s ORDER BY id LIMIT %(most)s
    """,
    prune="""
    WITH chosen AS (
        SELECT id FROM actions_submission WHERE id = ANY (%(ids)s::bigint[]) FOR UPDATE SKIP LOCKED
    ), keys AS (
        SELECT id FROM actions_idempotencykey WHERE submission_id = ANY (ARRAY(SELECT id FROM chosen))
    ), parts AS (
        DELETE FROM actions_batchpart WHERE key_id = ANY (ARRAY(SELECT id FROM keys))
    ), gone AS (
        DELETE FROM actions_idempotencykey WHERE id = ANY (ARRAY(SELECT id FROM keys))
    ), lines AS (
        DELETE FROM actions_submission
        WHERE batch_id = ANY (ARRAY(SELECT id FROM chosen)) AND id <> ALL (ARRAY(SELECT id FROM chosen))
        RETURNING id
    ), early AS (
        DELETE FROM actions_earlychange
        WHERE submission_id = ANY (ARRAY(SELECT id FROM chosen UNION ALL SELECT id FROM lines))
    )
    DELETE FROM actions_submission WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    """,
)

# Of old partitions, `postbacks.partitions.compaction` has deleted them already, and the rows need not be written again.
TEXTS = RetainedKind(
    "texts",
    "texts of requests and answers",
    remembers=True,
    look="""
    SELECT id, CASE WHEN started_at >= %(before)s THEN 'young' ELSE 'goes' END
    FROM postbacks_attempt WHERE id > %(after)s ORDER BY id LIMIT %(most)s
    """,
    prune=f"""
    UPDATE postbacks_attempt SET {", ".join(f"{name} = {value}" for name, value in BLANK.items())}
    WHERE id = ANY (%(ids)s::bigint[])
      AND ({" OR ".join(f"{name} <> {value}" for name, value in BLANK.items())})
    """,  # noqa: S608 -- made of constants
)

_EVENT_VERDICT = f"""
    SELECT e.id, CASE
        WHEN e.recorded_at >= %(before)s THEN 'young'
        WHEN (
            SELECT 1 FROM postbacks_delivery d
            WHERE d.event_id = e.id AND d.state IN {SQL_UNFINISHED} LIMIT 1
        ) IS NOT NULL OR (
            SELECT 1 FROM postbacks_replayitem i
            WHERE i.action_id = e.action_id
              AND i.replay_id = ANY (ARRAY(SELECT id FROM postbacks_replay WHERE state <> 'finished')) LIMIT 1
        ) IS NOT NULL THEN 'held'
        ELSE 'goes' END
"""  # noqa: S608 -- made of constants
# An event goes by its own age, its action with the latest event; after that no replay can need it.
PERSONAL_DATA = RetainedKind(
    "personal",
    "events with their personal data",
    remembers=True,
    look=f"""
    {_EVENT_VERDICT}
    FROM actions_actionevent e WHERE e.id > %(after)s ORDER BY e.id LIMIT %(most)s
    """,
    look_again=f"""
    {_EVENT_VERDICT}
    FROM postbacks_keptback k JOIN actions_actionevent e ON e.id = k.row_id
    WHERE k.kind = 'personal' AND k.row_id > %(after)s ORDER BY k.row_id LIMIT %(most)s
    """,
    prune=f"""
    WITH done AS (
        SELECT DISTINCT e.action_id FROM actions_actionevent e
        WHERE e.id = ANY (%(ids)s::bigint[]) AND (
            SELECT max(each.recorded_at) FROM actions_actionevent each WHERE each.action_id = e.action_id
        ) < %(before)s
    ), free AS (
        SELECT id FROM actions_action WHERE id = ANY (ARRAY(SELECT action_id FROM done))
        FOR NO KEY UPDATE SKIP LOCKED
    ), of_actions AS (
        UPDATE actions_action a SET reported = (
            SELECT coalesce(jsonb_object_agg(each.key, each.value), '{{}}')
            FROM jsonb_each(a.reported) each WHERE each.key = ANY (%(not_personal)s)
        )
        WHERE a.id = ANY (ARRAY(SELECT id FROM free)) AND a.reported - %(not_personal)s <> '{{}}'
    ), of_deliveries AS (
        UPDATE postbacks_delivery d SET parameters = d.parameters - %(personal)s
        FROM actions_actionevent e
        WHERE e.action_id = ANY (ARRAY(SELECT action_id FROM done)) AND d.event_id = e.id
          AND d.state NOT IN {SQL_UNFINISHED} AND d.parameters ?| %(personal)s
    )
    UPDATE actions_actionevent SET parameters = parameters - %(personal)s
    WHERE id = ANY (%(ids)s::bigint[]) AND parameters ?| %(personal)s
    """,  # noqa: S608 -- as above
)

# From `waits_from` on, the attempts will be dropped in partitions one of these nights; so long the deliveries wait.
DELIVERIES = RetainedKind(
    "deliveries",
    "ended deliveries with their attempts",
    look=f"""
    SELECT id, CASE
        WHEN created_at >= %(before)s OR id >= %(waits_from)s THEN 'young'
        WHEN state NOT IN {SQL_UNFINISHED} AND finished_at < %(before)s THEN 'goes'
        ELSE 'stays' END
    FROM postbacks_delivery WHERE id > %(after)s ORDER BY id LIMIT %(most)s
    """,  # noqa: S608 -- as above
    prune="""
    WITH chosen AS (
        SELECT id FROM postbacks_delivery WHERE id = ANY (%(ids)s::bigint[]) FOR UPDATE SKIP LOCKED
    ), attempts AS (
        DELETE FROM postbacks_attempt
        WHERE delivery_id = ANY (ARRAY(SELECT id FROM chosen))
          AND delivery_id BETWEEN %(low)s AND %(high)s  -- So only the partitions that have them are looked into.
    )
    DELETE FROM postbacks_delivery WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    """,
)

_ACTION_IS_NEEDED = """
    (
        SELECT 1 FROM actions_actionevent e JOIN postbacks_delivery d ON d.event_id = e.id
        WHERE e.action_id = a.id LIMIT 1
    ) IS NOT NULL OR (
        SELECT 1 FROM postbacks_replayitem i
        WHERE i.action_id = a.id
          AND i.replay_id = ANY (ARRAY(SELECT id FROM postbacks_replay WHERE state <> 'finished')) LIMIT 1
    ) IS NOT NULL
"""
# Only actions that can no longer change, and whose order id is free again after the window of the event type.
ACTIONS = RetainedKind(
    "actions",
    "actions with their items and events",
    look=f"""
    SELECT a.id, CASE
        WHEN a.created_at >= %(before)s THEN 'young'
        WHEN (a.status <> 'REVERSED' AND a.cleared_at IS NULL)
            OR a.event_date + make_interval(days => t.dedup_window_days) >= %(before)s
            OR (SELECT max(e.recorded_at) FROM actions_actionevent e WHERE e.action_id = a.id) >= %(before)s
            OR {_ACTION_IS_NEEDED} THEN 'stays'
        ELSE 'goes' END
    FROM actions_action a JOIN partners_actiontracker t ON t.id = a.action_tracker_id
    WHERE a.id > %(after)s ORDER BY a.id LIMIT %(most)s
    """,  # noqa: S608 -- made of constants
    prune=f"""
    WITH chosen AS (
        SELECT a.id FROM actions_action a
        WHERE a.id = ANY (%(ids)s::bigint[]) AND NOT ({_ACTION_IS_NEEDED}) FOR UPDATE SKIP LOCKED
    ), items AS (
        DELETE FROM actions_item WHERE action_id = ANY (ARRAY(SELECT id FROM chosen))
    ), events AS (
        DELETE FROM actions_actionevent WHERE action_id = ANY (ARRAY(SELECT id FROM chosen))
    )
    DELETE FROM actions_action WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    """,  # noqa: S608 -- made of constants
)

LEFT_OVER = (
    """
    DELETE FROM django_session WHERE session_key = ANY (ARRAY(
        SELECT session_key FROM django_session WHERE expire_date < now() LIMIT %(most)s
    ))
    """,
    # They lock a user out for minutes, and contain addresses.
    """
    WITH chosen AS (
        SELECT id FROM axes_accessattempt WHERE attempt_time < now() - interval '30 days' LIMIT %(most)s
    ), expirations AS (
        DELETE FROM axes_accessattemptexpiration WHERE access_attempt_id = ANY (ARRAY(SELECT id FROM chosen))
    )
    DELETE FROM axes_accessattempt WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    """,
    # What operators have been told; the keys of notices keep it from being told again for a day.
    """
    DELETE FROM notices_notice WHERE id = ANY (ARRAY(
        SELECT id FROM notices_notice WHERE at < now() - interval '30 days' LIMIT %(most)s
    ))
    """,
    """
    DELETE FROM notices_message WHERE id = ANY (ARRAY(
        SELECT m.id FROM notices_message m
        WHERE m.ended_at < now() - interval '30 days'
          AND NOT EXISTS (SELECT 1 FROM notices_notice n WHERE n.message_id = m.id)
        LIMIT %(most)s
    ))
    """,
    # Abandoned imports; a later import deletes completed ones. A part quotes what it refused.
    """
    WITH chosen AS (
        SELECT id FROM actions_importrun WHERE started_at < now() - interval '30 days' LIMIT 1
    ), parts AS (
        DELETE FROM actions_importpart WHERE run_id = ANY (ARRAY(SELECT id FROM chosen))
    )
    DELETE FROM actions_importrun WHERE id = ANY (ARRAY(SELECT id FROM chosen))
    """,
)
"""What sessions, sign-ins and imports leave behind. Each statement is repeated until it finds nothing."""

KINDS = (SUBMISSIONS, TEXTS, PERSONAL_DATA, DELIVERIES, ACTIONS)
"""In this order: actions go after their deliveries."""
