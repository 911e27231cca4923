"""Which postbacks are failing: found among those with failures, in one look at the latest attempts of each."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postbacks.delivery_log import failing
from postbacks.delivery_log.failing import costliest_first, failing_among
from postbacks.metrics.read import Sums
from postbacks.models import Delivery, Postback
from tests.support.delivery_rows import make_delivery, make_lane
from tests.support.log_rows import make_attempt, make_finished, quiet_event

pytestmark = pytest.mark.django_db


def lane_with(results: str, **fields: Any) -> Postback:
    """A postback with an attempt for each result, the oldest first: `x` failed, `.` succeeded."""
    lane = make_lane()
    for result in results:
        delivery = make_finished(lane, Delivery.State.READY, quiet_event(lane), finished_at=None)
        make_attempt(delivery, succeeded=result == ".", **fields)
    return lane


def sums(results: str) -> Sums:
    return Sums(attempts=len(results), succeeded=results.count("."))


def test_the_latest_attempts_decide_and_the_most_frequent_reason_is_named() -> None:
    broken = lane_with("....")
    for status, reason in ((500, "Status 500."), (404, "Status 404."), (500, "Status 500.")):
        for _ in range(2):
            delivery = make_finished(broken, Delivery.State.READY, quiet_event(broken), finished_at=None)
            make_attempt(delivery, succeeded=False, status=status, reason=reason)
    repaired = lane_with("xxxx......")
    counts = {broken.pk: sums("....xxxxxx"), repaired.pk: sums("xxxx......")}

    found = failing_among(counts, timezone.now())

    assert list(found) == [broken.pk]
    assert found[broken.pk].text == "6 of the last 10 attempts failed: Status 500."
    assert found[broken.pk].why == "status_5xx"


def test_those_are_looked_at_of_whose_attempts_most_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy postback has more failures than a small one that is broken."""
    monkeypatch.setattr(failing, "MOST_LOOKED_AT", 1)
    broken = lane_with("xxx")
    busy = {pk: Sums(attempts=10_000, succeeded=9_900) for pk in range(10**9, 10**9 + 50)}

    with CaptureQueriesContext(connection) as captured:
        found = failing_among({**busy, broken.pk: sums("xxx")}, timezone.now())

    assert list(found) == [broken.pk]
    assert len(captured) == 3, "what was lately, its tallies, and the latest attempts of all that are looked at"


def test_what_costs_most_comes_first() -> None:
    cheap, waits, fails = (make_lane() for _ in range(3))
    make_delivery(waits)
    counts = {cheap.pk: Sums(attempts=9), waits.pk: Sums(attempts=8), fails.pk: Sums(attempts=7, failed=2)}

    assert costliest_first(counts, counts) == [fails.pk, waits.pk, cheap.pk]
