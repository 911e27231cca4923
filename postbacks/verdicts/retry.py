"""When a failed delivery is tried again.

The waits are data. They are short at first, when a failure is most often a restart or a lost packet, and add up to
three days, so that a receiver that breaks on a Friday evening can be repaired on Monday.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RETRY_WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=24),
    timedelta(hours=32),
)
MAXIMUM_ATTEMPTS = len(RETRY_WAITS) + 1  # 15, the first one included.

JITTER = 0.1  # Share of the wait; deliveries that failed together do not come back together.

# A maintenance window may take a day. More is a mistake far more often (a date in the wrong year, milliseconds for
# seconds), and would park a delivery out of sight.
LONGEST_RETRY_AFTER = timedelta(hours=24)


def next_delay(
    attempts_made: int,
    retry_after: str | None,
    now: datetime,
    *,
    random_share: Callable[[], float] = random.random,
) -> timedelta | None:
    """How long to wait after `attempts_made` attempts (1 or more), or None: no attempt is left.

    `retry_after` is the header as received (seconds or an HTTP date, RFC 9110 section 10.2.3), `now` an aware time
    that a date counts from, `random_share` gives numbers from 0 up to 1.

    A usable Retry-After is a least wait: up to a tenth is added and nothing taken away, and the schedule's own wait
    stays if it is longer, since an answer of `Retry-After: 0` would otherwise burn all attempts within a second.
    """
    if attempts_made >= MAXIMUM_ATTEMPTS:
        return None
    share = random_share()
    scheduled = RETRY_WAITS[attempts_made - 1] * (1 - JITTER + 2 * JITTER * share)
    asked = _asked_wait(retry_after, now)
    if asked is None:
        return scheduled
    return max(scheduled, min(asked, LONGEST_RETRY_AFTER) * (1 + JITTER * share))


def _asked_wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """The wait that the header asks for; None for a header that is absent or says neither of the two forms."""
    value = (retry_after or "").strip()
    if value.isascii() and value.isdigit():
        digits = value.lstrip("0") or "0"
        # More digits than a timedelta can hold mean "very long" all the same.
        return timedelta(seconds=int(digits)) if len(digits) < 10 else timedelta.max
    try:
        moment = parsedate_to_datetime(value)
        # An HTTP date is in UTC; the oldest of its three forms does not say so.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (IndexError, OverflowError, TypeError, ValueError):
        return None  # Written by a stranger: as good as absent.
