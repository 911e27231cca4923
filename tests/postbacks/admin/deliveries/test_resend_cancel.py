"""Resend and Cancel: one delivery or many; what becomes of them, of what waits behind them, and who may."""

from __future__ import annotations

from threading import Thread
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from postbacks.admin.deliveries import views
from postbacks.delivery.cancel import cancel
from postbacks.lifecycle import delete_postback
from postbacks.models import Delivery, Postback, Tally
from postbacks.replay import feed
from postbacks.replay.plan import start
from postbacks.replay.resend import resend
from postbacks.replay.selection import Selection
from tests.support.delivery_rows import engine_connection, lane_scores, make_delivery, make_held, make_lane
from tests.support.factories import (
    make_media_source,
    make_postback,
    record_change,
)
from tests.support.log_rows import make_finished
from tests.support.patience import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]

LOG = "/admin/postbacks/delivery/"


@pytest.fixture
def delivery_operator(client: Client) -> Client:
    return sign_in(client, "view_delivery", "change_delivery")


def sign_in(client: Client, *codenames: str) -> Client:
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("state", ["delivered", "failed", "cancelled"])
@pytest.mark.django_db(transaction=True)
def test_what_is_finished_is_sent_again_as_a_new_delivery(postback: Postback, state: str) -> None:
    old = make_finished(postback, state, parameters={"ActionId": "as it was"}, attempts_made=3)

    (new,) = Delivery.objects.filter(pk__in=resend([old.pk]))

    assert (new.state, new.priority, new.attempts_made, new.known_as) == ("ready", 2, 0, old.pk)
    assert (new.event_id, new.action_id, new.postback_id) == (old.event_id, old.action_id, postback.pk)
    assert new.parameters == {"ActionId": "as it was"}
    assert lane_scores() == {postback.pk: pytest.approx(0, abs=1)}
    before = Delivery.objects.values().get(pk=old.pk)
    assert (before["state"], before["attempts_made"], before["finished_at"]) == (state, 3, old.finished_at)
    assert resend([old.pk]) == [], "it waits already"
    Delivery.objects.filter(pk=new.pk).update(state="failed")
    (third,) = Delivery.objects.filter(pk__in=resend([new.pk, old.pk]))
    assert third.known_as == old.pk, "the receiver knows one id"


def test_events_of_one_action_are_sent_again_in_their_order(postback: Postback) -> None:
    created = make_finished(postback)
    reversed_ = record_change(created.event, "reversed")
    Delivery.objects.filter(event=reversed_).delete()
    later = make_finished(postback, event=reversed_)

    made = Delivery.objects.filter(pk__in=resend([later.pk, created.pk])).order_by("pk")

    assert [(each.event_id, each.state) for each in made] == [(created.event_id, "ready"), (reversed_.pk, "blocked")]


def test_a_live_event_that_waits_goes_first(postback: Postback) -> None:
    created = make_finished(postback)
    live = Delivery.objects.get(event=record_change(created.event, "reversed"))

    (again,) = Delivery.objects.filter(pk__in=resend([created.pk]))

    assert (live.state, again.state) == ("ready", "blocked")


def test_what_waits_and_what_belongs_to_a_deleted_postback_is_not_sent_again(postback: Postback) -> None:
    waiting = make_finished(postback, "ready", finished_at=None)
    gone = make_finished(make_postback(postback.action_tracker, postback.owner))
    delete_postback(gone.postback)

    assert resend([waiting.pk, gone.pk, 10**12]) == []


def test_cancelling_lets_the_next_event_go(postback: Postback) -> None:
    lane = make_lane()
    first = make_delivery(lane)
    second = make_delivery(lane, first.event, state="blocked")
    third = make_delivery(lane, first.event, state="blocked")
    sending = make_held(lane)
    done = make_finished(postback)
    Tally.objects.all().delete()

    assert cancel([first.pk, second.pk, sending.pk, done.pk], "Cancelled by olga.") == [first.pk, second.pk]

    states = dict(Delivery.objects.values_list("pk", "state"))
    assert [states[one.pk] for one in (first, second, third)] == ["cancelled", "cancelled", "ready"]
    assert (states[sending.pk], states[done.pk]) == ("sending", "delivered")
    first.refresh_from_db()
    assert first.reason == "Cancelled by olga."
    assert first.finished_at is not None
    assert lane_scores() == {lane.pk: pytest.approx(0, abs=1)}
    assert [orjson.loads(tally.counts) for tally in Tally.objects.all()] == [{str(lane.pk): {"cancelled": 2}}]
    assert cancel([first.pk], "Again.") == []


def test_one_is_resent_from_its_row_and_from_its_page(delivery_operator: Client, postback: Postback) -> None:
    old = make_finished(postback, "failed")

    answer = delivery_operator.post(f"{LOG}{old.pk}/resend/", follow=True)

    new = Delivery.objects.latest("pk")
    assert answer.redirect_chain[-1][0] == f"{LOG}{new.pk}/change/"
    assert told(answer) == [f"Delivery {old.pk} was resent as delivery {new.pk}: queued, behind live traffic."]
    assert [(entry.by, entry.text) for entry in answer.context["entries"]] == [("olga", "Sent again.")]
    assert [each.name for each, would, _ in answer.context["offers"] if would] == ["cancel"]
    answer = delivery_operator.post(f"{LOG}{new.pk}/cancel/?state=ready&after=1", {"from-list": ""}, follow=True)
    assert answer.redirect_chain[-1][0] == f"{LOG}?state=ready"
    new.refresh_from_db()
    assert (new.state, new.reason) == ("cancelled", "Cancelled by olga.")
    answer = delivery_operator.post(f"{LOG}{new.pk}/cancel/", follow=True)
    assert told(answer) == [f"Delivery {new.pk} was left as it is: finished, or being sent at this moment."]


def test_many_are_asked_about_first(delivery_operator: Client, postback: Postback) -> None:
    failed = [make_finished(postback, "failed").pk for _ in range(3)]
    waiting = make_finished(postback, "ready", finished_at=None).pk
    page = delivery_operator.post(f"{LOG}resend/?state=failed", {"chosen": [*failed[:2], waiting]})

    question = page.context["question"]
    assert (question.ids, question.left_out) == (failed[:2], [(1, "not finished yet")])
    assert "2 deliveries will be sent again. Are you sure?" in page.content.decode()
    assert Delivery.objects.count() == 4

    answer = delivery_operator.post(
        f"{LOG}resend/?state=failed", {"ids": f"{failed[0]},{failed[1]}", "sure": ""}, follow=True
    )

    assert told(answer) == ["2 deliveries were resent: queued, behind live traffic."]
    assert answer.redirect_chain[-1][0] == f"{LOG}?state=failed"
    assert set(Delivery.objects.filter(pk__gt=waiting).values_list("known_as", flat=True)) == set(failed[:2])


def test_all_that_match_are_those_that_fit(
    delivery_operator: Client, postback: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = [make_finished(postback, "failed").pk for _ in range(3)]
    make_finished(postback)
    waiting = make_finished(postback, "ready", finished_at=None).pk

    def asked(bulk_action: str, query: str) -> Any:
        return delivery_operator.post(f"{LOG}{bulk_action}/?{query}", {"all": ""}, follow=True)

    assert asked("resend", "state=failed").context["question"].ids == failed
    assert asked("cancel", f"postback={postback.pk}").context["question"].ids == [waiting]
    assert told(asked("cancel", "state=failed")) == ["Cancel: none of the deliveries that match is in a state for it."]
    monkeypatch.setattr(views, "MOST", 2)
    assert told(asked("resend", "state=failed")) == [
        "More than 2 deliveries match. Narrow the filters, or start a replay to send so many again."
    ]


def test_who_may_only_view_neither_resends_nor_cancels(client: Client, postback: Postback) -> None:
    sign_in(client, "view_delivery")
    old = make_finished(postback)

    for page in (f"{old.pk}/resend/", f"{old.pk}/cancel/", "resend/", "cancel/"):
        assert client.get(LOG + page).status_code == 405
        assert client.post(LOG + page, {"ids": str(old.pk), "sure": ""}).status_code == 403
    assert Delivery.objects.count() == 1
    assert "formaction" not in client.get(LOG).content.decode()


def test_networks_deliveries_are_out_of_reach_without_optimize(delivery_operator: Client, postback: Postback) -> None:
    hidden = make_finished(make_postback(postback.action_tracker, make_media_source()))

    assert delivery_operator.post(f"{LOG}{hidden.pk}/resend/").status_code == 404
    delivery_operator.post(f"{LOG}resend/", {"ids": str(hidden.pk), "sure": ""})
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_replay_leaves_an_action_that_a_report_is_changing_for_later(postback: Postback) -> None:
    delivery = make_finished(postback)
    replay = start(Selection(), described="everything")
    driver = feed.Driver(replay.pk)
    assert driver.take()

    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM actions_action WHERE id = %s FOR NO KEY UPDATE", [delivery.action_id])
        assert driver.step() == 0
        cursor.execute("ROLLBACK")
    driver.step()

    assert Delivery.objects.filter(replay=replay).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_resend_the_same_at_the_same_moment_make_one(postback: Postback) -> None:
    old = make_finished(postback)
    made: list[list[int]] = []

    def resend_it() -> None:
        try:
            made.append(resend([old.pk]))
        finally:
            connection.close()

    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM actions_action WHERE id = %s FOR NO KEY UPDATE", [old.action_id])
        threads = [Thread(target=resend_it) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: _waiting_for_locks() == 2, 10, "both wait for the action")
        cursor.execute("ROLLBACK")
    for thread in threads:
        thread.join()

    assert sorted(len(ids) for ids in made) == [0, 1]
    assert Delivery.objects.filter(known_as=old.pk).count() == 1


def _waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])
