"""The log by when deliveries ended: the next few from the index `delivery_ended` for each state and postback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from partners.ids import read_id
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import NOT_RESENT, OF_PROGRAMS, postbacks_of
from postbacks.delivery_log.hits import Hit
from postbacks.delivery_states import FINISHED, SQL_FINISHED
from stores.replica import reading

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# As in `find`: of many postbacks, first what ended within some time of where the page begins.
_WINDOWS: Final = (timedelta(minutes=10), timedelta(hours=3), timedelta(days=2))
_FEW_LANES: Final = 50

_FOUND = f"""
SELECT d.finished_at, d.id FROM unnest(%(states)s::text[]) AS s (state)
CROSS JOIN unnest(%(postbacks)s::bigint[]) AS p (id)
CROSS JOIN LATERAL (
    SELECT finished_at, id FROM postbacks_delivery d
    WHERE d.state = s.state AND d.state IN {SQL_FINISHED} AND d.postback_id = p.id AND {{bounds}}
    ORDER BY d.finished_at {{order}}, d.id {{order}} LIMIT %(limit)s
) d ORDER BY 1 {{order}}, 2 {{order}} LIMIT %(limit)s
"""  # noqa: S608 -- made of constants


@dataclass(slots=True)
class EndedFinder:
    """Finds deliveries by when they ended, of the postbacks that the user may see."""

    asked: Filters
    networks: bool
    _values: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        asked = self.asked
        self._values = {
            "states": [state for state in asked.states or FINISHED if state in FINISHED],
            "postbacks": postbacks_of(asked, networks=self.networks),
            "programs": sorted(asked.programs or ()),
            "since": asked.since,
            "until": asked.until,
        }

    def older(self, key: str | None, limit: int) -> list[Hit]:
        return self._found("DESC", limit, key)

    def newer(self, key: str, limit: int) -> list[Hit]:
        return self._found("ASC", limit, key)[::-1]

    def some(self, limit: int) -> list[int]:
        return [hit.delivery for hit in self._found("DESC", limit)]

    def _found(self, order: str, limit: int, key: str | None = None) -> list[Hit]:
        within = ["d.finished_at IS NOT NULL"]
        if self.asked.programs is not None:
            within.append(OF_PROGRAMS)
        if self.asked.not_resent:
            within.append(NOT_RESENT)
        values = self._values | {"limit": limit}
        edge = self.asked.until if order == "DESC" else self.asked.since
        if key is not None:
            within.append(f"(d.finished_at, d.id) {'<' if order == 'DESC' else '>'} (%(at)s, %(pk)s)")
            values["at"], values["pk"] = _read(key)
            edge = values["at"]
        for window in self._windows(order, edge):
            near = self._run(within, order, values | window)
            if len(near) == limit:
                return near
        return self._run(within, order, values)

    def _windows(self, order: str, edge: datetime | None) -> Iterator[dict[str, datetime]]:
        """Narrower bounds, next to where the page begins; none where taking a page from each lane is little work."""
        if len(self._values["postbacks"]) <= _FEW_LANES or (edge is None and order == "ASC"):
            return
        now = timezone.now()
        begin = now if edge is None else min(edge, now) if order == "DESC" else edge
        since, until = self.asked.since or _EPOCH, self.asked.until or now
        for width in _WINDOWS:
            if order == "DESC" and begin - since > width:
                yield {"since": begin - width}
            elif order == "ASC" and until - begin > width:
                yield {"until": begin + width}

    def _run(self, within: list[str], order: str, values: dict[str, Any]) -> list[Hit]:
        given = [("since", "d.finished_at >= %(since)s"), ("until", "d.finished_at < %(until)s")]
        bounds = [*within, *(bound for name, bound in given if values[name] is not None)]
        with reading.cursor() as cursor:
            cursor.execute(_FOUND.format(bounds=" AND ".join(bounds), order=order), values)
            return [Hit(f"{(at - _EPOCH) // _MICROSECOND}.{pk}", pk) for at, pk in cursor.fetchall()]


def _read(key: str) -> tuple[datetime, int]:
    """The time and the id of a key; the beginning of time for one that somebody made up."""
    at, _, pk = key.partition(".")
    try:
        return _EPOCH + (read_id(at) or 0) * _MICROSECOND, read_id(pk) or 0
    except OverflowError:
        return _EPOCH, 0
