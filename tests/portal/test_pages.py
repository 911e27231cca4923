"""What a partner sees: its postbacks, its deliveries, what was sent and answered, and why something was not sent."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from partners.models import ActionTracker, Partner
from portal.models import PartnerLink
from postbacks.delivery_log.history import entries_of
from postbacks.models import Delivery, Postback
from tests.portal.opened import finish, make_attempt, make_link, opened, press, texts
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action, record_change

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(tracker: ActionTracker, partner: Partner, postback: Postback) -> Delivery:
    """Of the order SS-1 of a customer in Oslo."""
    event = record_action(tracker, partner, OrderId="SS-1", CustomerCity="Oslo", Amount="219.37", PromoCode="HARBOR10")
    made = Delivery.objects.get(event=event)
    make_attempt(
        made,
        url="https://compass.example/in?order=SS-1&city=Oslo",
        response_body="thanks for oslo and SS-1",
        reason="Status 200",
    )
    return finish(made)


def test_pages_show_the_postbacks_their_state_and_the_deliveries(visitor: Client, delivery: Delivery) -> None:
    pages = [visitor.get(path) for path in ("/portal/", "/portal/deliveries/", "/portal/receiving/", "/portal/guide/")]
    pages += [
        visitor.get(f"/portal/postbacks/{delivery.postback_id}/"),
        visitor.get(f"/portal/deliveries/{delivery.pk}/"),
    ]

    assert {page.status_code for page in pages} == {200}
    assert "Sales" in pages[0].content.decode()
    assert "Order SS-1" in pages[1].content.decode()
    assert "webhook-id" in pages[3].content.decode()
    assert "https://compass.example/in?order={Oid}" in pages[4].content.decode()
    assert "thanks for" in pages[5].content.decode()


def test_nothing_of_an_order_is_shown_that_the_template_does_not_send(visitor: Client, delivery: Delivery) -> None:
    pages = [visitor.get(f"/portal/deliveries/{delivery.pk}/"), visitor.get("/portal/deliveries/?q=SS-1")]

    assert "SS-1" in texts(pages)
    for unsent in ("219.37", "HARBOR10", "USD", delivery.action.action_id, "Summit"):
        assert unsent not in texts(pages), unsent


def test_personal_data_is_masked_in_the_request_and_where_the_answer_echoes_it(
    visitor: Client, delivery: Delivery
) -> None:
    page = texts([visitor.get(f"/portal/deliveries/{delivery.pk}/")])

    assert "oslo" not in page.lower()
    assert "order=SS-1&amp;city=hidden-personal-data" in page
    assert "thanks for ••••••••" in page


def test_personal_data_is_shown_where_the_link_allows_it(delivery: Delivery, partner: Partner) -> None:
    page = texts([opened(make_link(partner, personal_data=True)).get(f"/portal/deliveries/{delivery.pk}/")])

    assert "city=Oslo" in page
    assert "thanks for oslo" in page


@pytest.mark.usefixtures("history")
def test_a_request_of_an_earlier_set_up_is_masked_by_what_the_history_knows(
    visitor: Client, delivery: Delivery
) -> None:
    postback = Postback.objects.get(pk=delivery.postback_id)
    postback.url = "https://compass.example/new?order={Oid}"
    postback.save()

    page = texts([visitor.get(f"/portal/deliveries/{delivery.pk}/")])

    assert "oslo" not in page.lower()
    assert "order=SS-1&amp;city=hidden-personal-data" in page


def test_a_request_of_an_unknown_set_up_is_hidden_as_what_is_personal_in_it_cannot_be_told(
    visitor: Client, delivery: Delivery
) -> None:
    Postback.objects.filter(pk=delivery.postback_id).update(url="https://compass.example/new?order={Oid}")

    page = texts([visitor.get(f"/portal/deliveries/{delivery.pk}/")])

    assert "oslo" not in page.lower()
    assert "so much has changed since" in page


@pytest.mark.parametrize("what", ["order", "click", "action", "delivery"])
def test_search_finds_by_what_is_sent(
    visitor: Client, tracker: ActionTracker, partner: Partner, postback: Postback, what: str
) -> None:
    Postback.objects.filter(pk=postback.pk).update(url="https://c.example/?a={ActionId}&o={Oid}&c={RefClickId}")
    event = record_action(tracker, partner, OrderId="SS-9", RefClickId="click-77")
    made = Delivery.objects.get(event=event)
    term = {"order": "SS-9", "click": "click-77", "action": event.action.action_id, "delivery": made.sent_as}[what]

    assert f"/portal/deliveries/{made.pk}/" in texts([visitor.get("/portal/deliveries/", {"q": term})])


@pytest.mark.parametrize("what", ["order", "click", "action"])
def test_search_does_not_look_at_what_is_not_sent(
    visitor: Client, tracker: ActionTracker, partner: Partner, postback: Postback, what: str
) -> None:
    Postback.objects.filter(pk=postback.pk).update(url="https://c.example/?id={DeliveryId}&h={sha256(Oid)}")
    event = record_action(tracker, partner, OrderId="SS-9", RefClickId="click-77")
    term = {"order": "SS-9", "click": "click-77", "action": event.action.action_id}[what]

    assert "Nothing was found" in texts([visitor.get("/portal/deliveries/", {"q": term})])


def test_why_an_order_was_not_sent_is_told_without_values_of_the_brand(
    visitor: Client, tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    large = [{"parameter": "Amount", "operator": "at least", "values": ["1000"]}]
    make_postback(tracker, partner, name="Large sales", url="https://c.example/?o={Oid}", conditions=large)
    make_postback(tracker, partner, name="Corrections", url="https://c.example/?o={Oid}", event_trigger="changes")
    make_postback(make_tracker(tracker.program), partner, name="Leads", url="https://c.example/?o={Oid}")
    record_action(tracker, partner, OrderId="SS-3", Amount="219.37")

    page = texts([visitor.get("/portal/deliveries/", {"q": "SS-3"})])

    assert "<strong>Large sales</strong>: The order does not meet the conditions" in page
    assert "<strong>Corrections</strong>: It is for changes only, and this was a new order." in page
    assert "<strong>Leads</strong>: It is for another kind of event than this order." in page
    assert "219.37" not in page
    assert "1000" not in page.replace(str(tracker.pk), "")


def test_an_order_of_another_partner_answers_exactly_as_one_that_does_not_exist(
    visitor: Client, tracker: ActionTracker, others: Postback, postback: Postback
) -> None:
    assert others.partner is not None
    event = record_action(tracker, others.partner, OrderId="SS-5")
    theirs = Delivery.objects.get(event=event)

    with CaptureQueriesContext(connection) as asked_for_found:
        found = texts([visitor.get("/portal/deliveries/", {"q": "SS-5"})])
    with CaptureQueriesContext(connection) as asked_for_none:
        none = texts([visitor.get("/portal/deliveries/", {"q": "SS-6"})])
    theirs_page = visitor.get(f"/portal/deliveries/{theirs.pk}/")
    no_page = visitor.get(f"/portal/deliveries/{theirs.pk + 1000}/")

    assert found == none.replace("SS-6", "SS-5")
    assert len(asked_for_found) == len(asked_for_none)  # So it takes as long.
    assert (theirs_page.status_code, theirs_page.content) == (404, no_page.content)


def test_a_network_sees_its_own_and_orders_that_it_took_part_in(tracker: ActionTracker, partner: Partner) -> None:
    network = make_media_source(name="Ledger")
    make_postback(tracker, network, name="Joint", url="https://l.example/?o={Oid}", scope="involved")
    make_postback(tracker, partner, name="Theirs", url="https://c.example/?o={Oid}")
    visitor = opened(make_link(network))
    record_action(tracker, partner, OrderId="SS-7", MediaSourceIds=str(network.pk))
    alone = record_action(tracker, partner, OrderId="SS-8")

    assert "Joint" in texts([visitor.get("/portal/deliveries/", {"q": "SS-7"})])
    assert "Nothing was found" in texts([visitor.get("/portal/deliveries/", {"q": "SS-8"})])
    assert visitor.get(f"/portal/deliveries/{Delivery.objects.get(event=alone).pk}/").status_code == 404


def test_a_partner_sends_again_and_it_is_in_the_history(visitor: Client, delivery: Delivery, link: PartnerLink) -> None:
    page = f"/portal/deliveries/{delivery.pk}/"
    seen = visitor.get(page).context["seen"]

    answer = press(visitor, f"{page}resend/", page, seen=seen)
    again = press(visitor, f"{page}resend/", page, seen=seen)

    new = Delivery.objects.latest("pk")
    assert (answer.url, new.sent_as) == (f"/portal/deliveries/{new.pk}/?done=resent", delivery.sent_as)
    assert again.url == f"{page}?done=left"
    assert Delivery.objects.filter(event=delivery.event).count() == 2
    assert [(entry.by, entry.text) for entry in entries_of(new)] == [(link.author, "Sent again.")]


def test_a_change_waits_in_words_of_the_receiver(
    visitor: Client, tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    event = record_action(tracker, partner, OrderId="SS-4")
    later = Delivery.objects.get(event=record_change(event, "modified", Amount="5"))

    assert "waits for an earlier delivery of the same order" in texts([visitor.get(f"/portal/deliveries/{later.pk}/")])
