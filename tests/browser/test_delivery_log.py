"""The delivery log: found, read, sent again, cancelled."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from postbacks.models import Delivery, Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.keys import press
from tests.browser.pictures import screenshot
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_change,
)
from tests.support.log_rows import make_attempt, make_finished, quiet_event
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import running_workers

REFUSED = "Status 503 is not a success."
_ORDER = '{"order":"SS-77120","items":[{"sku":"TENT-2","amount":219.00}]}'


@pytest.fixture
def logged_postback() -> Postback:
    """A partner's, with deliveries in several states; the newest has failed twice."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    partner = make_partner(name="Compass")
    make_term(tracker, partner)
    postback = make_postback(tracker, partner, name="Sales", url="https://compass.example/in?id={ActionId}")
    network = make_postback(tracker, make_media_source(name="Ledger Analytics"), name="Conversions")
    for number, (owner, state) in enumerate(
        [
            (postback, Delivery.State.DELIVERED),
            (network, Delivery.State.DELIVERED),
            (postback, Delivery.State.CANCELLED),
            (postback, Delivery.State.READY),
            (postback, Delivery.State.FAILED),
        ]
    ):
        items = [{"Sku": "TENT-2", "Quantity": 1, "SubTotal": "219.00"}]
        event = quiet_event(postback, OrderId=f"SS-{77120 + number}", ClickId=f"Xy7-{number}", Items=items)
        failed = state == Delivery.State.FAILED
        finished_at = {"finished_at": None, "reason": ""} if state == Delivery.State.READY else {}
        delivery = make_finished(owner, state, event, attempts_made=1 + failed, **finished_at)
        if failed:
            delivery.reason = REFUSED
            delivery.save()
            for attempt in (1, 2):
                make_attempt(
                    delivery,
                    attempt,
                    succeeded=False,
                    reason=REFUSED,
                    status=503,
                    method="POST",
                    request_headers="Content-Type: application/json\nAuthorization: ••••••••",
                    request_body=_ORDER,
                    response_headers="Content-Type: text/html",
                    response_body="<p>Back in a minute.</p>",
                )
        elif state == Delivery.State.DELIVERED:
            make_attempt(delivery)
    return postback


def open_log(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Delivery log").click()
    expect(page.get_by_role("heading", name="Delivery log")).to_be_visible()


@pytest.mark.usefixtures("logged_postback")
def test_a_failed_delivery_is_found_and_read(operator_page: Page) -> None:
    page = operator_page
    open_log(page)
    expect(page.get_by_role("row")).to_have_count(6)
    axe(page)
    screenshot(page, "delivery-log")

    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("State").select_option("Failed")
    page.locator(".field-partner, #id_partner + .select2").first.click()
    page.get_by_role("option", name="Compass").click()
    axe(page)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("row")).to_have_count(2)

    page.get_by_role("row", name="Failed").get_by_role("link", name="delivery").click()
    expect(page.get_by_text('"amount": 219.00').first).to_be_visible()
    expect(page.get_by_text("Authorization: ••••••••").first).to_be_visible()
    axe(page)
    screenshot(page, "delivery")


@pytest.mark.usefixtures("logged_postback")
@pytest.mark.parametrize("term", ["SS-77121", "Xy7-1"])
def test_a_viewer_searches_on_a_phone(open_as: OpenAs, term: str) -> None:
    page = open_as(Role.VIEWER, width=NARROW, dark=True)
    page.goto("/admin/postbacks/delivery/")
    search = page.get_by_label("Search by action id")
    search.fill(term)
    press(search, "Enter")

    expect(page.get_by_role("row", name="Ledger Analytics")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    fits(page, NARROW)
    page.get_by_role("row", name="Ledger Analytics").get_by_role("link", name="delivery").click()
    expect(page.get_by_role("heading", name="Request")).to_be_visible()
    fits(page, NARROW)
    axe(page)
    screenshot(page, "delivery-narrow-dark")


@pytest.mark.django_db(transaction=True)
def test_a_failed_delivery_is_sent_again_and_arrives(open_as: OpenAs, settings: Any, logged_postback: Postback) -> None:
    """With a real worker and a real receiver, which is told the id that it knows. What waits is tried at once."""
    settings.POSTBACKS_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    later = Delivery.objects.get(state=Delivery.State.READY)
    Delivery.objects.filter(pk=later.pk).update(due_at=timezone.now() + timedelta(hours=1))
    failed = Delivery.objects.get(state=Delivery.State.FAILED)
    page = open_as(Role.OPERATOR)
    with ScriptedReceiver() as receiver, running_workers():
        Postback.objects.filter(pk=logged_postback.pk).update(url=f"{receiver.url}/in?delivery={{DeliveryId}}")
        page.goto(f"/admin/postbacks/delivery/{failed.pk}/change/")
        page.get_by_role("button", name="Resend").click()
        expect(page.get_by_text(f"Delivery {failed.pk} was resent as delivery ")).to_be_visible()
        axe(page)
        (request,) = receiver.wait_for(1)
        page.goto(f"/admin/postbacks/delivery/{later.pk}/change/")
        page.get_by_role("button", name="Try now").click()
        tried = receiver.wait_for(2)[-1]
    assert request.query == {"delivery": failed.sent_as}
    assert tried.query == {"delivery": str(later.pk)}
    failed.refresh_from_db()
    assert failed.state == Delivery.State.FAILED


@pytest.mark.usefixtures("logged_postback")
def test_ticked_ones_are_cancelled_after_a_question(operator_page: Page) -> None:
    page = operator_page
    page.goto("/admin/postbacks/delivery/")
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Cancel… selected deliveries").click()

    expect(page.get_by_role("heading", name="1 delivery will be cancelled. Are you sure?")).to_be_visible()
    expect(page.get_by_text("4 left out: finished, or being sent at this moment")).to_be_visible()
    axe(page)
    screenshot(page, "cancel-question")
    page.get_by_role("button", name="Yes, cancel 1").click()

    expect(page.get_by_text("1 delivery was cancelled.")).to_be_visible()
    assert not Delivery.objects.filter(state__in=Delivery.UNFINISHED).exists()


@pytest.mark.usefixtures("logged_postback")
def test_one_is_cancelled_in_its_row(operator_page: Page) -> None:
    page = operator_page
    page.goto("/admin/postbacks/delivery/")
    row = page.get_by_role("row", name="Retrying")
    row.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("row", name="Cancelled by operator.")).to_be_visible()
    page.get_by_label("Select all on this page").check()
    axe(page)


def test_from_an_action_to_its_deliveries_and_back(operator_page: Page, logged_postback: Postback) -> None:
    page = operator_page
    failed = Delivery.objects.get(state=Delivery.State.FAILED)
    record_change(failed.event, "reversed")
    page.goto(f"/admin/actions/action/{failed.action_id}/change/")
    life = page.get_by_role("region", name="Events and the postbacks they fired")
    expect(life.get_by_role("link", name="Reversed")).to_be_visible()
    axe(page)
    screenshot(page, "action")

    life.get_by_role("listitem").filter(has_text="Failed").get_by_role("link", name="Compass: Sales").first.click()
    expect(page.get_by_role("heading", name=f"Delivery {failed.pk}")).to_be_visible()
    page.get_by_role("link", name=failed.action.action_id).click()
    expect(life).to_be_visible()
    life.get_by_role("link", name="Deliveries in the log").click()
    expect(page.locator("tbody tr")).to_have_count(3)
