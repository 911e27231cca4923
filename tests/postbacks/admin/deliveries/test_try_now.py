"""Try now: what waits for its time goes at once, in its order and at its rate, and what else waits stays."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from postbacks import tasks
from postbacks.admin.deliveries import views
from postbacks.delivery.try_now import prospects_of, try_now
from postbacks.delivery_log.history import entries_of
from postbacks.lifecycle import delete_postback, pause
from postbacks.management.commands import try_now as command
from postbacks.models import Delivery, Lane, Postback, TryNow
from postbacks.replay import try_many
from tests.postbacks.admin.deliveries.test_resend_cancel import LOG, sign_in, told
from tests.support.delivery_rows import engine_connection, held_up, lane_scores, make_delivery, make_held, make_lane
from tests.support.factories import make_media_source, make_postback
from tests.support.log_rows import make_attempt, make_finished, quiet_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]

HOUR = 3600.0


@pytest.fixture
def operator(client: Client) -> Client:
    return sign_in(client, "view_delivery", "change_delivery")


def retrying(postback: Postback, **fields: Any) -> Delivery:
    """Failed once, and tried again in an hour."""
    return make_delivery(postback, quiet_event(postback), due_in_seconds=HOUR, attempts_made=1, **fields)


def is_due(delivery: Delivery) -> bool:
    delivery.refresh_from_db()
    return delivery.due_at <= timezone.now() + timedelta(seconds=1)


@pytest.mark.django_db(transaction=True)
def test_only_what_waits_for_its_time_is_tried() -> None:
    lane = make_lane(maximum_requests=1)
    retry, delayed = (make_delivery(lane, due_in_seconds=HOUR, attempts_made=made) for made in (1, 0))
    behind = make_delivery(lane, retry.event, due_in_seconds=HOUR, state="blocked")
    due, sending = make_delivery(lane), make_held(lane)
    paused, held, gone = (make_delivery(make_lane(), due_in_seconds=HOUR) for _ in range(3))
    pause(paused.postback)
    Lane.objects.create(postback=held.postback, held_since=timezone.now(), probe_at=timezone.now())
    delete_postback(gone.postback)
    everything = [retry, delayed, behind, due, sending, paused, held, gone]
    ids = [each.pk for each in everything]

    assert [each.code for each in prospects_of(sorted(ids))] == [
        *("goes", "goes", "blocked", "due", "sending", "paused", "held", "finished")
    ]
    assert try_now(ids) == [retry.pk, delayed.pk]

    assert [is_due(each) for each in (retry, delayed)] == [True, True]
    assert [is_due(each) for each in (behind, paused, held, gone)] == [False] * 4
    assert lane_scores() == {lane.pk: pytest.approx(0, abs=1)}
    assert Delivery.objects.get(pk=retry.pk).attempts_made == 1, "the attempt is still to come, and will count"
    assert try_now(ids) == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_not_waited_for(postback: Postback) -> None:
    locked, free = retrying(postback), retrying(postback)
    with held_up(locked):
        assert try_now([locked.pk, free.pk]) == [free.pk]


def test_one_is_tried_from_its_page_and_once(operator: Client, postback: Postback) -> None:
    delivery = retrying(postback)
    page = operator.get(f"{LOG}{delivery.pk}/change/")
    assert "Try now: at the rate allowed." in page.content.decode()
    form = {"seen": str(page.context["seen"])}

    assert told(operator.post(f"{LOG}{delivery.pk}/try-now/", form, follow=True)) == [
        f"Delivery {delivery.pk} is tried now: at the rate allowed."
    ]
    assert is_due(delivery)
    assert [(entry.by, entry.text) for entry in entries_of(delivery)] == [("olga", "Tried now.")]
    # It was tried, failed, and waits for its next retry when the second click arrives.
    make_attempt(delivery, 2, succeeded=False)
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now() + timedelta(hours=1), attempts_made=2)
    answer = operator.post(f"{LOG}{delivery.pk}/try-now/", form, follow=True)
    assert told(answer) == [f"Delivery {delivery.pk} was left as it is: tried since the page was opened."]
    assert not is_due(delivery)


def test_the_second_of_a_chain_is_refused_with_words(operator: Client, postback: Postback) -> None:
    first = retrying(postback)
    second = make_delivery(postback, first.event, state="blocked", due_in_seconds=HOUR)
    why = "behind an earlier event of the same action, which goes first"

    assert f"Try now is not possible: {why}." in operator.get(f"{LOG}{second.pk}/change/").content.decode()
    answer = operator.post(f"{LOG}{second.pk}/try-now/", follow=True)
    assert told(answer) == [f"Delivery {second.pk} was left as it is: {why}."]
    assert not is_due(second)


def test_many_are_asked_about_and_tried(operator: Client, postback: Postback) -> None:
    waiting = [retrying(postback) for _ in range(3)]
    done_meanwhile = waiting[0]
    failed = make_finished(postback, "failed")
    page = operator.post(f"{LOG}try-now/", {"chosen": [each.pk for each in (*waiting, failed)]})
    question = page.context["question"]
    assert (question.ids, question.left_out) == ([each.pk for each in waiting], [(1, "finished")])
    Delivery.objects.filter(pk=done_meanwhile.pk).update(state="delivered", finished_at=timezone.now())

    form = {"ids": ",".join(map(str, question.ids)), "seen": str(page.context["seen"]), "sure": ""}
    assert told(operator.post(f"{LOG}try-now/", form, follow=True)) == [
        "2 deliveries are tried now: at the rate allowed. Left out: 1 finished."
    ]
    assert told(operator.post(f"{LOG}try-now/", form, follow=True)) == [
        "0 deliveries are tried now. Left out: 1 finished; 2 due already."
    ]


@pytest.mark.django_db(transaction=True)
def test_more_than_one_request_takes_are_tried_in_the_background(
    operator: Client, postback: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [retrying(postback) for _ in range(5)]
    other = retrying(make_lane())
    monkeypatch.setattr(views, "MOST", 3)
    monkeypatch.setattr(try_many, "BATCH", 2)
    page = operator.post(f"{LOG}try-now/?postback={postback.pk}", {"all": ""})
    assert "5 deliveries will be tried now. Are you sure?" in page.content.decode()

    form = {"all": "", "sure": "", "seen": str(page.context["seen"])}
    watched = operator.post(f"{LOG}try-now/?postback={postback.pk}", form, follow=True)
    job = watched.context["job"]
    assert "data-under-way" in watched.content.decode()
    pause(postback)  # What it has not reached yet is left as it is.
    assert try_many.step(lambda *_: None)
    assert "2 of 5" in operator.get(f"{LOG}try-now/{job.pk}/").content.decode()
    Postback.objects.filter(pk=postback.pk).update(paused_at=None)
    tasks.replay()

    job = TryNow.objects.get()
    assert (job.position, job.tried, job.left_out, job.ids, job.ended_at is None) == (5, 3, 2, [], False)
    assert [is_due(each) for each in waiting] == [False, False, True, True, True]
    assert not is_due(other)
    assert "3 of 5 deliveries are tried now" in operator.get(f"{LOG}try-now/{job.pk}/").content.decode()
    assert [entry.text for entry in entries_of(waiting[-1])] == ["Tried now."]


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_do_the_same_batch(postback: Postback) -> None:
    job = try_many.start([retrying(postback).pk], 0, None)
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM postbacks_trynow WHERE id = %s FOR NO KEY UPDATE", [job.pk])
        assert not try_many.step(lambda *_: None)
        cursor.execute("ROLLBACK")
    assert try_many.step(lambda *_: None)
    assert not try_many.step(lambda *_: None)


def test_who_may_not_resend_may_not_try(client: Client, postback: Postback) -> None:
    sign_in(client, "view_delivery")
    delivery = retrying(postback)
    job = try_many.start([delivery.pk], 0, None)
    for page in (f"{delivery.pk}/try-now/", "try-now/"):
        assert client.post(LOG + page, {"ids": str(delivery.pk), "sure": ""}).status_code == 403
    assert client.get(f"{LOG}try-now/{job.pk}/").status_code == 403
    assert not is_due(delivery)
    assert "Try now" not in client.get(f"{LOG}{delivery.pk}/change/").content.decode()


def test_networks_deliveries_are_out_of_reach(operator: Client, postback: Postback) -> None:
    hidden = make_delivery(make_postback(postback.action_tracker, make_media_source()), due_in_seconds=HOUR)
    assert operator.post(f"{LOG}{hidden.pk}/try-now/").status_code == 404
    operator.post(f"{LOG}try-now/", {"ids": str(hidden.pk), "sure": ""})
    operator.post(f"{LOG}try-now/?postback={hidden.postback_id}", {"all": "", "sure": ""})
    assert not is_due(hidden)


@pytest.mark.parametrize(
    ("field", "value", "offered"), [("url", "https://right.example/in", True), ("name", "B", False)]
)
def test_a_correction_offers_to_try_now(
    client: Client, postback: Postback, field: str, value: str, offered: bool
) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    waiting = [retrying(postback) for _ in range(2)]
    address = f"/admin/postbacks/postback/{postback.pk}/change/"
    form = client.get(address).context["adminform"].form
    given = {name: form[name].value() for name in form.fields}
    given |= {field: value}
    answer = client.post(
        address, {name: text for name, text in given.items() if text not in (None, False)}, follow=True
    )
    page = answer.content.decode()

    assert ("2 deliveries wait for a retry or the Minimum Delay: try them now?" in page) is offered
    if offered:
        url = f"{LOG}try-now/?postback={postback.pk}"
        assert f'action="{url}"' in page
        said = told(client.post(url, {"all": "", "sure": "", "seen": "0-0"}, follow=True))
        assert said == ["2 deliveries are tried now: at the rate allowed."]
        assert all(is_due(each) for each in waiting)


def commanded(*arguments: str) -> str:
    printed = StringIO()
    call_command("try_now", *arguments, stdout=printed)
    return printed.getvalue()


def test_the_command_tries_what_waits_of_the_named(postback: Postback, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [retrying(postback) for _ in range(3)]
    make_delivery(postback, quiet_event(postback))
    other = retrying(make_lane())
    monkeypatch.setattr(command, "_BATCH", 2)
    name = postback.owner.name

    assert commanded("--partner", name, "--dry-run").splitlines() == [
        *("3 at the rate allowed", "1 left out: due already", "Nothing was tried: this was a dry run.")
    ]
    monkeypatch.setattr(command, "ASK_ABOVE", 2)
    with pytest.raises(CommandError, match="add --yes"):
        commanded("--partner", name)
    assert commanded("--partner", name, "--yes").endswith("3 deliveries are tried now.\n")

    assert all(is_due(each) for each in waiting)
    assert not is_due(other)
    (entry,) = entries_of(waiting[0])
    assert (entry.by.partition(",")[0], entry.text) == ("try_now", "Tried now.")
    with pytest.raises(CommandError, match="Nothing waits"):
        commanded("--postback", str(postback.pk))
    with pytest.raises(CommandError, match="Name a --partner"):
        commanded()
