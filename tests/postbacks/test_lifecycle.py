"""Pausing, resuming and deleting a postback."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from actions.models import ActionEvent
from postbacks.delivery import ready_queue
from postbacks.delivery.redis import client
from postbacks.lifecycle import delete_postback, pause, pending_count, resume
from postbacks.models import Delivery, Lane, Postback
from tests.support.factories import make_media_source, make_postback

pytestmark = pytest.mark.django_db


@pytest.fixture
def network_postback(event: ActionEvent) -> Postback:
    return make_postback(event.action.action_tracker, make_media_source())


def make_delivery(postback: Postback, event: ActionEvent, state: Delivery.State) -> Delivery:
    sending = {"owner": 1, "lease_until": event.recorded_at} if state == Delivery.State.SENDING else {}
    return Delivery.objects.create(
        postback=postback, event=event, action=event.action, state=state, due_at=event.recorded_at, **sending
    )


def test_deleting_cancels_what_waits_and_leaves_the_rest(network_postback: Postback, event: ActionEvent) -> None:
    other = make_postback(event.action.action_tracker, make_media_source())
    deliveries = {state: make_delivery(network_postback, event, state) for state in Delivery.State}
    others = make_delivery(other, event, Delivery.State.READY)

    assert pending_count(network_postback) == 2
    assert delete_postback(network_postback) == 2

    states = {state: Delivery.objects.get(pk=row.pk).state for state, row in deliveries.items()}
    assert states == {
        Delivery.State.BLOCKED: Delivery.State.CANCELLED,
        Delivery.State.READY: Delivery.State.CANCELLED,
        Delivery.State.SENDING: Delivery.State.SENDING,
        Delivery.State.DELIVERED: Delivery.State.DELIVERED,
        Delivery.State.FAILED: Delivery.State.FAILED,
        Delivery.State.CANCELLED: Delivery.State.CANCELLED,
    }
    cancelled = Delivery.objects.get(pk=deliveries[Delivery.State.READY].pk)
    assert cancelled.reason == "The postback was deleted."
    assert cancelled.finished_at is not None
    others.refresh_from_db()
    assert others.state == Delivery.State.READY


def test_a_deleted_postback_stays_as_a_row_and_is_not_deleted_twice(
    network_postback: Postback, event: ActionEvent
) -> None:
    delete_postback(network_postback)
    deleted_at = Postback.objects.get(pk=network_postback.pk).deleted_at
    make_delivery(network_postback, event, Delivery.State.READY)

    assert delete_postback(Postback.objects.get(pk=network_postback.pk)) == 0

    assert deleted_at is not None
    assert Postback.objects.get(pk=network_postback.pk).deleted_at == deleted_at
    assert not Postback.objects.existing().filter(pk=network_postback.pk).exists()


def test_pausing_and_resuming_move_the_time_of_the_last_change(network_postback: Postback) -> None:
    before = network_postback.updated_at

    pause(network_postback)

    paused = Postback.objects.get(pk=network_postback.pk)
    assert paused.paused_at is not None
    assert paused.updated_at > before

    pause(paused)
    assert Postback.objects.get(pk=network_postback.pk).paused_at == paused.paused_at

    resume(paused)
    assert Postback.objects.get(pk=network_postback.pk).paused_at is None


def test_resuming_forgets_why_it_was_paused(network_postback: Postback) -> None:
    Postback.objects.filter(pk=network_postback.pk).update(paused_at=network_postback.created_at, pause_reason="Gone.")
    Lane.objects.create(postback=network_postback, failures=3, gone_actions=[1, 2, 3])
    network_postback.refresh_from_db()

    resume(network_postback)

    assert Postback.objects.get(pk=network_postback.pk).pause_reason == ""
    lane = Lane.objects.get(postback=network_postback)
    assert (lane.gone_actions, lane.failures) == ([], 3)


def test_resuming_wakes_the_lane_once_the_transaction_has_committed(
    network_postback: Postback, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    lane = str(network_postback.pk)
    client.zrem(ready_queue.LANES, lane)
    pause(network_postback)

    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        resume(network_postback)
    assert client.zscore(ready_queue.LANES, lane) is None
    assert len(callbacks) == 1

    callbacks[0]()
    assert client.zscore(ready_queue.LANES, lane) is not None
    client.zrem(ready_queue.LANES, lane)


def test_resuming_what_is_not_paused_wakes_nothing(
    network_postback: Postback, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        resume(network_postback)

    assert callbacks == []
