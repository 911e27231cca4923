"""Actions whose events follow one another, to many destinations, and what their receiver says of each attempt."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import DatabaseError, InterfaceError, connection, connections

from actions.recording.record import record
from actions.reports.report import parse_report
from benchmarks.receivers import Receiver
from benchmarks.scenarios.rate import most_in_a_second
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Program
from postbacks.models import Postback

LANES = 20
LIMITED = 4  # Of the lanes, with LIMIT as Maximum Requests.
LIMIT = 50
EVENTS = 4  # Of each action: created, then changed.
_QUERY = "?n={ActionId}~{Amount}~{DeliveryId}~{Attempt}"
_DELIVERIES = """
SELECT d.postback_id, e.parameters->>'ActionId', e.parameters->>'Amount' FROM postbacks_delivery d
JOIN actions_actionevent e ON e.id = d.event_id
"""
_log = logging.getLogger(__name__)


class Key(NamedTuple):
    """One event, as one destination hears of it; events of an action have growing amounts."""

    lane: int
    action: str
    amount: str


class Heard(NamedTuple):
    """An attempt that arrived, in seconds of the wall clock."""

    at: float
    key: Key


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the receiver saw, in all."""

    expected: int
    lost: int
    repeated: int
    out_of_order: int  # First arrivals after that of a later event of the same action.
    stale: int  # Repeats after the first arrival of a later event.
    most_in_a_second: int  # Of a limited lane.


class Chains:
    """The configuration of the load, and the reports of it."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.program = Program.objects.create(name="Faults", currency="USD")
        self.tracker = ActionTracker.objects.create(program=self.program, name="sale")
        self._order = 0
        self._heard: list[Heard] = []
        for lane in range(LANES):
            source = MediaSource.objects.create(name=f"lane {lane}")
            Postback.objects.create(
                media_source=source,
                action_tracker=self.tracker,
                name=source.name,
                url=receiver.url(lane) + _QUERY,
                maximum_requests=LIMIT if lane < LIMITED else None,
            )
        self._lanes = dict(Postback.objects.values_list("name", "id"))

    def report(self, actions: int) -> None:
        """Record so many new actions and all their events, with the deliveries of each."""
        first = self._order + 1
        self._order += actions
        orders = [f"F-{number}" for number in range(first, first + actions)]
        for number in range(EVENTS):
            record([parse_report(self._fields(order, number)) for order in orders])

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """An action every tenth of a second while the block lasts; what cannot be recorded is reported again."""
        done = threading.Event()

        def run() -> None:
            while not done.wait(0.1):
                try:
                    self.report(1)
                except (DatabaseError, InterfaceError) as error:
                    _log.info("Not recorded: %s", error)
                    connection.close()
            connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def heard(self) -> list[Heard]:
        """All attempts so far, in the order of their arrival."""
        self._heard += [
            Heard(at, Key(self._lanes[f"lane {path.rsplit('/', 1)[1]}"], *value.split("~")[:2]))
            for at, path, value in self._receiver.new_entries()
        ]
        return self._heard

    def verdict(self, heard: Sequence[Heard]) -> Verdict:
        """Once nothing is unfinished."""
        with connection.cursor() as cursor:
            cursor.execute(_DELIVERIES)
            expected = {Key(*row) for row in cursor.fetchall()}
        times = Counter(each.key for each in heard)
        by_lane: dict[int, list[float]] = defaultdict(list)
        for each in heard:
            by_lane[each.key.lane].append(each.at)
        limited = [self._lanes[f"lane {number}"] for number in range(LIMITED)]
        return Verdict(
            len(expected),
            len(expected - set(times)),
            sum(count - 1 for count in times.values()),
            *_disorder(heard),
            max(most_in_a_second(sorted(by_lane[lane])) for lane in limited),
        )

    def _fields(self, order: str, number: int) -> dict[str, Any]:
        fields = {"ActionTrackerId": self.tracker.pk, "OrderId": order, "Amount": f"{100 + number}.00"}
        if number == 0:
            return {**fields, "CampaignId": self.program.pk, "EventDate": "NOW", "CurrencyCode": "USD"}
        return {**fields, "Event": "modified", "Reason": "ORDER_UPDATE"}


def _disorder(heard: Sequence[Heard]) -> tuple[int, int]:
    """How many first arrivals came after that of a later event, and how many repeats did."""
    latest: dict[tuple[int, str], str] = {}
    first: set[Key] = set()
    out_of_order = stale = 0
    for _, key in heard:
        late = key.amount < latest.get(key[:2], "")
        if key in first:
            stale += late
        else:
            out_of_order += late
            first.add(key)
        latest[key[:2]] = max(key.amount, latest.get(key[:2], ""))
    return out_of_order, stale


def longest_standstill(heard: Sequence[Heard], since: float) -> float:
    """The longest time, in seconds after `since`, in which nothing arrived."""
    times = [since, *(each.at for each in heard if each.at > since)]
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)
