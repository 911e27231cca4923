"""Numbers of the roll-ups, each with the query of the log that shows exactly its rows.

Both come from the same sums and the same window, so a screen that shows a number and its link cannot mix them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from postbacks.metrics.read import Sums
from postbacks.metrics.reasons import UNSENT

ANY_FAILURE: Final = "any"  # As a reason: whatever it was.
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The time that figures cover, `until` exclusive: it begins with a period of the roll-ups, and ends now."""

    since: datetime
    until: datetime

    @property
    def query(self) -> dict[str, str]:
        """As filters of the log. The end is rounded up to what a browser's own field of a time can show."""
        end = self.until + (-timedelta(microseconds=self.until.microsecond) % _MILLISECOND)
        return {"since": _text(self.since), "until": _text(end)}


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of rows of the log, and the query that shows them."""

    count: int
    query: str


def ended(sums: Sums, state: str, window: Window, postback: int | None = None) -> Counted:
    """How many deliveries ended in this state: delivered, failed or cancelled."""
    return Counted(getattr(sums, state), _query({"state": state, "time": "ended"}, window, postback))


def attempts(sums: Sums, window: Window, postback: int | None = None) -> Counted:
    """How many attempts were made."""
    return Counted(sums.attempts, _query({"time": "attempted"}, window, postback))


def failed_attempts(sums: Sums, window: Window, postback: int | None = None) -> Counted:
    """How many attempts failed, for whatever reason."""
    return Counted(sums.failed_attempts, _query({"time": "attempted", "reason": ANY_FAILURE}, window, postback))


def failed_because(sums: Sums, why: str, window: Window, postback: int | None = None) -> Counted:
    """How many attempts failed for this reason; or, of a reason without an attempt, how many deliveries."""
    time = "ended" if why in UNSENT else "attempted"
    return Counted(sums.reasons.get(why, 0), _query({"time": time, "reason": why}, window, postback))


def _query(asked: dict[str, Any], window: Window, postback: int | None) -> str:
    of_one = {} if postback is None else {"postback": postback}
    return urlencode({**asked, **of_one, **window.query})


def _text(at: datetime) -> str:
    """With its zone: the same moment for everybody to whom the address is given."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
