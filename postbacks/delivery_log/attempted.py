"""The log by attempts: one row for each, the latest recorded first. Their ids rise with that time.

nothing                    along the primary key
a reason, a status         the next few from the index of that reason, or of each status of its class
some postbacks             the next few from the index of each one's attempts, or of its failures
a word, a replay           the attempts of those few deliveries
a time when they were      where these are few, the attempts of the deliveries of that time; they may have been made
made, with an end          long after it, so the other ways would begin far from them

Attempts of before version 0.1.0 say neither of which postback they are nor when they were recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from partners.ids import MAX_ID, read_id
from postbacks.delivery_log.counted import ANY_FAILURE
from postbacks.delivery_log.filters import Filters, Time
from postbacks.delivery_log.find import NOT_RESENT, OF_PROGRAMS, few_of, postbacks_of
from postbacks.delivery_log.hits import Hit
from postbacks.delivery_log.moments import ATTEMPTS, id_span
from postbacks.metrics.reasons import LABELS
from stores.replica import reading

_MOST_LANES = 200  # More postbacks than these are compared along another index.
_LATE = timedelta(days=1)  # By which a process that was cut off may record an attempt after its delivery has ended.
_FEW_IDS = 50_000  # Deliveries; to read their attempts takes some tens of milliseconds.
_OK = 200  # Nearly all answers are; the index of the others is small.

_ONE = "SELECT a.id, a.delivery_id FROM postbacks_attempt a {join} WHERE {bounds} ORDER BY a.id {order} LIMIT %(limit)s"
_OF_EACH = "SELECT a.id, a.delivery_id FROM unnest(%(keys)s::{kind}[]) AS k (key) CROSS JOIN LATERAL ({one}) a"
_OF_FEW = """
SELECT a.id, a.delivery_id FROM (SELECT id AS few_id FROM postbacks_delivery WHERE {few} OFFSET 0) f
JOIN postbacks_attempt a ON a.delivery_id = f.few_id {join} WHERE {bounds}
"""
# Along the index of `delivery_id`. OFFSET 0 keeps the planner from another one, whose entries it would visit in vain.
_OF_SPAN = """
SELECT a.id, a.delivery_id FROM (
    SELECT * FROM postbacks_attempt WHERE delivery_id >= %(first)s AND delivery_id < %(beyond)s OFFSET 0
) a {join} WHERE {bounds}
"""
_JOIN = "JOIN postbacks_delivery d ON d.id = a.delivery_id"
_PAGE = "SELECT id, delivery_id FROM ({found}) found ORDER BY id {order} LIMIT %(limit)s"
_SOME = "SELECT DISTINCT delivery_id FROM ({found}) found LIMIT %(most)s"
_FAILED: Final = "NOT a.succeeded"  # As in the indexes of failures.


@dataclass(slots=True)
class AttemptFinder:
    """Finds attempts, of the postbacks that the user may see."""

    asked: Filters
    networks: bool
    _values: dict[str, Any] = field(init=False)
    _found: str = field(init=False)
    _bounds: list[str] = field(init=False)
    _of_deliveries: list[str] = field(init=False)

    def __post_init__(self) -> None:
        asked = self.asked
        by_attempt = asked.time is Time.ATTEMPTED
        low, high = id_span(*_reach(asked), ATTEMPTS)
        self._values = {
            "low": low,
            "high": MAX_ID if high is None else high,
            "since": asked.since,
            "until": asked.until,
            "why": asked.why,
            "states": list(asked.states),
            "programs": sorted(asked.programs or ()),
        }
        self._bounds = ["a.id >= %(low)s", "a.id < %(high)s"]
        self._of_deliveries = []
        at = {Time.MADE: "d.created_at", Time.ENDED: "d.finished_at", Time.ATTEMPTED: "a.recorded_at"}[asked.time]
        timed = self._bounds if by_attempt else self._of_deliveries
        if asked.since:
            timed.append(f"{at} >= %(since)s")
        if asked.until:
            timed.append(f"{at} < %(until)s")
        if asked.states:
            self._of_deliveries.append("d.state = ANY (%(states)s)")
        if asked.retrying:
            self._of_deliveries.append("d.attempts_made > 0")
        if asked.programs is not None:
            self._of_deliveries.append(OF_PROGRAMS)
        if asked.not_resent:
            self._of_deliveries.append(NOT_RESENT)
        self._found = self._how()

    def older(self, key: str | None, limit: int) -> list[Hit]:
        high = self._values["high"] if key is None else min(read_id(key) or 0, self._values["high"])
        return self._page("DESC", limit, high=high)

    def newer(self, key: str, limit: int) -> list[Hit]:
        return self._page("ASC", limit, low=max((read_id(key) or 0) + 1, self._values["low"]))[::-1]

    def some(self, limit: int) -> list[int]:
        return [pk for (pk,) in self._run(_SOME, "DESC", {"limit": None, "most": limit})]

    def _how(self) -> str:
        """How the attempts are found; adds the conditions that the way itself does not see to."""
        asked, values, bounds = self.asked, self._values, self._bounds
        if asked.why:
            bounds.append(_FAILED)
        if asked.statuses:
            values["lowest"], values["highest"] = asked.statuses
        few = few_of(asked, values)
        span = self._span()
        lanes: list[int] | None = None
        if asked.of_some_postbacks or not self.networks:
            lanes = values["postbacks"] = postbacks_of(asked, networks=self.networks)
        by_status = asked.statuses is not None and not asked.statuses[0] <= _OK <= asked.statuses[1]
        if not few and span is not None and span < _FEW_IDS:
            why = asked.why not in ("", ANY_FAILURE)
            return self._rest(_OF_SPAN, lanes, why=why, statuses=asked.statuses is not None)
        if not few and lanes is not None and len(lanes) <= _MOST_LANES and (asked.why or not by_status):
            values["keys"] = lanes
            bounds.append("a.postback_id = k.key")
            lanes, way = None, _OF_EACH.replace("{kind}", "bigint")
        elif few:
            way = _OF_FEW.replace("{few}", few)
        elif asked.why:
            values["keys"] = list(LABELS) if asked.why == ANY_FAILURE else [asked.why]
            bounds.append("a.why = k.key")
            return self._rest(_OF_EACH.replace("{kind}", "text"), lanes, why=False, statuses=asked.statuses is not None)
        elif by_status and asked.statuses is not None:
            values["keys"] = list(range(asked.statuses[0], asked.statuses[1] + 1))
            bounds += ["a.status = k.key", "(a.status < 200 OR a.status > 200)"]  # As in the index.
            return self._rest(_OF_EACH.replace("{kind}", "smallint"), lanes, why=False, statuses=False)
        else:
            way = _ONE
        return self._rest(way, lanes, why=asked.why not in ("", ANY_FAILURE), statuses=asked.statuses is not None)

    def _span(self) -> int | None:
        """How many ids the deliveries of the asked time have at most; None if it is another time, or has no end.

        The bounds are those of the attempts' own column, so that an attempt outside of them is left out unjoined.
        """
        if self.asked.time is not Time.MADE or self.asked.until is None:
            return None
        first, beyond = id_span(self.asked.since, self.asked.until)
        self._values |= {"first": first, "beyond": MAX_ID if beyond is None else beyond}
        self._bounds += ["a.delivery_id >= %(first)s", "a.delivery_id < %(beyond)s"]
        return int(self._values["beyond"]) - first

    def _rest(self, way: str, lanes: list[int] | None, *, why: bool, statuses: bool) -> str:
        if why:
            self._bounds.append("a.why = %(why)s")
        if statuses:
            self._bounds.append("a.status BETWEEN %(lowest)s AND %(highest)s")
        if lanes is not None:
            # An expression, so that the planner stays with the index of the way.
            self._bounds.append("a.postback_id + 0 = ANY (%(postbacks)s)")
        return way

    def _page(self, order: str, limit: int, **edge: int) -> list[Hit]:
        return [Hit(str(pk), delivery, pk) for pk, delivery in self._run(_PAGE, order, {"limit": limit, **edge})]

    def _run(self, select: str, order: str, given: dict[str, Any]) -> list[Any]:
        parts = {
            "join": _JOIN if self._of_deliveries else "",
            "bounds": " AND ".join([*self._bounds, *self._of_deliveries]),
            "order": order,
        }
        found = self._found.replace("{one}", _ONE).format(**parts)
        with reading.cursor() as cursor:
            cursor.execute(select.format(found=found, order=order), self._values | given)
            return list(cursor.fetchall())


def _reach(asked: Filters) -> tuple[datetime | None, datetime | None]:
    """The time within which the attempts were recorded: after their delivery was made, and before it ended, though
    perhaps long before."""
    if asked.time is Time.ATTEMPTED:
        return asked.since, asked.until
    if asked.time is Time.MADE:
        return asked.since, None
    return None, None if asked.until is None else asked.until + _LATE
