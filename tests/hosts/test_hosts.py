"""Hosts that die, or no longer reach one of the others, while orders come in: nothing is lost, and order is kept.

What is cut off here is cut off silently: no connection ends, packets are lost. So it lasts until somebody notices.
"""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from actions.api.tokens import create_token
from tests.hosts.installation import Arrival, installation
from tests.hosts.programs.shop import AMOUNTS
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until

PER_SECOND = 15
LIMIT = 20  # Of the limited postback, a second, over all hosts. It is told of twice PER_SECOND events.
RECEIVER = "10.89.0.4"
QUERY = "?order={Oid}&amount={Amount}&id={DeliveryId}"
# A host that is gone without a word: PostgreSQL notices within 25 s, then its deliveries are taken after 3 s.
NOTICED_SECONDS = 60.0


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(500)
def test_nothing_is_lost_whatever_host_is_cut_off_or_dies(tmp_path: Path) -> None:
    tracker = make_tracker()
    source = make_media_source()
    make_postback(tracker, source, name="plain", url=f"http://{RECEIVER}/plain{QUERY}")
    make_postback(tracker, source, name="limited", url=f"http://{RECEIVER}/limited{QUERY}", maximum_requests=LIMIT)
    token, text = create_token("shop")
    setup = {
        "CampaignId": str(tracker.program_id),
        "ActionTrackerId": str(tracker.pk),
        "EventDate": "2026-11-20",
        "CurrencyCode": "USD",
    }
    with installation(tmp_path, answer_seconds=0.3) as made:
        assert made.receiver.address == RECEIVER
        first, second = made.worker("first", beat=True), made.worker("second")
        web, other_web = made.web("web"), made.web("otherweb")
        made.works(first)
        made.works(second)
        shop = made.shop(token.account_sid, text, PER_SECOND, setup, [web, other_web])

        def more_arrive() -> None:
            now = len(made.arrivals())
            wait_until(lambda: len(made.arrivals()) > now + 2 * PER_SECOND, NOTICED_SECONDS, "more arrive")

        more_arrive()
        for one, another in ((second, made.redis), (second, made.receiver), (second, made.database), (web, made.redis)):
            one.lose(another)
            time.sleep(6)
            more_arrive()
            one.find(another)
            more_arrive()
        second.power_off()
        other_web.power_off()
        more_arrive()
        shop.send_signal(signal.SIGTERM)
        shop.wait(120)
        wait_until(lambda: made.unfinished() == 0, NOTICED_SECONDS, "all is delivered")

        reported, arrivals = made.reported(), made.arrivals()
    assert {status for answers in reported.values() for status, _, _ in answers} == {200}
    must_have_arrived(arrivals, list(reported))
    limited = [arrival.at for arrival in arrivals if arrival.path == "/limited"]
    assert fullest_second(limited) <= LIMIT + 1  # The receiver's clock is not the pace's.


def must_have_arrived(arrivals: Sequence[Arrival], orders: Sequence[str]) -> None:
    """Each order at each postback, first as it was reported, then as it was changed."""
    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for arrival in arrivals:
        amounts = told[arrival.path, arrival.values["order"]]
        if arrival.values["amount"] not in amounts:  # What was under way on a host that is gone comes again.
            amounts.append(arrival.values["amount"])
    assert told == {(path, order): list(AMOUNTS) for path in ("/plain", "/limited") for order in orders}


def fullest_second(times: Sequence[float]) -> int:
    """The most arrivals within any second, wherever it begins."""
    return max(sum(begin <= at < begin + 1 for at in times) for begin in times)
