"""Order per action: in each (postback, action) chain, only the first unfinished delivery may be sent.

All new deliveries join their chains here, and the next in a chain is promoted and woken here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg2 import extensions

from postbacks.database import as_array, raw_cursor
from postbacks.delivery import ready_queue
from postbacks.delivery.prepared import PreparedStatement
from postbacks.delivery_states import SQL_UNDER_WAY, SQL_UNFINISHED
from postbacks.models import Delivery

logger = logging.getLogger(__name__)

Chain = tuple[int, int]  # postback id, action id

# Takes the first blocked delivery of each chain, if nothing before it is unfinished and nothing behind it is under way:
# a replayed event comes before those that already wait. A row that somebody has locked is not waited for: its chain is
# returned, to be tried again. Two promoters at once are harmless: both choose the same row, and one of them skips it.
PROMOTE = f"""
WITH head AS MATERIALIZED (
    SELECT head.id, chain.postback_id, chain.action_id
    FROM unnest($1, $2) AS chain (postback_id, action_id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.state FROM postbacks_delivery d
        WHERE d.postback_id = chain.postback_id AND d.action_id = chain.action_id
          AND d.state IN {SQL_UNFINISHED}
        ORDER BY d.event_id, d.id LIMIT 1
    ) head
    WHERE head.state = 'blocked' AND NOT EXISTS (
        SELECT 1 FROM postbacks_delivery d
        WHERE d.postback_id = chain.postback_id AND d.action_id = chain.action_id AND d.state IN {SQL_UNDER_WAY}
    )
), free AS MATERIALIZED (
    SELECT id FROM postbacks_delivery WHERE id = ANY (ARRAY(SELECT id FROM head)) AND state = 'blocked'
    FOR NO KEY UPDATE SKIP LOCKED
), promoted AS (
    UPDATE postbacks_delivery SET state = 'ready' WHERE id = ANY (ARRAY(SELECT id FROM free))
    RETURNING postback_id, extract(epoch FROM due_at - now())::float8 AS seconds
)
SELECT postback_id, NULL::bigint, seconds FROM promoted
UNION ALL
SELECT postback_id, action_id, NULL FROM head WHERE id <> ALL (ARRAY(SELECT id FROM free))
"""  # noqa: S608 -- made of constants
_PROMOTE = PreparedStatement("promote", "bigint[], bigint[]", PROMOTE)
_PROMOTE_ONCE = PROMOTE.replace("$1", "%(postbacks)s::bigint[]").replace("$2", "%(actions)s::bigint[]")

# Of the lanes $1, those in which something is blocked. Most have nothing, so their chains need not be looked at.
CHAINED = PreparedStatement(
    "chained",
    "bigint[]",
    """
    SELECT lane.postback_id FROM unnest($1) AS lane (postback_id)
    WHERE EXISTS (
        SELECT 1 FROM postbacks_delivery d WHERE d.postback_id = lane.postback_id AND d.state = 'blocked' OFFSET 0
    )
    """,
)

# Chains in which every unfinished delivery is blocked.
STUCK = f"""
SELECT DISTINCT b.postback_id, b.action_id FROM postbacks_delivery b
WHERE b.state = 'blocked' AND NOT EXISTS (
    SELECT 1 FROM postbacks_delivery d
    WHERE d.postback_id = b.postback_id AND d.action_id = b.action_id AND d.state IN {SQL_UNDER_WAY}
)
"""  # noqa: S608 -- as above


# Says in the transaction that this process judges conditions. What is inserted without that is put aside by a trigger:
# a process of the previous release would send what conditions exclude.
_JUDGES = "(SELECT set_config('postbacks.judges', 'conditions', true)) AS judges"


class Made(NamedTuple):
    """A delivery that was inserted."""

    delivery_id: int
    postback_id: int
    action_id: int
    event_id: int
    state: str


# Ready if it is the first of its chain, and blocked behind one that is unfinished or inserted with it.
_PLACE = f"""
    CASE WHEN row_number() OVER (PARTITION BY v.postback_id, v.action_id ORDER BY v.event_id) > 1 OR EXISTS (
        SELECT 1 FROM postbacks_delivery d
        WHERE d.postback_id = v.postback_id AND d.action_id = v.action_id AND d.state IN {SQL_UNFINISHED}
    ) THEN 'blocked' ELSE 'ready' END
"""  # noqa: S608 -- made of constants


def insertion(
    source: str, *, due_at: str, order: str, known_by: str, state: str = _PLACE, told: bool = True, **columns: str
) -> str:
    """The SQL that inserts deliveries at their places in their chains, and returns the columns of `Made` if `told`.

    `source` is a FROM item named `v` with the columns postback_id, action_id and event_id; it holds each pair of
    postback and event once. `due_at`, `known_by` and `columns` are expressions over it; `order` gives the order of
    the ids. So is `state`, where the caller knows it: of an action that nobody else can see, by `places`.

    A delivery is ready if it is the first of its chain, and blocked behind one that is unfinished or inserted with it.
    That one may finish before the caller commits, when the worker that finishes it cannot see the new row yet, so
    `promote_and_wake` must follow the commit.
    """
    return f"""
    INSERT INTO postbacks_delivery
        ({", ".join(("postback_id, event_id, action_id, state, due_at, attempts_made, reason, known_by", *columns))})
    SELECT v.postback_id, v.event_id, v.action_id, {state},
           {", ".join((due_at, "0", "''", known_by, *columns.values()))}
    FROM {source} CROSS JOIN {_JUDGES}
    ORDER BY {order}
    {"RETURNING id, postback_id, action_id, event_id, state" if told else ""}
    """  # noqa: S608 -- made of the constants of its callers


def places(chains: Iterable[Chain]) -> list[str]:
    """The states of the only deliveries of new actions, given the chain of each in the order of their events."""
    ready, blocked = str(Delivery.State.READY), str(Delivery.State.BLOCKED)
    seen: set[Chain] = set()
    states = []
    for chain in chains:
        states.append(blocked if chain in seen else ready)
        seen.add(chain)
    return states


def blocked_among(made: Iterable[Made]) -> list[Chain]:
    """The chains in which a delivery was inserted as blocked."""
    return [(one.postback_id, one.action_id) for one in made if one.state == Delivery.State.BLOCKED]


class Promoted(NamedTuple):
    """`due` has the seconds until the earliest promoted delivery is due (0 or less: now), by postback; `locked` are the
    chains whose first delivery somebody has locked."""

    due: dict[int, float]
    locked: list[Chain]


def promote(cursor: extensions.cursor, chains: Iterable[Chain], *, often: bool = False) -> Promoted:
    """Makes the first delivery of each chain ready if the one that blocked it has finished.

    Runs in its own transaction, after the one that finished the delivery in front. `often`: the connection is the
    engine's and in no transaction, and does this all the time, so the statement is worth preparing.
    """
    pairs = sorted(set(chains))
    postbacks, actions = as_array(postback for postback, _ in pairs), as_array(action for _, action in pairs)
    if often:
        _PROMOTE.make_known(cursor)
        cursor.execute(_PROMOTE.execute, (postbacks, actions))
    else:
        cursor.execute(_PROMOTE_ONCE, {"postbacks": postbacks, "actions": actions})
    rows = cursor.fetchall()
    due = earliest((postback, seconds) for postback, action, seconds in rows if action is None)
    return Promoted(due, [(postback, action) for postback, action, _ in rows if action is not None])


def promote_stuck(cursor: extensions.cursor) -> dict[int, float]:
    """Promotes in all chains; for the slow sweep, in case a worker died between finishing a delivery and promoting."""
    cursor.execute(STUCK)
    return promote(cursor, cursor.fetchall()).due


def promote_and_wake(chains: Iterable[Chain], due: Mapping[int, float] | None = None) -> None:
    """Promotes the first deliveries of these chains and wakes their lanes; call it after the commit that changed them.

    `due` names lanes to wake in any case, with the seconds until they have work. Never raises: the rows are safe, and
    the sweep finds what was not promoted or woken.
    """
    times = list((due or {}).items())
    pairs = list(chains)
    if pairs:
        try:
            with raw_cursor() as cursor:
                times += promote(cursor, pairs).due.items()
        except Exception:
            logger.warning("Could not promote %d chains; the sweep will do it.", len(pairs), exc_info=True)
    ready_queue.wake(earliest(times))


def earliest(times: Iterable[tuple[int, float]]) -> dict[int, float]:
    """The least seconds by postback, from (postback id, seconds) pairs."""
    due: dict[int, float] = {}
    for postback_id, seconds in times:
        due[postback_id] = min(due.get(postback_id, seconds), seconds)
    return due
