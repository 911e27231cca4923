"""Lanes: which postbacks have work, and when. Redis is only the fast path; the rows of the deliveries are the truth.

A lane is one postback's queue. A sorted set holds each lane with work, scored by the time of its next delivery on the
clock of Redis. A `drain` message means "some lane is due": one is enough, so a flag that expires on its own keeps more
from being posted; a drain clears the flag first, then pops. For work due within five minutes, one message is posted
with a countdown to the earliest of it: a timer for the whole set, never one per delivery.

All of this may vanish at any moment: the sweep rebuilds it from the rows every second.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from celery import current_app
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from postbacks.delivery.redis import client

logger = logging.getLogger(__name__)

DRAIN_TASK = "postbacks.tasks.drain"

LANES = "postbacks:lanes"
DRAIN_POSTED = "postbacks:drain-posted"
TIMER_POSTED = "postbacks:timer-posted"

# A drain that was posted and lost (broker flushed, worker killed) is posted again after this long.
DRAIN_POSTED_FOR_MS = 2_000
# Celery keeps countdowns in the worker's memory, and Redis delivers them twice past the visibility timeout. So only
# short ones are posted; the sweep finds the rest when it is nearly due.
LOOK_AHEAD_MS = 300_000
# The sweep lowers a lane's time only if it is this far ahead: a lane that waits for its next slot, at most about a
# second away, is left alone.
SWEEP_PATIENCE_MS = 3_000

# KEYS: lanes, drain flag, timer flag. ARGV: patience (-1 = always lower), 1 to
# post or 0 to only put lanes in, then lane, milliseconds from now, ...
# Returns: milliseconds until a drain is to run, or -1 if none needs to be posted.
_WAKE = f"""
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local patience = tonumber(ARGV[1])
for i = 3, #ARGV, 2 do
  local at = now + tonumber(ARGV[i + 1])
  local current = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]))
  if not current or (at < current and (patience < 0 or current > now + patience)) then
    redis.call('ZADD', KEYS[1], at, ARGV[i])
  end
end
if ARGV[2] == '0' then return -1 end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not head[1] then return -1 end
local wait = tonumber(head[2]) - now
if wait <= 0 then
  if redis.call('SET', KEYS[2], 1, 'NX', 'PX', {DRAIN_POSTED_FOR_MS}) then return 0 end
  return -1
end
if wait > {LOOK_AHEAD_MS} then return -1 end
local posted = tonumber(redis.call('GET', KEYS[3]))
if posted and posted > now and posted <= tonumber(head[2]) then return -1 end
redis.call('SET', KEYS[3], head[2], 'PX', math.ceil(wait) + 1000)
return math.ceil(wait)
"""

# KEYS: lanes. ARGV: how many. Returns the lanes that are due, most overdue first, and takes them out.
_POP = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lanes = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
if #lanes > 0 then redis.call('ZREM', KEYS[1], unpack(lanes)) end
return lanes
"""

_wake_script = client.register_script(_WAKE)
_pop_script = client.register_script(_POP)


def wake(due: Mapping[int, float], *, sweeping: bool = False, post: bool = True) -> None:
    """Adds lanes and posts a drain if one is needed. Never raises: the sweep finds what is not woken now.

    `due` maps postback ids to the seconds until they have work (0 or less: now); if it is empty, the call only checks
    whether a drain must be posted. Without `post`, the caller takes care of the drain.
    """
    arguments: list[int] = [SWEEP_PATIENCE_MS if sweeping else -1, int(post)]
    for postback_id, seconds in due.items():
        arguments += (postback_id, max(0, round(seconds * 1000)))
    try:
        wait_ms = _wake_script(keys=[LANES, DRAIN_POSTED, TIMER_POSTED], args=arguments)
        if wait_ms >= 0:
            _post_drain(wait_ms)
    except (RedisError, BrokerError, OSError) as error:
        logger.warning("Could not wake %d lanes (%s); the sweep will do it.", len(due), error)


def drain_started() -> None:
    """A drain calls this first: from then on, new work posts a new drain. Raises RedisError."""
    client.delete(DRAIN_POSTED)


def hand_over() -> None:
    """For a worker that stops: the messages it has taken are lost with it, so the other workers get a new one.

    Never raises: they find what is not handed over some two seconds later.
    """
    try:
        client.delete(DRAIN_POSTED, TIMER_POSTED)
    except RedisError as error:
        logger.warning("Could not hand over to other workers (%s); the sweep will do it.", error)
    else:
        wake({})


def pop_due(limit: int) -> list[int]:
    """Removes and returns up to `limit` lanes that are due, most overdue first. Raises RedisError."""
    return [int(lane) for lane in _pop_script(keys=[LANES], args=[limit])]


def _post_drain(wait_ms: int) -> None:
    # By name, because the task runs the engine, which imports this module. A process that only records has not loaded
    # the task, so its options are repeated here.
    current_app.send_task(DRAIN_TASK, countdown=wait_ms / 1000, retry=False, ignore_result=True)
