"""Finds deliveries among millions without counting or skipping rows: each page starts at a key of an index.

This is the log by when deliveries were made; `ended` and `attempted` are the log by other times, and `finder_of`
chooses. The filters decide how:

nothing, or only a time   along the primary key
a state or postbacks      the next few from the index `delivery_log` for each state and postback, and the next of those;
                          of many postbacks first those within some ids, and within more if these are too few;
                          unfinished ones, which that index does not hold, come from the index of chains, unless enough
                          of them are nearby
a word, a replay, a       the few deliveries of those events, of that replay, or that failed without an attempt; also by
reason without attempt    when they ended
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models.fields.json import KT

from actions.admin import find_actions
from actions.models import Action, ActionEvent
from partners.ids import MAX_ID, read_id
from postbacks.delivery.known_ids import is_derived
from postbacks.delivery_log.filters import Filters, Time
from postbacks.delivery_log.hits import Hit
from postbacks.delivery_log.moments import id_span
from postbacks.delivery_states import SQL_FINISHED, SQL_UNFINISHED
from postbacks.metrics.reasons import UNSENT
from postbacks.models import Delivery
from stores.replica import reading

NEWEST: Final = MAX_ID  # All ids are below this.
_CLICK_ACTIONS = 1_000  # The most actions found for one click; a real one has a handful.

_OF_LANES = f"""
SELECT d.id FROM unnest(%(finished)s::text[]) AS s (state)
CROSS JOIN unnest(%(postbacks)s::bigint[]) AS p (id)
CROSS JOIN LATERAL (
    SELECT id FROM postbacks_delivery d
    WHERE d.state = s.state AND d.state IN {SQL_FINISHED} AND d.postback_id = p.id AND {{bounds}}
    ORDER BY d.id {{order}} LIMIT %(limit)s
) d
UNION ALL
SELECT d.id FROM (
    SELECT id, state, created_at, action_id, event_id, postback_id, attempts_made FROM postbacks_delivery
    WHERE state IN {SQL_UNFINISHED} AND postback_id = ANY (%(postbacks)s) AND %(gather)s OFFSET 0
) d WHERE d.state = ANY (%(unfinished)s) AND {{bounds}}
"""  # noqa: S608 -- made of constants
# OFFSET 0 keeps the planner from scanning the primary key instead.
_OF_FEW = """
SELECT d.id FROM (SELECT * FROM postbacks_delivery WHERE {few} OFFSET 0) d
WHERE d.state = ANY (%(states)s) AND d.postback_id = ANY (%(postbacks)s) AND {bounds}
"""
_OF_ALL = "SELECT d.id FROM postbacks_delivery d WHERE {bounds}"
# Along the primary key, where matches are dense: among the newest rows, while a backlog grows.
_NEAR = """
SELECT d.id FROM postbacks_delivery d
WHERE {bounds} AND {near} AND d.state = ANY (%(states)s) AND d.postback_id = ANY (%(postbacks)s)
"""
# A postback may have been of another program when the delivery was made.
OF_PROGRAMS: Final = (
    "EXISTS (SELECT 1 FROM actions_action a WHERE a.id = d.action_id AND a.program_id = ANY (%(programs)s))"
)
# Only what has no newer delivery: the opposite would look for a few among millions.
NOT_RESENT: Final = """NOT EXISTS (
    SELECT 1 FROM postbacks_delivery newer
    WHERE newer.event_id = d.event_id AND newer.postback_id = d.postback_id AND newer.id > d.id
)"""
_NEARBY = 20_000  # Ids; takes some milliseconds.
# To take a page's worth from each of thousands of postbacks means a million rows for an export. Within some ids there
# are only as many as match, and a postback that has none there costs microseconds.
_WINDOWS = (20_000, 400_000)
_FEW_LANES = 50  # Postbacks; a page's worth from each of these is read at once.
_NEAR_EDGE = {
    "DESC": "d.id >= least(%(high)s, (SELECT max(id) + 1 FROM postbacks_delivery)) - %(nearby)s",
    "ASC": "d.id < %(low)s + %(nearby)s",
}
# What a receiver has been sent is in the index `delivery_known_by`. What waits for its first attempt no receiver knows
# yet; of it the newest are looked at.
KNOWN_BY: Final = f"""
SELECT id FROM postbacks_delivery d
WHERE get_byte(uuid_send(known_by), 0) >> 3 = get_byte(uuid_send(%(known_by)s::uuid), 0) >> 3
  AND known_by = %(known_by)s::uuid AND attempts_made > 0 AND {is_derived("d")}
UNION
SELECT id FROM (
    SELECT id, known_by FROM postbacks_delivery
    WHERE id > (SELECT max(id) FROM postbacks_delivery) - %(nearby)s AND attempts_made = 0 OFFSET 0
) d WHERE known_by = %(known_by)s::uuid
LIMIT %(limit)s
"""  # noqa: S608 -- made of constants
_SAME_ID = 100  # Deliveries of one event by one postback: the first, and each time it was sent again.
_ORDERED = "SELECT id FROM ({found}) found ORDER BY id {order} LIMIT %(limit)s"
_ANY_ORDER = "SELECT id FROM ({found}) found LIMIT %(limit)s"


@dataclass(slots=True)
class Finder:
    """Finds deliveries of the postbacks that the user may see: without `networks`, only those of partners."""

    asked: Filters
    networks: bool
    _found: str = field(init=False)
    _values: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        asked = self.asked
        states = asked.states or tuple(Delivery.State)
        low, high = id_span(asked.since, asked.until) if asked.time is Time.MADE else (0, None)
        self._values = {
            "low": low,
            "high": NEWEST if high is None else high,
            "since": asked.since,
            "until": asked.until,
            "states": [str(state) for state in states],
            "finished": [str(state) for state in states if state in Delivery.FINISHED],
            "unfinished": [str(state) for state in states if state in Delivery.UNFINISHED],
            "nearby": _NEARBY,
            "programs": sorted(asked.programs or ()),
            "gather": any(state in Delivery.UNFINISHED for state in states),
        }
        self._found = self._how()

    def below(self, high: int, limit: int) -> list[int]:
        """The newest ids below `high`, newest first."""
        return self._ids(_ORDERED, "DESC", limit, high=min(high, self._values["high"]))

    def above(self, low: int, limit: int) -> list[int]:
        """The oldest ids above `low`, newest first."""
        return self._ids(_ORDERED, "ASC", limit, low=max(low + 1, self._values["low"]))[::-1]

    def older(self, key: str | None, limit: int) -> list[Hit]:
        """The newest rows, or those beyond the key of a row; newest first."""
        return [Hit(str(pk), pk) for pk in self.below(NEWEST if key is None else read_id(key) or 0, limit)]

    def newer(self, key: str, limit: int) -> list[Hit]:
        """The rows before the key of a row; newest first."""
        return [Hit(str(pk), pk) for pk in self.above(read_id(key) or 0, limit)]

    def some(self, limit: int) -> list[int]:
        """Up to `limit` ids, in any order; fewer means that these are all."""
        return self._ids(_ANY_ORDER, "DESC", limit)

    def _how(self) -> str:
        asked = self.asked
        few = few_of(asked, self._values)
        if not few and not asked.states and not asked.retrying and not asked.of_some_postbacks and self.networks:
            return _OF_ALL
        self._values["postbacks"] = postbacks_of(asked, networks=self.networks)
        return _OF_FEW.replace("{few}", few) if few else _OF_LANES

    def _ids(self, select: str, order: str, limit: int, **bounds: int) -> list[int]:
        values = self._values | {"limit": limit} | bounds
        if values.get("postbacks") == []:
            return []
        if self._found is _OF_LANES and select is _ORDERED and values["gather"]:
            near = self._run(_NEAR, select, order, values)
            if len(near) == limit:
                return near
        if self._found is _OF_LANES and select is _ORDERED:
            for window in self._windows(order, values):
                near = self._run(self._found, select, order, values | window)
                if len(near) == limit:
                    return near
        return self._run(self._found, select, order, values)

    def _windows(self, order: str, values: dict[str, Any]) -> Iterator[dict[str, int]]:
        """Narrower bounds, next to where the page begins; none where taking a page from each lane is little work."""
        if len(values["postbacks"]) <= _FEW_LANES:
            return
        low, high = values["low"], values["high"]
        if order == "DESC":
            with reading.cursor() as cursor:
                cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM postbacks_delivery")
                high = min(high, cursor.fetchone()[0])
        for width in _WINDOWS:
            if width < high - low:
                yield {"low": high - width} if order == "DESC" else {"high": low + width}

    def _run(self, found: str, select: str, order: str, values: dict[str, Any]) -> list[int]:
        within = ["d.id >= %(low)s", "d.id < %(high)s"]
        at = "created_at" if self.asked.time is Time.MADE else "finished_at"
        if self.asked.since:
            within.append(f"d.{at} >= %(since)s")
        if self.asked.until:
            within.append(f"d.{at} < %(until)s")
        if self.asked.time is not Time.MADE:
            within.append("d.finished_at IS NOT NULL")
        if self.asked.retrying:
            within.append("d.attempts_made > 0")
        if self.asked.not_resent:
            within.append(NOT_RESENT)
        if self.asked.programs is not None:
            within.append(OF_PROGRAMS)
        parts = {"bounds": " AND ".join(within), "order": order, "near": _NEAR_EDGE[order]}
        with reading.cursor() as cursor:
            cursor.execute(select.format(found=found.format(**parts), order=order), values)
            return [pk for (pk,) in cursor.fetchall()]


def postbacks_of(asked: Filters, *, networks: bool) -> list[int]:
    """The ids of the postbacks whose deliveries are wanted, as far as the user may see them."""
    postbacks = asked.postbacks() if networks else asked.postbacks().filter(media_source__isnull=True)
    return list(postbacks.order_by().values_list("pk", flat=True))


def few_of(asked: Filters, values: dict[str, Any]) -> str:
    """The condition that leaves only few deliveries, if there is one; what it compares with is added to the values."""
    conditions = []
    if asked.search:
        values |= {"events": _events_of(asked.search), "own": own_ids(asked.search)}
        conditions.append("(event_id = ANY (%(events)s) OR id = ANY (%(own)s::bigint[]))")
    if asked.replay is not None:
        values["replay"] = asked.replay
        conditions.append("replay_id = %(replay)s")
    if asked.why in UNSENT:
        values["why"] = asked.why
        conditions.append("unsent_why = %(why)s")
    return " AND ".join(conditions)


def own_ids(term: str) -> list[int]:
    """The deliveries that a term names: by their number, or by the id that their receiver knows, which is a UUID."""
    number = read_id(term)
    if number is not None:
        return [number]
    try:
        known_by = UUID(term)
    except ValueError:
        return []
    with reading.cursor() as cursor:
        cursor.execute(KNOWN_BY, {"known_by": str(known_by), "nearby": _NEARBY, "limit": _SAME_ID})
        return [pk for (pk,) in cursor.fetchall()]


def actions_named(term: str) -> set[int]:
    """The actions that a term names: by action id, order id or click id."""
    by_click = Action.objects.alias(click=KT("reported__RefClickId"))
    clicks = by_click.filter(click=term, reported__has_key="RefClickId").order_by("-id")[:_CLICK_ACTIONS]
    return {*find_actions(term), *clicks.values_list("pk", flat=True)}


def _events_of(term: str) -> list[int]:
    rows = ActionEvent.objects.filter(action_id__in=actions_named(term))
    return list(rows.order_by().values_list("pk", flat=True))
