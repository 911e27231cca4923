"""Order per action: of each (postback, action) chain of deliveries only the first unfinished one may be sent.

New deliveries join their chains here, whoever makes them, and what comes free is promoted and woken here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from psycopg2 import extensions

from postbacks.database import as_array, raw_cursor
from postbacks.delivery import ready_queue
from postbacks.delivery_states import SQL_UNDER_WAY, SQL_UNFINISHED
from postbacks.models import Delivery

logger = logging.getLogger(__name__)

Chain = tuple[int, int]  # postback id, action id

# The first blocked delivery of each chain, where nothing before it is unfinished, and nothing behind it is under way: a
# replayed event stands before those that were already waiting. Two promoters at once are harmless: both choose the same
# row, and one that saw an older state finds that the row is no longer blocked.
PROMOTE = f"""
UPDATE postbacks_delivery SET state = 'ready'
WHERE state = 'blocked' AND id = ANY (ARRAY(
    SELECT head.id
    FROM unnest(%s::bigint[], %s::bigint[]) AS chain (postback_id, action_id)
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
))
RETURNING postback_id, extract(epoch FROM due_at - now())::float8
"""  # noqa: S608 -- made of constants

# Chains of which everything that is unfinished is blocked.
STUCK = f"""
SELECT DISTINCT b.postback_id, b.action_id FROM postbacks_delivery b
WHERE b.state = 'blocked' AND NOT EXISTS (
    SELECT 1 FROM postbacks_delivery d
    WHERE d.postback_id = b.postback_id AND d.action_id = b.action_id AND d.state IN {SQL_UNDER_WAY}
)
"""  # noqa: S608 -- as above


class Made(NamedTuple):
    """A delivery that was inserted."""

    delivery_id: int
    postback_id: int
    action_id: int
    event_id: int
    state: str


def insertion(source: str, *, due_at: str, order: str, **columns: str) -> str:
    """The SQL that inserts deliveries at their places in their chains, and returns them as `Made` has them.

    `source` is a FROM item named `v` with the columns postback_id, action_id and event_id, each pair of postback and
    event once. `due_at` and `columns` are expressions over it; `order` is that in which the deliveries take their ids.

    A delivery is ready if it is the first of its chain, and blocked behind one that is unfinished or inserted with it.
    That one may finish before the caller's commit, when whoever finishes it cannot see the new row yet: so
    `promote_and_wake` must follow the commit.
    """
    return f"""
    INSERT INTO postbacks_delivery
        ({", ".join(("postback_id, event_id, action_id, state, due_at, attempts_made, reason", *columns))})
    SELECT v.postback_id, v.event_id, v.action_id,
           CASE WHEN row_number() OVER (PARTITION BY v.postback_id, v.action_id ORDER BY v.event_id) > 1 OR EXISTS (
               SELECT 1 FROM postbacks_delivery d
               WHERE d.postback_id = v.postback_id AND d.action_id = v.action_id AND d.state IN {SQL_UNFINISHED}
           ) THEN 'blocked' ELSE 'ready' END,
           {", ".join((due_at, "0", "''", *columns.values()))}
    FROM {source}
    ORDER BY {order}
    RETURNING id, postback_id, action_id, event_id, state
    """  # noqa: S608 -- made of the constants of its callers


def blocked_among(made: Iterable[Made]) -> list[Chain]:
    """The chains into which deliveries were inserted as blocked."""
    return [(one.postback_id, one.action_id) for one in made if one.state == Delivery.State.BLOCKED]


def promote(cursor: extensions.cursor, chains: Iterable[Chain]) -> dict[int, float]:
    """Makes the first delivery of each chain ready, where it was blocked by one that has finished.

    Returns, per postback that has something ready now, the seconds until the earliest of them is due (0 or less: it is
    due). Runs in a transaction of its own, after the one that finished.
    """
    pairs = sorted(set(chains))
    cursor.execute(PROMOTE, (as_array(postback for postback, _ in pairs), as_array(action for _, action in pairs)))
    return earliest(cursor.fetchall())


def promote_stuck(cursor: extensions.cursor) -> dict[int, float]:
    """Promotes in all chains; for the slow sweep, in case whoever finished a delivery died before it could."""
    cursor.execute(STUCK)
    return promote(cursor, cursor.fetchall())


def promote_and_wake(chains: Iterable[Chain], due: Mapping[int, float] | None = None) -> None:
    """After the commit that inserted or ended deliveries of these chains: lets their first ones go.

    `due` names lanes to be woken in any case, with the seconds until they have work. Nothing here may fail the caller:
    the rows are safe, and the sweep finds what was not promoted or woken.
    """
    times = list((due or {}).items())
    pairs = list(chains)
    if pairs:
        try:
            with raw_cursor() as cursor:
                times += promote(cursor, pairs).items()
        except Exception:
            logger.warning("Could not promote %d chains; the sweep will.", len(pairs), exc_info=True)
    ready_queue.wake(earliest(times))


def earliest(times: Iterable[tuple[int, float]]) -> dict[int, float]:
    """Of (postback id, seconds) pairs the least seconds by postback."""
    due: dict[int, float] = {}
    for postback_id, seconds in times:
        due[postback_id] = min(due.get(postback_id, seconds), seconds)
    return due
