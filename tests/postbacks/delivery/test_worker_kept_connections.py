"""Real worker processes and a receiver that closes every kept connection once it has read the next request."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from postbacks.models import Attempt, Delivery, Lane
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action
from tests.support.kept_connections import close, kept_connections
from tests.support.patience import wait_until
from tests.support.windows import must_hold

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workers")]

LIMIT = 10
FIELDS: dict[str, dict[str, Any]] = {"GET": {}, "POST": {"body_format": "json", "body_pairs": [["id", "{ActionId}"]]}}


@pytest.mark.parametrize("method", FIELDS)
def test_every_request_is_an_attempt_of_its_own_and_keeps_to_the_limit(method: str) -> None:
    lines: Counter[str] = Counter()

    def arrivals() -> list[float]:
        with kept_connections(close) as server:
            url = f"http://127.0.0.1:{server.port}/in?delivery={{DeliveryId}}&attempt={{Attempt}}"
            tracker = make_tracker()
            postback = make_postback(
                tracker, make_media_source(), url=url, method=method, maximum_requests=LIMIT, **FIELDS[method]
            )
            for _ in range(3 * LIMIT):
                record_action(tracker)
            delivered = Delivery.objects.filter(postback=postback, state="delivered")
            wait_until(lambda: delivered.count() == 3 * LIMIT, 30, "all are delivered")
        lines.update(asked.line for asked in server.asked)
        return [asked.t for asked in server.asked]

    must_hold(LIMIT, arrivals)
    made = [(each.delivery.sent_as, each.number) for each in Attempt.objects.select_related("delivery")]
    assert lines == Counter(f"{method} /in?delivery={delivery}&attempt={number} HTTP/1.1" for delivery, number in made)
    dropped = Attempt.objects.filter(succeeded=False)
    assert set(dropped.values_list("reason", flat=True)) == {
        "The server closed a connection that it had kept open, without an answer."
    }
    assert not Lane.objects.exists(), "nothing was learnt of the destination"
