"""Lanes: which postbacks have work, and when. Redis is only the fast path; the rows of the deliveries are the truth.

A lane is one postback's queue. A sorted set holds each lane with work, scored by the time of its next delivery on the
clock of Redis. When a lane is due, one worker process must take it. A process that is awake waits at the *bell*, a list
of Redis, and a wake rings it: no message, and one process comes. If none is awake, one `drain` message of Celery means
"some lane is due"; a flag that expires on its own keeps more from being posted. For work due within five minutes, one
message is posted with a countdown to the earliest of it: a timer for the whole set, never one per delivery.

Lanes that have just had a full turn, and have more, wait for their next in a set of their own. Of what a process takes
at once they get a quarter, and what the others leave. So a backlog in a thousand lanes can be claimed in large turns,
and a lane with a single delivery does not wait until they have all had theirs.

A process may hang just when the bell calls it. So the bell calls a second one, which looks a moment later whether
anybody has come; and whoever wakes a lane meanwhile, the sweep at the latest, posts a message.

All of this may vanish at any moment: the sweep rebuilds it from the rows every second.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping
from typing import Any

from celery import current_app
from redis.exceptions import RedisError

from postbacks.delivery.redis import client

logger = logging.getLogger(__name__)

DRAIN_TASK = "postbacks.tasks.drain"

LANES = "postbacks:lanes"
DEEP = "postbacks:lanes-deep"  # After a full turn: due, by the time when that ended.
DRAIN_POSTED = "postbacks:drain-posted"
TIMER_POSTED = "postbacks:timer-posted"
AWAKE = "postbacks:awake"  # There while some process waits at the bell, or is about to.
BELL = "postbacks:bell"
RUNG = "postbacks:rung"  # When the bell rang; there until somebody has come.
WATCHED = "postbacks:watched"  # There while a second process looks whether anybody comes.

GO, LOOK, STOP = b"go", b"look", b"stop"  # What the bell says.

# A drain that was posted and lost (broker flushed, worker killed) is posted again after this long.
DRAIN_POSTED_FOR_MS = 2_000
# Celery keeps countdowns in the worker's memory. Redis and SQS deliver such a message twice past the visibility timeout
# (10 minutes), SQS counts down for 15 minutes at most, and RabbitMQ closes the channel of a worker that keeps one for
# 30. So only short ones are posted; the sweep finds the rest when it is nearly due.
LOOK_AHEAD_MS = 300_000
# The sweep lowers a lane's time only if it is this far ahead: a lane that waits for its next slot, at most about a
# second away, is left alone.
SWEEP_PATIENCE_MS = 3_000

# The part of what is taken at once that is kept for lanes after a full turn, so that none starves: 1 in so many.
DEEP_SHARE = 4

# A process that waits at the bell says so again each second.
AWAKE_FOR_MS = 3_000
# A process that is awake comes within a few milliseconds, unless it is busy with a large claim.
COMES_WITHIN_MS = 30

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""
# Needs `now`, and the timer flag as KEYS[3]. Milliseconds until a timer that must be posted for a lane that is due at
# `at` is to run, -1 if none must be.
_TIMER = f"""
local function timer(at)
  local wait = at - now
  if wait > {LOOK_AHEAD_MS} then return -1 end
  local posted = tonumber(redis.call('GET', KEYS[3]))
  if posted and posted > now and posted <= at then return -1 end
  redis.call('SET', KEYS[3], at, 'PX', math.ceil(wait) + 1000)
  return math.ceil(wait)
end
"""
# KEYS: lanes, drain flag, timer flag, awake, bell, rung, watched, deep. ARGV: patience (-1 = always lower); 1 to have
# somebody come or 0 to only put lanes in; the deep lanes, in one text; each other lane with the milliseconds until it
# is due, in one text.
# A lane that is among the deep ones already is left there: its claim says when it has work after that.
# Returns: milliseconds until a message is to run, or -1 if none needs to be posted.
_WAKE = f"""
{_NOW}
{_TIMER}
local patience = tonumber(ARGV[1])
for lane in string.gmatch(ARGV[3], '%d+') do
  redis.call('ZREM', KEYS[1], lane)
  redis.call('ZADD', KEYS[8], 'NX', now, lane)
end
local any_deep = redis.call('EXISTS', KEYS[8]) == 1
for lane, wait in string.gmatch(ARGV[4], '(%d+) (%d+)') do
  local at = now + tonumber(wait)
  local current = tonumber(redis.call('ZSCORE', KEYS[1], lane))
  if (not current or (at < current and (patience < 0 or current > now + patience)))
    and not (any_deep and redis.call('ZSCORE', KEYS[8], lane)) then
    redis.call('ZADD', KEYS[1], at, lane)
  end
end
if ARGV[2] == '0' then return -1 end
if not any_deep then
  local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if not head[1] then return -1 end
  local at = tonumber(head[2])
  if at > now then return timer(at) end
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  local rung = tonumber(redis.call('GET', KEYS[6]))
  if not rung then
    redis.call('SET', KEYS[6], now, 'PX', {DRAIN_POSTED_FOR_MS})
    redis.call('RPUSH', KEYS[5], 'go')
    if redis.call('SET', KEYS[7], 1, 'NX', 'PX', {COMES_WITHIN_MS}) then redis.call('RPUSH', KEYS[5], 'look') end
    return -1
  end
  if math.abs(now - rung) < {COMES_WITHIN_MS} then return -1 end
end
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', {DRAIN_POSTED_FOR_MS}) then return 0 end
return -1
"""

# KEYS: as above. ARGV: how many lanes. Takes out the lanes that are due, most overdue first, those after a full turn
# behind the others. From then on, new work rings again. What the bell still says is done with, unless lanes are left.
# Returns: milliseconds until a timer is to run for what is due next, or -1 if none needs to be posted; then the lanes,
# in one text.
_TAKE = f"""
{_NOW}
{_TIMER}
redis.call('DEL', KEYS[2], KEYS[6])
local most = tonumber(ARGV[1])
local deep = redis.call('ZCARD', KEYS[8])
local kept = math.min(deep, math.ceil(most / {DEEP_SHARE}), most - 1)
local lanes = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, most - kept)
if #lanes > 0 then redis.call('ZREM', KEYS[1], unpack(lanes)) end
if deep > 0 and #lanes < most then
  local popped = redis.call('ZPOPMIN', KEYS[8], most - #lanes)
  for i = 1, #popped, 2 do table.insert(lanes, popped[i]) end
end
if #lanes < most then redis.call('DEL', KEYS[5]) end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = -1
if head[1] and tonumber(head[2]) > now then wait = timer(tonumber(head[2])) end
return {{wait, table.concat(lanes, ' ')}}
"""

_KEYS = [LANES, DRAIN_POSTED, TIMER_POSTED, AWAKE, BELL, RUNG, WATCHED, DEEP]
_wake_script = client.register_script(_WAKE)
_take_script = client.register_script(_TAKE)


class NotPostedError(Exception):
    """The broker has not taken a message."""


def wake(due: Mapping[int, float], *, sweeping: bool = False, post: bool = True, deep: Collection[int] = ()) -> None:
    """Adds lanes, and has a process come if one is due. Never raises: the sweep finds what is not woken now.

    `due` maps postback ids to the seconds until they have work (0 or less: now); if it is empty, the call only sees to
    what is there. Without `post`, the caller takes care that somebody comes. `deep` are further lanes, which have more
    work after a full turn.
    """
    # One text of many numbers: the client takes a microsecond or two for each argument.
    waits = " ".join([f"{lane} {max(0, round(seconds * 1000))}" for lane, seconds in due.items()])
    arguments = (SWEEP_PATIENCE_MS if sweeping else -1, int(post), " ".join(map(str, deep)), waits)
    try:
        wait_ms = _wake_script(keys=_KEYS, args=arguments)
        if wait_ms >= 0:
            _post_drain(wait_ms)
    except (RedisError, NotPostedError) as error:
        logger.warning("Could not wake %d lanes (%s); the sweep will do it.", len(due) + len(deep), error)


def take_due(limit: int) -> list[int]:
    """Removes and returns up to `limit` lanes that are due, most overdue first, those after a full turn last. From then
    on, new work is announced again. Posts the timer for what is due soon, if there is none. Raises RedisError."""
    wait_ms, lanes = _take_script(keys=_KEYS, args=[limit])
    if wait_ms >= 0:
        try:
            _post_drain(wait_ms)
        except NotPostedError as error:
            logger.warning("Could not post a timer (%s); the sweep finds what is due then.", error)
    return [int(lane) for lane in lanes.split()]


def listen(own_bell: str, seconds: float) -> bytes | None:
    """Waits at the bell, and at one of this process alone, for so long at most. Returns what it said. Raises
    RedisError."""
    answer: Any = client.blpop([own_bell, BELL], timeout=seconds)
    return None if answer is None else answer[1]


def say_awake() -> None:
    """Tells those who wake lanes that a process waits at the bell; good for AWAKE_FOR_MS. Raises RedisError."""
    client.set(AWAKE, 1, px=AWAKE_FOR_MS)


def has_rung() -> bool:
    """Whether the bell has rung and nobody has come yet. Raises RedisError."""
    return bool(client.exists(RUNG))


def call_own(own_bell: str) -> None:
    """Has the process that has this bell of its own drain. Never raises: the sweep finds what is due."""
    _tell(own_bell, GO)


def call_off(own_bell: str) -> None:
    """Ends `listen` in the process that has this bell of its own. Never raises: it ends by itself soon."""
    _tell(own_bell, STOP)


def _tell(own_bell: str, what: bytes) -> None:
    try:
        with client.pipeline(transaction=False) as both:
            both.rpush(own_bell, what)
            both.pexpire(own_bell, AWAKE_FOR_MS)
            both.execute()
    except (RedisError, OSError) as error:
        logger.warning("Could not reach the bell of this process (%s).", error)


def hand_over() -> None:
    """For a worker that stops: what called it is lost with it, so the other workers get a new message.

    Never raises: they find what is not handed over some two seconds later.
    """
    try:
        client.delete(DRAIN_POSTED, TIMER_POSTED, AWAKE, RUNG)
    except RedisError as error:
        logger.warning("Could not hand over to other workers (%s); the sweep will do it.", error)
    else:
        wake({})


def _post_drain(wait_ms: int) -> None:
    """Raises NotPostedError."""
    seconds = wait_ms / 1000
    if current_app.conf.task_default_queue_type == "quorum":
        seconds = math.ceil(seconds)  # RabbitMQ counts these down, in whole seconds; one that comes early does nothing.
    # By name, because the task runs the engine, which imports this module. A process that only records has not loaded
    # the task, so its options are repeated here.
    try:
        current_app.send_task(DRAIN_TASK, countdown=seconds, retry=False, ignore_result=True)
    except Exception as error:
        raise NotPostedError(str(error) or type(error).__name__) from error  # Each broker has errors of its own.
