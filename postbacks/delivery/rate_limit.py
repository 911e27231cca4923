"""Maximum Requests: slots with send times, which Redis grants to all workers together.

A token bucket of size one in its generic-cell-rate form: the state of a lane is one number, the time of its next free
slot. Slots are `SPACING / limit` apart. There is no burst and no catching up: a slot that was not taken is gone.
Slots are granted at most `HORIZON_MS` ahead, each with its own time, so that a batch leaves evenly paced.

If Redis loses its data, or restarts with slightly older data, slots granted before may still be in use, up to the
horizon ahead. So the script notes when this run of the server first granted slots (the epoch), and no lane gets a slot
before epoch + horizon + one slot.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from postbacks.delivery.redis import client
from postbacks.delivery.remote_clock import RemoteClock

HORIZON_MS = 1_000
# A receiver counts arrivals, which jitter by some 40 ms against departures. With slots exactly 1 / limit apart and a
# limit of 50, it counted 51 requests in a second; a gap of 4 % avoids that and still uses 96 % of the limit.
SPACING = 1.04
# So 40 ms lie between a limit and one request too many. This is for departures; the rest is for the way.
LATE_SECONDS = 0.035

EPOCH = "postbacks:rate:epoch"
_LANE = "postbacks:rate:lane:"

# KEYS: epoch, then the states of the lanes. ARGV: horizon, then each lane's interval and how many slots are wanted
# (in ms; 0 wanted = only look). Returns for each lane: slots granted (or, looking, available), ms until the first;
# and last, Redis's time in ms.
_RESERVE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local horizon = tonumber(ARGV[1])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local noted, since = string.match(redis.call('GET', KEYS[1]) or '', '(%w+) ([%d.]+)')
local epoch = tonumber(since)
if noted ~= run or not epoch then
  epoch = now
  redis.call('SET', KEYS[1], run .. ' ' .. string.format('%.3f', now))
end
local answer = {}
for i = 2, #KEYS do
  local interval = tonumber(ARGV[i * 2 - 2])
  local wanted = tonumber(ARGV[i * 2 - 1])
  local free = tonumber(redis.call('GET', KEYS[i])) or 0
  local first = math.max(now, free, epoch + horizon + interval)
  local available = 0
  if first <= now + horizon then available = math.floor((now + horizon - first) / interval) + 1 end
  if wanted > 0 then
    available = math.min(available, wanted)
    if available > 0 then
      local next_free = first + available * interval
      redis.call('SET', KEYS[i], string.format('%.3f', next_free), 'PX', math.ceil(next_free - now) + 60000)
    end
  end
  answer[#answer + 1] = available
  answer[#answer + 1] = string.format('%.3f', first - now)
end
answer[#answer + 1] = string.format('%.3f', now)
return answer
"""

# A slot may be misplaced by this much before Redis is asked again.
DOUBT_SECONDS = 0.01
TIMES_ASKED = 3

_script = client.register_script(_RESERVE)
_clock = RemoteClock()


class Window(NamedTuple):
    """When a request may leave, on the monotonic clock: from its slot on, and not later, because it would crowd those
    of the next second."""

    opens: float
    closes: float


@dataclass(frozen=True, slots=True)
class Slots:
    """`count` slots, the first `first_seconds` after they were granted, the others `interval_seconds` apart.

    They were granted at `granted_at`, a moment of the monotonic clock, however late the answer came. `doubt_seconds`
    says by how much that may be wrong.
    """

    count: int
    first_seconds: float
    interval_seconds: float
    granted_at: float
    doubt_seconds: float

    def windows(self) -> list[Window]:
        """When the requests may leave. Twice the doubt is taken from each: this slot may lie too late, and another
        process's too early. Where Redis is so far away that the doubt stays large, requests leave all the same."""
        late = LATE_SECONDS - 2 * min(self.doubt_seconds, DOUBT_SECONDS)
        first = self.granted_at + self.first_seconds
        slots = [first + number * self.interval_seconds for number in range(self.count)]
        return [Window(slot, slot + late) for slot in slots]


def look(limits: Sequence[tuple[int, int]]) -> list[Slots]:
    """How many slots could be granted now, for (postback id, limit per second) pairs. Raises RedisError."""
    return _ask([(lane, limit, 0) for lane, limit in limits]) if limits else []


def reserve(lane: int, limit: int, wanted: int) -> Slots:
    """Takes up to `wanted` slots; `count` says how many were granted. Raises RedisError."""
    return _ask([(lane, limit, wanted)])[0]


def _ask(questions: Sequence[tuple[int, int, int]]) -> list[Slots]:
    intervals_ms = [1000 * SPACING / limit for _, limit, _ in questions]
    arguments: list[float] = [HORIZON_MS]
    for interval_ms, (_, _, wanted) in zip(intervals_ms, questions, strict=True):
        arguments += (interval_ms, wanted)
    asked = time.monotonic()
    answer = _script(keys=[EPOCH, *(f"{_LANE}{lane}" for lane, _, _ in questions)], args=arguments)
    granted_at = _here(asked, float(answer[-1]) / 1000)
    doubt = _clock.doubt(time.monotonic())
    return [
        Slots(int(answer[2 * i]), float(answer[2 * i + 1]) / 1000, interval_ms / 1000, granted_at, doubt)
        for i, interval_ms in enumerate(intervals_ms)
    ]


def _here(asked: float, redis_now: float) -> float:
    """When this was on our clock. After an answer that came late, and as long as none came soon, Redis is asked for
    the time; where every answer is late, the best of them has to do."""
    now = time.monotonic()
    _clock.note(asked, now, redis_now)
    for _ in range(TIMES_ASKED):
        if _clock.doubt(now) <= DOUBT_SECONDS:
            break
        asked = time.monotonic()
        seconds, microseconds = client.time()
        now = time.monotonic()
        _clock.note(asked, now, seconds + microseconds / 1e6)
    return _clock.here(redis_now, now)
