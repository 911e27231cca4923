"""Several programs that create and change the same postback at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from postbacks.models import Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import make_partner, make_postback, make_term, make_tracker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]
AT_ONCE = 6


def at_once(call: Callable[[int], Any]) -> list[int]:
    """The statuses that so many calls get that begin together."""
    together = Barrier(AT_ONCE)

    def one(number: int) -> int:
        together.wait()
        try:
            status: int = call(number).status_code
            return status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(one, range(AT_ONCE)))


def test_of_several_changes_of_one_version_one_is_made() -> None:
    partner, tracker = make_partner(), make_tracker()
    make_term(tracker, partner)
    postback = make_postback(tracker, partner)
    path = f"/api/v1/postbacks/{postback.pk}"
    callers = [ApiCaller(scopes=["read", "manage"]) for _ in range(AT_ONCE)]
    version = callers[0]("GET", path).headers["ETag"]

    def change(number: int) -> Any:
        return callers[number]("PATCH", path, {"maximum_requests": number + 1}, **{"If-Match": version})

    assert at_once(change) == [200] + [412] * (AT_ONCE - 1)


def test_one_that_is_created_several_times_at_once_is_one() -> None:
    partner, tracker = make_partner(), make_tracker()
    make_term(tracker, partner)
    body = {"partner": partner.pk, "name": "Sales", "action_tracker": tracker.pk, "url": "https://compass.example/"}
    callers = [ApiCaller(scopes=["manage"]) for _ in range(AT_ONCE)]
    assert at_once(lambda number: callers[number]("POST", "/api/v1/postbacks", body)) == [200] * (AT_ONCE - 1) + [201]
    assert Postback.objects.count() == 1
