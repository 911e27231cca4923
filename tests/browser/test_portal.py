"""A partner's engineer: finds an order, reads the attempt, has it sent again; on a phone and framed too."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import FrameLocator, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from partners.models import ActionTracker, Partner
from portal.models import PartnerLink
from postbacks.credentials.signing.renewal import ensure_key
from postbacks.models import Delivery, Postback, Rollup
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.keys import press
from tests.browser.pictures import screenshot
from tests.browser.watch import expect as expect_problem
from tests.portal.opened import finish, make_attempt, make_link, path_of
from tests.support.factories import make_postback, record_action
from tests.support.receiver import Response, ScriptedReceiver


@pytest.fixture
def link(tracker: ActionTracker, partner: Partner) -> PartnerLink:
    """Of Compass, which refused the order SS-77120 and was told of some others."""
    url = "https://compass.example/in?order={Oid}&event={ActionEvent}&city={CustomerCity}"
    sales = make_postback(tracker, partner, name="Sales", url=url)
    ensure_key(sales)
    sales.save()
    make_postback(
        tracker, partner, name="Corrections", url="https://compass.example/fix?o={Oid}", event_trigger="changes"
    )
    for number in range(4):
        made = Delivery.objects.get(event=record_action(tracker, partner, OrderId=f"SS-7711{number}"))
        make_attempt(made, url=f"https://compass.example/in?order=SS-7711{number}&event=created&city=")
        finish(made)
    refused = Delivery.objects.get(event=record_action(tracker, partner, OrderId="SS-77120", CustomerCity="Oslo"))
    make_attempt(
        refused,
        url="https://compass.example/in?order=SS-77120&event=created&city=Oslo",
        status=422,
        succeeded=False,
        reason="Status 422",
        response_headers="Content-Type: application/json",
        response_body='{"error": "unknown order SS-77120", "city": "Oslo"}',
    )
    finish(refused, "failed")
    _counted(sales)
    return make_link(partner, name="engineer at Compass", rights=PartnerLink.Right.values)


def _counted(sales: Postback) -> None:
    """What the roll-ups say of the last day."""
    at = timezone.now().replace(minute=0, second=0, microsecond=0)
    Rollup.objects.create(period="hour", at=at, postback_key=sales.pk, attempts=5, succeeded=4, delivered=4, failed=1)


def test_a_partner_finds_an_order_reads_the_answer_and_has_it_sent_again(open_as: OpenAs, link: PartnerLink) -> None:
    page = open_as(None, width=WIDE)
    page.goto(path_of(link))
    expect(page).to_have_url("/portal/")
    expect(page.get_by_role("img", name="Last day: 4 delivered, 1 failed")).to_be_visible()
    axe(page)
    screenshot(page, "portal")

    find = page.get_by_label("Find a delivery")
    find.fill("SS-77120")
    press(find, "Enter")
    expect(page.get_by_text("It is for changes only, and this was a new order.")).to_be_visible()
    axe(page)
    page.get_by_role("table", name="Deliveries").get_by_role("link").first.click()

    expect(page.get_by_text("unknown order SS-77120")).to_be_visible()
    expect(page.get_by_text("Oslo")).to_have_count(0)
    axe(page)
    screenshot(page, "portal-delivery")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_contain_text("It is sent again.")
    assert Delivery.objects.filter(action__order_id="SS-77120").count() == 2

    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", name="Closed")).to_be_visible()
    page.go_back()
    expect_problem(page, "^status 403")
    page.reload()
    expect(page.get_by_role("heading", name="Open your link")).to_be_visible()


def test_every_page_fits_a_phone_in_the_dark_and_needs_no_script(open_as: OpenAs, link: PartnerLink) -> None:
    page = open_as(None, width=NARROW, dark=True)
    page.goto(path_of(link))
    assert page.locator("script").count() == 0
    delivery, postback = Delivery.objects.latest("pk"), Postback.objects.get(name="Sales")
    for path in (
        "",
        "deliveries/",
        "deliveries/?q=SS-77120",
        "receiving/",
        "guide/",
        f"postbacks/{postback.pk}/",
        f"deliveries/{delivery.pk}/",
    ):
        page.goto(f"/portal/{path}")
        expect(page.locator("h1")).to_be_visible()
        fits(page, NARROW)
        axe(page)
    screenshot(page, "portal-narrow-dark")
    page.goto(f"/portal/postbacks/{postback.pk}/")
    page.get_by_role("button", name="Make a new key").click()
    expect(page.get_by_text("whsec_")).to_be_visible()


def test_in_a_frame_of_a_page_that_may_frame_it_a_partner_can_do_the_same(
    open_as: OpenAs, link: PartnerLink, live_server: LiveServer, settings: Settings
) -> None:
    inner = f"{live_server.url}{path_of(link)}"
    body = f'<!DOCTYPE html><title>Ours</title><iframe src="{inner}" width="1200" height="700"></iframe>'.encode()
    with ScriptedReceiver(lambda _arrival: Response(200, body, {"Content-Type": "text/html"})) as outer:
        settings.PORTAL_FRAME_ORIGINS = [outer.url]  # By its address: another site than localhost.
        page = open_as(None, width=WIDE)
        expect_problem(page, "^asked another host: http://127")
        page.goto(outer.url)
        _pause_within(page.frame_locator("iframe"))
    assert Postback.objects.get(name="Sales").paused_at is not None


def _pause_within(frame: FrameLocator) -> None:
    frame.get_by_role("link", name="Sales").click()
    frame.get_by_role("button", name="Pause").click()

    expect(frame.get_by_role("status")).to_contain_text("Paused.")


def test_an_operator_makes_a_link_and_revokes_it(open_as: OpenAs, partner: Partner) -> None:
    page = open_as(Role.OPERATOR, width=WIDE)
    page.goto(f"/admin/partners/partner/{partner.pk}/integration/")
    page.get_by_role("link", name="Make a link").click()
    page.get_by_label("Name").fill("engineer at Compass")
    page.get_by_label("Send deliveries again").check()
    axe(page)
    page.get_by_role("button", name="Save", exact=True).click()

    address = page.locator("code", has_text="/portal/open/?link=").inner_text()
    link = PartnerLink.objects.get()
    assert (link.partner, link.rights, link.created_by and link.created_by.username) == (
        partner,
        ["resend"],
        "operator",
    )
    page.goto(f"/admin/portal/partnerlink/{link.pk}/change/")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("code", has_text="pl_")).to_be_visible()
    axe(page)
    visitor = open_as(None)
    visitor.goto(address)
    expect(visitor.get_by_role("heading", name="Postbacks")).to_be_visible()

    page.goto(f"/admin/partners/partner/{partner.pk}/integration/")
    axe(page)
    page.get_by_role("button", name="Revoke engineer at Compass").click()
    expect(page.get_by_text("1 revoked")).to_be_visible()
    expect_problem(visitor, "^status 403")
    visitor.reload()
    expect(visitor.get_by_role("heading", name="Open your link")).to_be_visible()
