"""Deleting, pruning and erasing while a worker is sending just that: nothing hangs, and the rest goes on."""

from __future__ import annotations

import pytest
from django.db.models import ProtectedError

from accounts.personal.erase import erase
from operations.retention.ages import Ages
from operations.retention.prune import prune
from partners.models import ActionTracker, Partner
from postbacks.lifecycle import delete_postback
from postbacks.models import Delivery
from tests.support.factories import make_partner, make_postback, record_action, record_change
from tests.support.patience import wait_until
from tests.support.receiver import Answer, Arrival, Response, ScriptedReceiver
from tests.support.workers import running_workers

pytestmark = pytest.mark.django_db(transaction=True)

ACTIONS, EVENTS = 12, 5
AT_ONCE = Ages(texts=0, personal=0, deliveries=0, actions=0, submissions=0)
QUERY = "?action={ActionId}&amount={Amount}&status={Status}&attempt={Attempt}"


def slowly(arrival: Arrival) -> Answer:
    """What is deleted is in flight for long, waits for a retry, or is blocked behind either."""
    if arrival.path == "/deleted":
        return Response(503 if arrival.query["action"].endswith(("0", "5")) else 200, delay_seconds=1.5)
    return Response(delay_seconds=0.05)


def test_what_is_deleted_pruned_or_erased_in_flight_stops_nothing_else(
    tracker: ActionTracker, partner: Partner
) -> None:
    with ScriptedReceiver(slowly) as receiver, running_workers() as worker:
        deleted = make_postback(tracker, partner, name="deleted", url=f"{receiver.url}/deleted{QUERY}")
        make_postback(tracker, partner, name="kept", url=f"{receiver.url}/kept{QUERY}")
        for number in range(ACTIONS):
            created = record_action(tracker, partner, CustomerId=f"customer {number % 3}", Amount="100")
            for event in range(1, EVENTS - 1):
                record_change(created, "modified", Amount=str(100 + event), Reason="ORDER_UPDATE")
            record_change(created, "reversed", Reason="ORDER_UPDATE")
        wait_until(
            lambda: Delivery.objects.filter(postback=deleted, state="sending").exists(), 10, "some are in flight"
        )
        assert delete_postback(deleted) > 0
        with pytest.raises(ProtectedError):
            partner.delete()
        unused = make_partner(name="unused")
        unused.delete()
        for number in range(3):
            erase(f"customer {number}")
            prune(AT_ONCE, again=True)
        wait_until(
            lambda: not Delivery.objects.filter(state__in=Delivery.UNFINISHED).exists(),
            45,  # The sweep cancels each half minute what was in flight and would be tried again.
            "all is finished",
        )
        prune(AT_ONCE, again=True)
        said = worker.log.read_text()
    assert "Traceback" not in said
    assert "violates" not in said
    came = [each.query for each in receiver.arrivals if each.path == "/kept"]
    assert len(came) == ACTIONS * EVENTS, "each once"
    for action in {each["action"] for each in came}:
        chain = [each for each in came if each["action"] == action]
        assert [each["amount"] for each in chain[:-1]] == [f"{100 + event}.00" for event in range(EVENTS - 1)]
        assert chain[-1]["status"] == "REVERSED"
    assert not Delivery.objects.exists(), "all of them are old enough and finished"
