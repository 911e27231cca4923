"""Claims what is due: one statement serves many lanes at once, at a cost that does not grow with the tables.

Rows that another worker is claiming are skipped, not waited for. The statement collects ids into an array and updates
by it: with a join, the planner sometimes read the whole table. It also checks that the lanes are set up as the process
knows them, and says when each has work next, so a single delivery needs no other. Planning would take longer than the
rest, so it is prepared once for each connection.
"""

from __future__ import annotations

import random
import time
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from psycopg2 import extensions

from postbacks.database import as_array
from postbacks.delivery.known_ids import sent_as
from postbacks.delivery.outcomes import Claimed
from postbacks.delivery.prepared import PreparedStatement
from postbacks.delivery.setups import TROUBLED, VERSION
from postbacks.models import Delivery

# Time beyond one request's total timeout: to wait in the sender's queue and to be recorded.
LEASE_MARGIN_SECONDS = 45
RECORDING_MARGIN_SECONDS = 5
LOWER_SHARE = 1 / 5  # The part of a lane's room that is kept for each class below live traffic.

# With room for so many, a claim says where it ended. Smaller ones are no backlog: their order counts for more.
PLACED = 256

Priority = Delivery.Priority
Place = tuple[str, int]
"""A place in the order of a lane's first attempts: when that delivery is due, as PostgreSQL writes it, and its id."""
FIRST_PLACE: Place = ("-infinity", 0)


def _branch(priority: Priority, most: str, *, after: str = "0", where: str = "") -> str:
    # The subquery is needed: FOR UPDATE is not allowed directly in a UNION.
    return f"""SELECT id FROM (
        SELECT d.id FROM postbacks_delivery d
        WHERE d.postback_id = lane.postback_id AND d.priority = {int(priority)} AND d.state = 'ready'
          AND d.due_at <= now() {where}
        ORDER BY d.due_at, d.id LIMIT {most} OFFSET {after} FOR UPDATE SKIP LOCKED
    ) AS locked"""  # noqa: S608 -- made of constants


_KEPT = "least(lane.kept, lane.replays)"  # Of replays.
_REST_OF_REPLAYS = f"least(lane.room, lane.replays) - {_KEPT}"
# Most lanes have first attempts only. Then nothing else is looked for. OFFSET 0, where that is seen, keeps the planner
# from reading what all lanes have.
_OTHERS = "AND lane.others"
_BEHIND = "AND (d.due_at, d.id) > (lane.after_due, lane.after_id)"
# $1 holder, $2 seconds of the lease; of each lane: $3 postback, $4 room, $5 kept for each lower class, $6 room for
# replays, $7 the version of its setup (NULL: any), $8 whether it is probed, $9 and $10 the place behind which its first
# attempts are looked for.
# Live traffic first, then retries, then replays; but `kept` of each lower class come before it, so that none starves.
# What is left of a lower class begins behind what was kept for it.
# A replay is no part of its event's trace, which ended long ago.
# Returns what was claimed, then a row for each lane: whether it is as expected, whether it has failures, and the
# seconds until the next delivery of a later time, and until the first replay, which may be among the claimed; and the
# last first attempt that was claimed, where so many might be.
CLAIM = f"""
WITH lane AS MATERIALIZED (
    SELECT v.postback_id, v.room, v.kept, v.replays, v.after_due, v.after_id, {TROUBLED} AS troubled,
           ({VERSION} = v.version OR v.version IS NULL) AND (l.probe_at IS NULL OR v.probed OR v.version IS NULL)
           AS expected,
           EXISTS (
               SELECT 1 FROM postbacks_delivery d
               WHERE d.postback_id = v.postback_id AND d.priority > {int(Priority.LIVE)} AND d.state = 'ready' OFFSET 0
           ) AS others
    FROM unnest($3, $4, $5, $6, $7, $8, $9, $10)
      AS v (postback_id, room, kept, replays, version, probed, after_due, after_id)
    JOIN postbacks_postback p ON p.id = v.postback_id
    JOIN partners_actiontracker t ON t.id = p.action_tracker_id
    LEFT JOIN postbacks_lane l ON l.postback_id = v.postback_id
), claimed AS (
    UPDATE postbacks_delivery
    SET state = 'sending', owner = $1, lease_until = now() + make_interval(secs => $2)
    WHERE id = ANY (ARRAY(
        SELECT due.id
        FROM lane CROSS JOIN LATERAL (
            {_branch(Priority.RETRY, "lane.kept", where=_OTHERS)}
            UNION ALL {_branch(Priority.REPLAY, _KEPT, where=_OTHERS)}
            UNION ALL {_branch(Priority.LIVE, "lane.room", where=_BEHIND)}
            UNION ALL {_branch(Priority.RETRY, "lane.room", after="lane.kept", where=_OTHERS)}
            UNION ALL {_branch(Priority.REPLAY, _REST_OF_REPLAYS, after=_KEPT, where=_OTHERS)}
            LIMIT lane.room
        ) due
        WHERE lane.expected
    ))
    RETURNING id, postback_id, action_id, event_id, attempts_made, priority, due_at, known_as, known_by, parameters,
        replay_id
)
(SELECT c.id, c.postback_id, c.action_id, c.attempts_made, e.kind, c.priority, {sent_as("c")},
        coalesce(c.parameters, e.parameters)::text, NULL::boolean, NULL::boolean, NULL::float8, NULL::float8,
        CASE WHEN c.replay_id IS NULL THEN e.trace END
FROM claimed c JOIN actions_actionevent e ON e.id = c.event_id
ORDER BY c.priority, c.due_at, c.id)
UNION ALL
SELECT NULL, lane.postback_id, last.id, NULL, NULL, NULL, last.due_at, NULL, lane.expected, lane.troubled, (
    SELECT extract(epoch FROM min(later.due_at) - now())::float8
    FROM (SELECT {int(Priority.LIVE)} AS priority UNION ALL SELECT {int(Priority.RETRY)} WHERE lane.others) AS class
    CROSS JOIN LATERAL (
        SELECT d.due_at FROM postbacks_delivery d
        WHERE d.postback_id = lane.postback_id AND d.priority = class.priority AND d.state = 'ready'
          AND d.due_at > now()
        ORDER BY d.due_at LIMIT 1
    ) later
), (
    SELECT extract(epoch FROM d.due_at - now())::float8 FROM postbacks_delivery d
    WHERE d.postback_id = lane.postback_id AND d.priority = {int(Priority.REPLAY)} AND d.state = 'ready' {_OTHERS}
    ORDER BY d.due_at LIMIT 1
), NULL
FROM lane LEFT JOIN LATERAL (
    SELECT c.due_at::text AS due_at, c.id FROM claimed c
    WHERE c.postback_id = lane.postback_id AND c.priority = {int(Priority.LIVE)} AND lane.room >= {PLACED}
    ORDER BY c.due_at DESC, c.id DESC LIMIT 1
) last ON true
"""  # noqa: S608 -- made of constants
_CLAIM = PreparedStatement(
    "claim",
    "integer, float8, bigint[], integer[], integer[], integer[], text[], boolean[], timestamptz[], bigint[]",
    CLAIM,
)

# How long until each lane's next delivery and next replay are due. Those that others are claiming count: they may come
# back.
NEXT_DUE = """
SELECT lane.postback_id,
       extract(epoch FROM min(next.due_at) FILTER (WHERE class.priority < 2) - now())::float8,
       extract(epoch FROM min(next.due_at) FILTER (WHERE class.priority = 2) - now())::float8
FROM unnest(%s::bigint[]) AS lane (postback_id) CROSS JOIN unnest(%s::smallint[]) AS class (priority)
CROSS JOIN LATERAL (
    SELECT d.due_at FROM postbacks_delivery d
    WHERE d.postback_id = lane.postback_id AND d.priority = class.priority AND d.state = 'ready'
    ORDER BY d.due_at LIMIT 1
) next
GROUP BY lane.postback_id
"""


def claimed_at(claimed: Claimed) -> float:
    """When it was claimed, by the monotonic clock."""
    return claimed.expires - lease_seconds() + RECORDING_MARGIN_SECONDS


def lease_seconds() -> float:
    """How long a claim lasts: longer than any transfer that may still start."""
    return float(settings.POSTBACKS_TOTAL_TIMEOUT) + LEASE_MARGIN_SECONDS


class LaneNow(NamedTuple):
    """A lane as the claim found it.

    `later_seconds`: until its next first attempt or retry that is not due yet. `replay_seconds`: until its first replay
    (0 or less: now), which may have been claimed. Both are None where there is none. `last` is where the first attempts
    that were claimed end, if there was room for PLACED.
    """

    expected: bool  # Set up and healthy as the process knew it; nothing is claimed otherwise.
    troubled: bool
    later_seconds: float | None
    replay_seconds: float | None
    last: Place | None = None


class Taken(NamedTuple):
    """What was claimed, and the lanes that exist."""

    claimed: list[Claimed]
    lanes: dict[int, LaneNow]


def claim(
    cursor: extensions.cursor,
    holder: int,
    room: Mapping[int, int],
    replay_room: int | None = None,
    tenure: int = 0,
    *,
    versions: Mapping[int, str] | None = None,
    probed: Container[int] = (),
    after: Mapping[int, Place] | None = None,
) -> Taken:
    """Claims up to `room[postback id]` due deliveries of each lane: by class, then in the order in which they are due.

    At most `replay_room` of them in all, spread over the lanes, are replays; None means any number. `tenure` is that of
    a moment at which the process was known to hold its lock. With `versions`, nothing is claimed from lanes whose setup
    has another by now, or that are held without being `probed`. First attempts are looked for `after` a lane's place.
    """
    expires = time.monotonic() + lease_seconds() - RECORDING_MARGIN_SECONDS
    lanes = list(room)
    kept = [_kept(most) for most in room.values()]
    replays = list(room.values()) if replay_room is None else _dealt_out(replay_room, len(room))
    known = [versions[lane] if versions else None for lane in lanes]
    _CLAIM.make_known(cursor)
    probes = [lane in probed for lane in lanes]
    places = [(after or {}).get(lane, FIRST_PLACE) for lane in lanes]
    begin = (as_array(f'"{due}"' for due, _ in places), as_array(pk for _, pk in places))
    of_lanes = (lanes, list(room.values()), kept, replays, known, probes, *begin)
    cursor.execute(_CLAIM.execute, (holder, lease_seconds(), *of_lanes))
    taken = Taken([], {})
    for pk, lane, action, made, kind, priority, known_as, values, expected, troubled, later, replay, trace in cursor:
        if pk is None:
            last = None if action is None else (known_as, action)
            taken.lanes[lane] = LaneNow(expected, troubled, later, replay, last)
        else:
            taken.claimed.append(
                Claimed(pk, lane, action, made + 1, kind, priority, known_as, values, expires, tenure, trace)
            )
    return taken


class NextDue(NamedTuple):
    """Seconds until a lane's next delivery is due (0 or less: now), and its next replay; None where there is none."""

    delivery: float | None
    replay: float | None


def next_due(cursor: extensions.cursor, postback_ids: Sequence[int]) -> dict[int, NextDue]:
    """When each lane has work next; lanes with nothing ready are left out."""
    cursor.execute(NEXT_DUE, (list(postback_ids), [int(priority) for priority in Priority]))
    return {lane: NextDue(delivery, replay) for lane, delivery, replay in cursor.fetchall()}


def _dealt_out(replay_room: int, lanes: int) -> list[int]:
    """Deals out as evenly as possible; chance decides which lanes get the remainder."""
    each, rest = divmod(replay_room, lanes)
    dealt = [each + 1] * rest + [each] * (lanes - rest)
    random.shuffle(dealt)
    return dealt


def _kept(room: int) -> int:
    """A fifth, rounded at random: a lane that claims one at a time takes a lower class about every fifth time."""
    share = room * LOWER_SHARE
    return int(share) + (random.random() < share % 1)  # noqa: S311 -- no secret
