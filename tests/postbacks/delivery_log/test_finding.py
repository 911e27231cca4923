"""The log by other times, by status and by reason finds what a plain query finds, in its order, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from postbacks.delivery_log import attempted, ended, find
from postbacks.delivery_log.counted import ANY_FAILURE
from postbacks.delivery_log.filters import Filters, Time
from postbacks.delivery_log.finder_of import finder_of, lists_attempts
from postbacks.metrics.reasons import UNSENT
from postbacks.models import Attempt, Delivery, Postback
from tests.support.delivery_rows import make_lane
from tests.support.log_rows import make_attempt, make_finished, quiet_event

pytestmark = pytest.mark.django_db

START = timezone.now() - timedelta(days=3)
STATES = (Delivery.State.DELIVERED, Delivery.State.FAILED, Delivery.State.CANCELLED, Delivery.State.READY)
STATUSES = (200, 503, 404, None, 204, 500)


@pytest.fixture
def network(postback: Postback) -> Postback:
    """A network's postback. Both have deliveries in all states, with one to three attempts."""
    network = make_lane()
    for number in range(120):
        owner = network if number % 3 == 0 else postback
        event = quiet_event(postback) if number < 3 else Delivery.objects.earliest("pk").event
        state = STATES[number % 4]
        ended = None if state == Delivery.State.READY else START + timedelta(minutes=10 * ((number * 7) % 120))
        made = make_finished(
            owner, state, event, created_at=START + timedelta(minutes=10 * number), finished_at=ended, attempts_made=0
        )
        if number % 11 == 0 and state == Delivery.State.FAILED:
            made.unsent_why = UNSENT[number % 2]
        else:
            made.attempts_made = number % 3
            for tried in range(number % 3):
                status = STATUSES[(number + tried) % 6]
                make_attempt(
                    made,
                    tried + 1,
                    status=status,
                    succeeded=status in (200, 204),
                    recorded_at=made.created_at + timedelta(minutes=tried),
                )
        made.save()
    return network


def asked_of(postback: Postback, network: Postback) -> list[Filters]:
    at, later = START + timedelta(minutes=300), START + timedelta(minutes=700)
    return [
        Filters(time=Time.ENDED),
        Filters(time=Time.ENDED, states=("failed",)),
        Filters(time=Time.ENDED, since=at, until=later),
        Filters(time=Time.ENDED, partner=postback.partner, states=("delivered", "cancelled"), since=at),
        Filters(time=Time.ENDED, postback=network.pk, until=later),
        Filters(time=Time.ENDED, program=postback.action_tracker.program),
        Filters(time=Time.ENDED, search=str(Delivery.objects.latest("pk").pk - 1)),
        Filters(retrying=True, states=("ready",)),
        Filters(why=UNSENT[1]),
        Filters(why=UNSENT[1], time=Time.ENDED, since=at),
        Filters(time=Time.ATTEMPTED),
        Filters(time=Time.ATTEMPTED, since=at, until=later),
        Filters(time=Time.ATTEMPTED, postback=postback.pk),
        Filters(time=Time.ATTEMPTED, states=("ready",), retrying=True),
        Filters(why=ANY_FAILURE),
        Filters(why=ANY_FAILURE, postback=network.pk, time=Time.ATTEMPTED, since=at),
        Filters(why="status_5xx"),
        Filters(why="status_5xx", statuses=(503, 503)),
        Filters(why="status_4xx", partner=postback.partner, states=("failed",), time=Time.ENDED, until=later),
        Filters(why="status_4xx", event_type=postback.action_tracker, since=at),
        Filters(statuses=(500, 599)),
        Filters(statuses=(404, 404), postback=network.pk),
        Filters(statuses=(204, 204), time=Time.ATTEMPTED, until=later),
        Filters(statuses=(200, 299)),
        Filters(statuses=(200, 200), postback=postback.pk, since=at, until=later),
        Filters(statuses=(300, 399)),
        Filters(statuses=(500, 500), why=UNSENT[0]),
    ]


def test_each_way_finds_what_a_plain_query_finds(postback: Postback, network: Postback) -> None:
    for asked in asked_of(postback, network):
        for networks in (True, False):
            wanted = _plainly(asked, networks)
            finding = finder_of(asked, networks=networks)
            found = finding.older(None, 1000)

            assert [hit.attempt or hit.delivery for hit in found] == wanted, asked
            assert sorted(finding.some(1000)) == sorted({hit.delivery for hit in found}), asked
            if len(found) > 12:
                assert finding.older(found[5].key, 4) == found[6:10], asked
                assert finding.newer(found[6].key, 4) == found[2:6], asked


def test_many_postbacks_are_read_within_windows(
    postback: Postback, network: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    for way, narrow in ((find, (8, 30)), (ended, (timedelta(minutes=45), timedelta(hours=3)))):
        monkeypatch.setattr(way, "_FEW_LANES", 0)
        monkeypatch.setattr(way, "_WINDOWS", narrow)
    for asked in (*asked_of(postback, network), Filters(states=("failed",)), Filters(states=("ready", "failed"))):
        wanted = _plainly(asked, networks=True)
        finding = finder_of(asked, networks=True)
        assert [hit.attempt or hit.delivery for hit in finding.older(None, 1000)] == wanted, asked
        pages = [finding.older(None, 3)]
        while pages[-1]:
            pages.append(finding.older(pages[-1][-1].key, 3))
        assert [hit.attempt or hit.delivery for page in pages for hit in page] == wanted, asked


def test_attempts_of_deliveries_made_within_a_time_are_found_either_way(
    postback: Postback, network: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, later = START + timedelta(minutes=300), START + timedelta(minutes=700)
    for few in (0, 10**6):
        monkeypatch.setattr(attempted, "_FEW_IDS", few)
        for asked in (
            Filters(statuses=(400, 599), since=at, until=later),
            Filters(why=ANY_FAILURE, until=later),
            Filters(why="status_5xx", postback=postback.pk, until=later),
        ):
            wanted = _plainly(asked, networks=True)
            assert wanted, asked
            found = finder_of(asked, networks=True).older(None, 1000)
            assert [hit.attempt for hit in found] == wanted, asked


def _plainly(asked: Filters, networks: bool) -> list[int]:
    of, at, rows = _attempts(asked) if lists_attempts(asked) else _deliveries(asked)
    wanted = {
        "postback__in": asked.postbacks(),
        "postback__media_source": None if not networks else ...,
        "state__in": asked.states or ...,
        "attempts_made__gt": 0 if asked.retrying else ...,
    }
    rows = rows.filter(**{f"{of}{name}": value for name, value in wanted.items() if value is not ...})
    since = {f"{at}__gte": asked.since} if asked.since else {}
    until = {f"{at}__lt": asked.until} if asked.until else {}
    return list(rows.filter(**since, **until).values_list("pk", flat=True))


def _attempts(asked: Filters) -> tuple[str, str, Any]:
    rows: Any = Attempt.objects.order_by("-pk")
    if asked.why:
        rows = rows.filter(succeeded=False).filter(Q() if asked.why == ANY_FAILURE else Q(why=asked.why))
    if asked.statuses:
        rows = rows.filter(status__range=asked.statuses)
    times = {Time.MADE: "delivery__created_at", Time.ENDED: "delivery__finished_at", Time.ATTEMPTED: "recorded_at"}
    return "delivery__", times[asked.time], rows


def _deliveries(asked: Filters) -> tuple[str, str, Any]:
    rows: Any = Delivery.objects.all()
    if asked.why:
        rows = rows.filter(unsent_why=asked.why)
    if asked.search:
        rows = rows.filter(Q(pk=int(asked.search)) | Q(action=int(asked.search)))
    if asked.time is not Time.ENDED:
        return "", "created_at", rows.order_by("-pk")
    few = asked.search or asked.why
    rows = rows.filter(finished_at__isnull=False)
    return "", "finished_at", rows.order_by("-pk") if few else rows.order_by("-finished_at", "-pk")


@pytest.mark.parametrize("key", ["0", "9" * 19, "9" * 19 + "." + "9" * 19, "1.2"])
def test_a_key_that_somebody_made_up_leads_to_no_error(network: Postback, key: str) -> None:
    for time in Time:
        finding = finder_of(Filters(time=time), networks=True)
        finding.older(key, 5)
        finding.newer(key, 5)
