"""Who has written a moment ago, kept in Redis for all web processes, so that nobody reads an older state than that.

A mark is the position of the primary after the write, or OPEN where the write goes on after its answer: the reader then
asks the primary where it is. A mark is kept until no replica that is used can lack the write. Where Redis has lost its
marks, or a mark could not be written, all marks are open for as long.
"""

from __future__ import annotations

import time
from enum import Enum, auto
from typing import Any, Final

from django.conf import settings
from django.utils.crypto import salted_hmac
from redis import Redis

from stores.patience import ask

_MARK: Final = "postbacks:wrote:"
_EVERYONE: Final = f"{_MARK}everyone"
_RUN: Final = "postbacks:wrote-run"  # Which run of Redis the marks are of.
_TROUBLE: Final = "postbacks:replica-trouble"
_FALLBACKS: Final = "postbacks:replica-fallbacks"
_TROUBLE_KEPT_SECONDS: Final = 3600
_OPEN: Final = b"open"
# Beside the lag that is allowed: the age of what a process knows of the replica, and then some.
_SPARE_SECONDS: Final = 30

# KEYS: the run, everyone's mark, the reader's mark. ARGV: seconds that a mark is kept.
_FIND: Final = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
if redis.call('GET', KEYS[1]) ~= run then
  redis.call('SET', KEYS[1], run)
  redis.call('SET', KEYS[2], 'open', 'EX', ARGV[1])
end
return redis.call('GET', KEYS[2]) or redis.call('GET', KEYS[3])
"""


class Mark(Enum):
    OPEN = auto()
    UNKNOWN = auto()  # Redis is away.


OPEN, UNKNOWN = Mark.OPEN, Mark.UNKNOWN


class _Owed:
    """Whether a mark could not be written: then all are to be open once Redis is back."""

    marks = False


def who(credential: str) -> str:
    """What stands for the session or the token in Redis, which is to know neither."""
    return salted_hmac("stores.replica.marks", credential, algorithm="sha256").hexdigest()


def kept_seconds() -> int:
    return int(settings.DATABASE_REPLICA_MAX_LAG_SECONDS) + _SPARE_SECONDS


def note(writer: str, position: int | Mark) -> None:
    """The writer has written, up to this position of the primary. Never raises."""
    value = position if isinstance(position, int) else _OPEN
    if not ask(lambda redis: bool(redis.set(f"{_MARK}{writer}", value, ex=kept_seconds()))):
        _Owed.marks = True


def find(reader: str) -> int | Mark | None:
    """What the reader's replica must have replayed; None if the reader has not written."""

    def found(redis: Redis) -> tuple[bytes | None]:
        # An open mark of all first: this process could not write one.
        if _Owed.marks:
            redis.set(_EVERYONE, _OPEN, ex=kept_seconds())
            _Owed.marks = False
        return (redis.eval(_FIND, 3, _RUN, _EVERYONE, f"{_MARK}{reader}", kept_seconds()),)

    answer = ask(found)
    if answer is None:
        return UNKNOWN
    (mark,) = answer
    if mark is None:
        return None
    return OPEN if mark == _OPEN else int(mark)


def settle() -> None:
    """Makes up for a mark that could not be written, once Redis is back. Never raises."""
    if _Owed.marks and ask(lambda redis: bool(redis.set(_EVERYONE, _OPEN, ex=kept_seconds()))):
        _Owed.marks = False


def tell_trouble(said: str) -> None:
    """For the doctor: why a web process does not use the replica. Never raises."""
    ask(lambda redis: redis.set(_TROUBLE, f"{time.time():.0f} {said}"[:500], ex=_TROUBLE_KEPT_SECONDS))


def count_fallback() -> None:
    """One more read that the primary repeated. Never raises."""
    ask(lambda redis: redis.incr(_FALLBACKS))


def told(redis: Redis) -> tuple[int, float, str]:
    """How many reads the primary has repeated since Redis was emptied; and for how many seconds the last trouble has
    been over, with what was said, infinite and empty without one. Raises RedisError."""
    fallbacks: Any = redis.get(_FALLBACKS)
    trouble: Any = redis.get(_TROUBLE)
    at, _, said = (trouble or b"").decode(errors="replace").partition(" ")
    return int(fallbacks or 0), (time.time() - float(at) if at else float("inf")), said
