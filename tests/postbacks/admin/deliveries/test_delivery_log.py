"""The delivery log: each page and each filter finds exactly what it should, for every user."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from partners.models import Partner
from postbacks.admin.deliveries.filters import UNFINISHED
from postbacks.admin.deliveries.pretty import form_of, pretty_body, query_of
from postbacks.admin.deliveries.rows import PER_PAGE
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import Finder
from postbacks.delivery_log.moments import id_span
from postbacks.models import Delivery, Lane, Postback, Replay
from tests.support.factories import (
    make_media_source,
    make_postback,
    make_tracker,
    record_change,
)
from tests.support.log_rows import make_attempt, make_finished, quiet_event

pytestmark = pytest.mark.django_db

LOG = "/admin/postbacks/delivery/"
_INDENTED = """{
  "a": 1.10,
  "a": [],
  "b": [
    1,
    {
      "d": "{,"
    }
  ]
}"""
_XML = '<?xml version="1.0"?>'


def shown(client: Client, **query: Any) -> list[int]:
    """The deliveries on a page of the log, in its order."""
    answer = client.get(LOG, query)
    assert answer.status_code == 200
    return [row.delivery.pk for row in answer.context["page"].rows]


def test_every_filter_finds_what_a_plain_query_finds_page_by_page(postback: Postback, partner: Partner) -> None:
    """400 deliveries of three postbacks in all states, made over 400 minutes, a few in the wrong order of time."""
    lots = random.Random(7)  # noqa: S311 -- the same rows in each run
    other = make_postback(make_tracker(), partner)
    network = make_postback(postback.action_tracker, make_media_source())
    event = quiet_event(postback)
    replay = Replay.objects.create(selection={}, described="some", planned=1)
    start = timezone.now() - timedelta(minutes=400)
    for number in range(400):
        state = lots.choice(Delivery.State.values)
        made = Delivery(
            postback=lots.choice([postback, other, network]),
            event=event,
            action=event.action,
            state=state,
            due_at=start,
            created_at=start + timedelta(minutes=number, seconds=lots.uniform(-20, 20)),
            replay=replay if number % 5 == 0 else None,
        )
        if state == Delivery.State.SENDING:
            made.owner, made.lease_until = 1, start
        made.save()
    at = start + timedelta(minutes=200)
    asked = [
        Filters(),
        Filters(states=("failed",)),
        Filters(states=Delivery.UNFINISHED),
        Filters(partner=partner),
        Filters(postback=network.pk, states=("delivered",)),
        Filters(event_type=postback.action_tracker, since=at),
        Filters(since=at, until=at + timedelta(hours=1)),
        Filters(states=("cancelled",), until=at),
        Filters(replay=replay.pk),
        Filters(replay=replay.pk, states=("failed",), since=at),
        Filters(network=network.media_source),
    ]

    for each in asked:
        for networks in (True, False):
            wanted = list(_plainly(each, networks).order_by("-pk").values_list("pk", flat=True))
            finder = Finder(each, networks)

            assert finder.below(2**62, 1000) == wanted, each
            assert sorted(finder.some(1000)) == sorted(wanted), each
            assert len(finder.some(3)) == min(3, len(wanted))
            if len(wanted) > 20:
                assert finder.below(wanted[9], 7) == wanted[10:17]
                assert finder.above(wanted[10], 7) == wanted[3:10]


def _plainly(asked: Filters, networks: bool) -> Any:
    rows = Delivery.objects.filter(postback__in=asked.postbacks())
    if not networks:
        rows = rows.filter(postback__media_source=None)
    if asked.states:
        rows = rows.filter(state__in=asked.states)
    if asked.since:
        rows = rows.filter(created_at__gte=asked.since)
    if asked.until:
        rows = rows.filter(created_at__lt=asked.until)
    return rows.filter(replay=asked.replay) if asked.replay else rows


def test_a_time_is_found_by_ids_where_rows_are_missing(postback: Postback) -> None:
    start = timezone.now() - timedelta(days=10)
    event = quiet_event(postback)
    made = [make_finished(postback, event=event, created_at=start + timedelta(hours=n)) for n in range(50)]
    Delivery.objects.filter(pk__in=[each.pk for each in made[10:20]]).delete()

    low, high = id_span(start + timedelta(hours=15), start + timedelta(hours=30))
    assert made[9].pk < low <= made[20].pk
    assert high == made[31].pk
    assert id_span(None, None) == (0, None)
    assert id_span(timezone.now() + timedelta(days=1), None) == (made[-1].pk + 1, None)


def test_a_time_is_found_where_there_are_no_rows() -> None:
    assert id_span(timezone.now(), timezone.now()) == (0, 0)


def test_pages_lead_to_each_other(root: Client, postback: Postback) -> None:
    event = quiet_event(postback)
    made = [make_finished(postback, event=event).pk for _ in range(2 * PER_PAGE + 5)][::-1]

    first = root.get(LOG).context["page"]
    assert [row.delivery.pk for row in first.rows] == made[:PER_PAGE]
    assert first.newer is None
    second = root.get(LOG, {"before": first.older}).context["page"]
    assert [row.delivery.pk for row in second.rows] == made[PER_PAGE : 2 * PER_PAGE]
    third = root.get(LOG, {"before": second.older}).context["page"]
    assert (len(third.rows), third.older) == (5, None)
    assert shown(root, after=third.newer) == made[PER_PAGE : 2 * PER_PAGE]
    assert shown(root, after=second.newer) == made[:PER_PAGE]
    assert shown(root, after=made[0]) == made[:PER_PAGE]


def test_deliveries_are_found_by_action_order_click_and_own_id(root: Client, postback: Postback) -> None:
    delivery = make_finished(postback, event=quiet_event(postback, OrderId="SS-1", ClickId="Xy7-aZ.2"))
    make_finished(postback)
    action = delivery.action

    for term in (action.action_id, str(action.pk), "SS-1", "Xy7-aZ.2", f" {delivery.pk} "):
        assert shown(root, q=term) == [delivery.pk], term
    wrong_program = f"{action.program_id + 1}.1.{action.pk}"
    for term in (wrong_program, "xy7-az.2", "no such order", "9" * 30, "٣"):
        assert shown(root, q=term) == [], term
    assert shown(root, q="SS-1", state="failed") == []


def test_the_address_filters(root: Client, postback: Postback, partner: Partner) -> None:
    network = make_media_source()
    of_network = make_finished(make_postback(postback.action_tracker, network))
    failed = make_finished(postback, Delivery.State.FAILED)
    waiting = make_finished(postback, Delivery.State.READY, finished_at=None)
    tracker = postback.action_tracker.pk

    assert shown(root, state=UNFINISHED) == [waiting.pk]
    assert shown(root, state="failed", partner=partner.pk) == [failed.pk]
    assert shown(root, media_source=network.pk) == [of_network.pk]
    assert shown(root, action_tracker=tracker) == [waiting.pk, failed.pk, of_network.pk]
    assert shown(root, postback=postback.pk) == [waiting.pk, failed.pk]
    assert shown(root, since="2020-01-01T00:00", until="2021-01-01T00:00") == []
    root.cookies["time_zone"] = "Pacific/Kiritimati"  # 14 hours ahead: its midnight is in the morning of UTC.
    made_at = failed.created_at + timedelta(hours=14)
    assert len(shown(root, since=f"{made_at - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}")) == 3
    assert shown(root, since=f"{made_at + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}") == []


@pytest.mark.parametrize(
    "wrong", [{"state": "gone"}, {"partner": "x"}, {"partner": "9" * 30}, {"since": "tomorrow"}, {"postback": "9" * 30}]
)
def test_a_wrong_filter_is_told_and_shows_nothing(root: Client, postback: Postback, wrong: dict[str, str]) -> None:
    make_finished(postback)

    assert shown(root, **wrong) == []
    assert "Correct the errors above" in root.get(LOG, wrong).content.decode()


def test_networks_deliveries_belong_to_optimize(client: Client, postback: Postback) -> None:
    of_network = make_finished(make_postback(postback.action_tracker, make_media_source()))
    of_partner = make_finished(postback)
    user = User.objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_delivery"))
    client.force_login(user)

    assert shown(client) == [of_partner.pk]
    assert shown(client, q=str(of_network.pk)) == []
    assert client.get(f"{LOG}{of_network.pk}/change/").status_code == 404
    assert client.get(f"{LOG}{of_partner.pk}/change/").status_code == 200


def test_a_row_says_why_it_waits(root: Client, postback: Postback) -> None:
    waiting = make_finished(postback, Delivery.State.READY, finished_at=None, reason="503 came.", attempts_made=2)
    behind = make_finished(postback, Delivery.State.BLOCKED, waiting.event, finished_at=None, attempts_made=0)

    def says() -> dict[int, tuple[str, str]]:
        rows = root.get(LOG).context["page"].rows
        return {row.delivery.pk: (row.label, row.text) for row in rows}

    assert says() == {
        waiting.pk: ("Retrying", "Due now. Attempt 3 of 15 is next. 503 came."),
        behind.pk: ("Waiting", "Behind an earlier event of its action."),
    }
    Lane.objects.create(postback=postback, held_since=timezone.now(), probe_at=timezone.now())
    assert says()[waiting.pk][1].startswith("Its destination is held.")
    Postback.objects.update(paused_at=timezone.now())
    assert says()[waiting.pk][1].startswith("Its postback is paused.")
    page = root.get(f"{LOG}{behind.pk}/change/")
    assert page.context["waits_for"] == waiting


def test_a_delivery_shows_each_attempt_with_request_and_answer(root: Client, postback: Postback) -> None:
    delivery = make_finished(postback)
    again = make_finished(postback, event=delivery.event, known_as=delivery.pk)
    make_attempt(delivery, 1, status=None, reason="No connection.", response_headers="", response_body="")
    make_attempt(delivery, 2)
    assert "no longer kept" not in root.get(f"{LOG}{delivery.pk}/change/").content.decode()

    page = root.get(f"{LOG}{delivery.pk}/change/")

    assert [each.attempt.number for each in page.context["exchanges"]] == [2, 1]
    assert page.context["exchanges"][0].request.pairs == [("id", "1"), ("city", "São Paulo")]
    assert page.context["exchanges"][0].answer.pretty == '{\n  "ok": true,\n  "total": 1.10\n}'
    text = page.content.decode()
    assert "Authorization: ••••••••" in text
    assert "No connection." in text
    for link in (
        reverse("admin:actions_action_change", args=(delivery.action_id,)),
        reverse("admin:partners_partner_partner_integration", args=(postback.partner_id,)),
        reverse("admin:postbacks_delivery_change", args=(again.pk,)),
    ):
        assert f'href="{link}"' in text
    assert [each.pk for each in page.context["others"]] == [again.pk]
    delivery.attempts.filter(number=1).update(request_headers="", url="https://receiver.example")
    assert root.get(f"{LOG}{delivery.pk}/change/").content.decode().count("no longer kept") == 1


@pytest.mark.parametrize(
    ("reported", "codenames", "seen"),
    [
        ({"CustomerCity": "Recife"}, ["view_delivery"], False),
        ({"CustomerCity": "Recife"}, ["view_delivery", "view_personal_data"], True),
        ({"SharedId": "banner"}, ["view_delivery"], True),
    ],
)
def test_personal_data_in_requests_is_for_those_who_may_see_it(
    client: Client, postback: Postback, reported: dict[str, str], codenames: list[str], seen: bool
) -> None:
    delivery = make_finished(postback, event=quiet_event(postback, **reported))
    make_attempt(delivery, url="https://receiver.example/in?city=Recife", response_body='{"city":"Recife"}')
    user = User.objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)

    page = client.get(f"{LOG}{delivery.pk}/change/").content.decode()

    assert ("Recife" in page) is seen
    assert "Attempt 1" in page
    assert "12 ms" in page


def test_an_action_shows_its_life_and_who_was_told(root: Client, postback: Postback) -> None:
    created = quiet_event(postback, Amount="20.00")
    reversed_ = record_change(created, "reversed")
    Delivery.objects.all().delete()
    first = make_finished(postback, event=created)
    again = make_finished(postback, Delivery.State.FAILED, created, known_as=first.pk, reason="503 came.")
    network = make_finished(make_postback(postback.action_tracker, make_media_source()), event=reversed_)
    page = f"/admin/actions/action/{created.action_id}/change/"

    def told() -> Any:
        timeline = root.get(page).context["story"].moments
        return [(moment.event, [each.delivery for each in moment.fired or []]) for moment in timeline]

    assert told() == [(created, [first, again]), (reversed_, [network])]
    moments = root.get(page).context["story"].moments
    assert ("Amount", "0.00") in moments[1].values
    assert ("DeltaAmount", "-20.00") in moments[1].values
    assert [(each.label, each.text) for each in moments[0].fired][1] == ("Failed", "503 came.")
    assert f'href="{LOG}?q={created.action.action_id}"' in root.get(page).content.decode()
    assert f'href="{LOG}{again.pk}/change/"' in root.get(page).content.decode()

    user = User.objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_action", "view_delivery"]))
    root.force_login(user)
    assert told() == [(created, [first, again]), (reversed_, [])]
    user.user_permissions.set(Permission.objects.filter(codename="view_action"))
    assert [moment.fired for moment in root.get(page).context["story"].moments] == [None, None]


@pytest.mark.parametrize(
    ("text", "pretty"),
    [
        ('{"a":1.10,"a":[],"b":[1,{"d":"{,"}]}', _INDENTED),
        ('{"a":', '{"a":'),
        ("[" * 3000 + "]" * 3000, "[" * 3000 + "]" * 3000),
        ('\ufeff{"a":1}', '{\n  "a": 1\n}'),
        ("OK", "OK"),
        ("", ""),
        (f"{_XML}<a><b>1 &lt; 2</b><c/></a>", f"{_XML}\n<a>\n  <b>1 &lt; 2</b>\n  <c/>\n</a>"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
        ("<p>not closed", "<p>not closed"),
    ],
)
def test_bodies_are_indented_and_nothing_else(text: str, pretty: str) -> None:
    assert pretty_body(text) == pretty


def test_queries_and_forms_are_taken_apart() -> None:
    assert query_of("https://r.example/in?a=1%202&b&=c&d=e=f#g") == [("a", "1 2"), ("b", ""), ("", "c"), ("d", "e=f")]
    assert query_of("https://r.example/in") == []
    is_form = "Accept: */*\nContent-Type: application/x-www-form-urlencoded; charset=utf-8"
    assert form_of("a=S%C3%A3o+Paulo", is_form) == [("a", "São Paulo")]
    assert form_of("a=1", "Content-Type: application/json") == []


def test_an_address_whose_id_is_none_leads_nowhere(root: Client) -> None:
    for named in ("\xb2", "x", "9" * 19, "9" * 5_000):
        assert root.get(reverse("admin:postbacks_delivery_change", args=(named,))).status_code == 404


@pytest.mark.parametrize("path", [LOG, f"{LOG}?state=unfinished&%", f"{LOG}?q=SS-1&state=failed&%", f"{LOG}*/change/"])
def test_no_page_needs_more_than_17_queries(client: Client, postback: Postback, path: str) -> None:
    for number in range(12):
        delivery = make_finished(postback, event=quiet_event(postback, OrderId=f"SS-{number}"))
        make_attempt(delivery)
        make_finished(postback, Delivery.State.BLOCKED, delivery.event, finished_at=None)
    user = User.objects.create_user("someone", is_staff=True)
    seen = ["view_delivery", "change_delivery", "view_mediasource"]
    user.user_permissions.set(Permission.objects.filter(codename__in=seen))
    client.force_login(user)
    network = make_media_source()
    filters = (
        f"partner={postback.partner_id}&media_source={network.pk}&action_tracker={postback.action_tracker_id}"
        f"&postback={postback.pk}&since=2026-01-01T00:00:00&until=2030-01-01T00:00:00"
    )
    url = path.replace("%", filters).replace("*", str(delivery.pk))
    client.get(url)

    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200

    assert len(captured) <= 17, [query["sql"][:120] for query in captured]
