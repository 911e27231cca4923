"""Resend says what will become of each delivery, leaves out what was resent, and acts once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postbacks.admin.deliveries.rows import rows_of
from postbacks.delivery_log.hits import Hit
from postbacks.delivery_log.seen import seen_by, seen_now
from postbacks.lifecycle import delete_postback, pause
from postbacks.models import Delivery, Lane, Postback
from postbacks.replay.prospects import prospects_of
from postbacks.replay.resend import resend
from tests.postbacks.admin.deliveries.test_resend_cancel import LOG, sign_in, told
from tests.support.factories import make_postback, record_change
from tests.support.log_rows import make_finished

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]


@pytest.fixture
def operator(client: Client) -> Client:
    return sign_in(client, "view_delivery", "change_delivery")


def codes(*deliveries: Delivery, since: int = 0) -> list[str]:
    return [each.code for each in prospects_of([one.pk for one in deliveries], since)]


def another(postback: Postback) -> Postback:
    return make_postback(postback.action_tracker, postback.owner)


def test_what_will_become_of_each(postback: Postback) -> None:
    goes, paused, held, gone = (make_finished(each) for each in (postback, *(another(postback) for _ in range(3))))
    pause(paused.postback)
    Lane.objects.create(postback=held.postback, held_since=timezone.now(), probe_at=timezone.now())
    delete_postback(gone.postback)
    behind = make_finished(postback)
    record_change(behind.event, "reversed")
    waiting = make_finished(postback, "ready", finished_at=None)
    coming = make_finished(postback)
    make_finished(postback, "ready", coming.event, finished_at=None)
    twice = make_finished(postback)
    later = make_finished(postback, event=twice.event)

    assert codes(goes, paused, held, gone, behind, waiting, coming) == [
        *("goes", "paused", "held", "deleted", "behind", "unfinished", "coming")
    ]
    assert codes(twice, later) == ["again", "goes"]
    assert codes(twice, later, since=later.pk) == ["twice", "goes"], "asked for all the same, one of them goes"


def test_what_is_told_is_what_happens(operator: Client, postback: Postback) -> None:
    stopped = another(postback)
    pause(stopped)
    chosen = [make_finished(postback), make_finished(postback), make_finished(stopped)]
    chosen.append(make_finished(postback, "ready", finished_at=None))
    question = operator.post(f"{LOG}resend/", {"chosen": [each.pk for each in chosen]})

    page = " ".join(question.content.decode().split())
    assert "3 deliveries will be sent again. Are you sure?" in page
    assert "<strong>2</strong> queued, behind live traffic" in page
    assert "<strong>1</strong> queued, waiting until the postback is resumed" in page
    assert "<strong>1</strong> left out: not finished yet" in page
    answer = operator.post(f"{LOG}resend/", asked_for(question), follow=True)

    assert told(answer) == [
        "3 deliveries were resent: 2 queued, behind live traffic; 1 queued, waiting until the postback is resumed."
    ]
    assert Delivery.objects.filter(known_as__in=[each.pk for each in chosen[:3]]).count() == 3


def asked_for(question: Any, sure: str = "") -> dict[str, str]:
    """What the form of a question sends."""
    found = question.context["question"]
    listed = {name: ",".join(map(str, ids)) for name, ids in (("ids", found.ids), ("again", found.again))}
    return {**listed, "seen": str(question.context["seen"]), "sure": sure}


def test_resent_ones_are_left_out_and_may_be_included(operator: Client, postback: Postback) -> None:
    fresh, resent = make_finished(postback, "failed"), make_finished(postback, "failed")
    again = make_finished(postback, "delivered", resent.event)
    question = operator.post(f"{LOG}resend/?state=failed", {"all": ""})

    found = question.context["question"]
    assert (found.ids, found.again, found.left_out) == ([fresh.pk], [resent.pk], [(1, "resent already")])
    answer = operator.post(f"{LOG}resend/?state=failed", asked_for(question, "again"), follow=True)

    assert told(answer) == ["2 deliveries were resent: queued, behind live traffic."]
    assert Delivery.objects.filter(event=resent.event).count() == 3
    listed = {row.delivery.pk: row.resent for row in rows_of([Hit(str(each.pk), each.pk) for each in (resent, again)])}
    assert listed[resent.pk].state_word == "waiting"
    assert listed[again.pk].older == resent.pk


def test_the_log_leaves_out_what_was_resent(operator: Client, postback: Postback) -> None:
    fresh, resent = make_finished(postback, "failed"), make_finished(postback, "failed")
    newer = make_finished(postback, "failed", resent.event)
    live = make_finished(postback, "ready", finished_at=None)

    def shown(query: str) -> list[int]:
        return [row.delivery.pk for row in operator.get(f"{LOG}?{query}").context["page"].rows]

    assert shown("state=failed&resent=no") == [newer.pk, fresh.pk]
    assert shown("resent=no") == [live.pk, newer.pk, fresh.pk]
    assert shown("state=unfinished&resent=no") == [live.pk]
    assert shown("state=failed") == [newer.pk, resent.pk, fresh.pk]


@pytest.mark.django_db(transaction=True)
def test_a_form_that_comes_twice_sends_once(operator: Client, postback: Postback) -> None:
    """Also if what the first one made was delivered before the second one comes."""
    old = make_finished(postback, "failed")
    form = {"seen": str(operator.get(f"{LOG}{old.pk}/change/").context["seen"])}
    many = asked_for(operator.post(f"{LOG}resend/", {"chosen": [old.pk]}))
    operator.post(f"{LOG}{old.pk}/resend/", form)
    Delivery.objects.filter(state="ready").update(state="delivered", finished_at=timezone.now())

    again = told(operator.post(f"{LOG}{old.pk}/resend/", form, follow=True))
    assert again[-1] == f"Delivery {old.pk} was left as it is: resent already."
    again = told(operator.post(f"{LOG}resend/", many, follow=True))
    assert again == ["0 deliveries were resent. Left out: 1 resent already."]
    assert Delivery.objects.count() == 2
    assert len(resend([old.pk], since=seen_now().delivery)) == 1, "whoever saw the new one may send again"


@pytest.mark.parametrize("text", ["", "7", "7-", "a-b", "1-2-3", f"{10**30}-1", "٣-1"])
def test_a_form_without_what_it_saw_takes_what_is_known_now(postback: Postback, text: str) -> None:
    make_finished(postback)
    assert seen_by(text) == seen_now()
    assert seen_by("7-12") == (7, 12)


def test_the_list_asks_no_more_for_more_rows(operator: Client, postback: Postback) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(LOG).status_code == 200
        return len(queries)

    make_finished(postback)
    operator.get(LOG)
    few = asked()
    for _ in range(5):
        make_finished(postback, event=make_finished(postback).event)
    assert asked() == few


@pytest.mark.django_db(transaction=True)
def test_thousands_are_asked_about_and_resent(operator: Client, postback: Postback) -> None:
    first = make_finished(postback, "failed")
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH a AS (
                INSERT INTO actions_action SELECT (jsonb_populate_record(a, jsonb_build_object(
                    'id', nextval(pg_get_serial_sequence('actions_action', 'id')), 'order_id', 'n' || n))).*
                FROM actions_action a, generate_series(1, 1499) n WHERE a.id = %(action)s RETURNING id
            ), e AS (
                INSERT INTO actions_actionevent SELECT (jsonb_populate_record(e, jsonb_build_object(
                    'id', nextval(pg_get_serial_sequence('actions_actionevent', 'id')), 'action_id', a.id))).*
                FROM actions_actionevent e, a WHERE e.id = %(event)s RETURNING id, action_id
            )
            INSERT INTO postbacks_delivery SELECT (jsonb_populate_record(d, jsonb_build_object(
                'id', nextval(pg_get_serial_sequence('postbacks_delivery', 'id')), 'event_id', e.id,
                'action_id', e.action_id))).*
            FROM postbacks_delivery d, e WHERE d.id = %(delivery)s""",
            {"action": first.action_id, "event": first.event_id, "delivery": first.pk},
        )
        cursor.execute("ANALYZE actions_action, actions_actionevent, postbacks_delivery")  # As autovacuum would.
    question = operator.post(f"{LOG}resend/?state=failed", {"all": ""})
    assert len(question.context["question"].ids) == 1_500
    answer = operator.post(f"{LOG}resend/?state=failed", asked_for(question), follow=True)

    assert told(answer) == ["1,500 deliveries were resent: queued, behind live traffic."]
    assert Delivery.objects.filter(state="ready").count() == 1_500
