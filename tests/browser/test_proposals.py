"""From a partner's question to a changed postback: an order, another URL, and an operator's yes."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from partners.models import ActionTracker, Partner
from portal.models import PartnerLink
from postbacks.models import Delivery, Postback
from tests.browser.actors import Role, make_user
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.keys import press
from tests.browser.pictures import screenshot
from tests.portal.opened import finish, make_attempt, make_link, path_of
from tests.support.factories import make_postback, record_action
from tests.support.receiver import ScriptedReceiver


@pytest.fixture
def sales(tracker: ActionTracker, partner: Partner) -> Postback:
    """Sales, whose receiver has failed the order SS-77120."""
    made = make_postback(tracker, partner, name="Sales", url="https://compass.example/in?order={Oid}")
    failed = Delivery.objects.get(event=record_action(tracker, partner, OrderId="SS-77120"))
    url = "https://compass.example/in?order=SS-77120"
    make_attempt(failed, url=url, status=410, succeeded=False, reason="Status 410", response_body="moved to /v2")
    finish(failed, "failed")
    return made


def is_right(page: Page, phone: Page) -> None:
    """No axe violation; nor on a phone in the dark, where the same page fits."""
    axe(page)
    phone.goto(page.url)
    expect(phone.locator("h1").first).to_be_attached()
    fits(phone, NARROW)
    axe(phone)


def test_a_partner_finds_an_order_proposes_another_url_and_is_approved(
    open_as: OpenAs, sales: Postback, partner: Partner, settings: Any
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    link = make_link(partner, name="engineer at Compass", rights=PartnerLink.Right.values)
    visitor, phone = open_as(None, width=WIDE), open_as(None, width=NARROW, dark=True)
    _finds_and_resends(visitor, link)
    phone.goto(path_of(link))
    with ScriptedReceiver() as receiver:
        there = f"{receiver.url}/v2?order={{Oid}}&city={{CustomerCity}}"
        _proposes(visitor, phone, there)
        assert receiver.arrivals[-1].path.startswith("/v2")
        assert receiver.arrivals[-1].headers["Authorization"] == "Basic c2hvcDp3b3Jk"

    operator = make_user(Role.OPERATOR)
    _approves(open_as(operator, width=WIDE), open_as(operator, width=NARROW, dark=True), there)

    visitor.reload()
    told = visitor.get_by_role("region", name="Changes that were proposed")
    expect(told).to_contain_text("Approved")
    expect(told).to_contain_text("We write: Thank you, it goes there from now on.")
    expect(told.get_by_role("button", name="Withdraw")).to_have_count(0)
    sales.refresh_from_db()
    assert sales.url == there


def _finds_and_resends(visitor: Page, link: PartnerLink) -> None:
    visitor.goto(path_of(link))
    find = visitor.get_by_label("Find a delivery")
    find.fill("SS-77120")
    press(find, "Enter")
    visitor.get_by_role("table", name="Deliveries").get_by_role("link").first.click()
    expect(visitor.get_by_text("moved to /v2")).to_be_visible()
    visitor.get_by_role("button", name="Send again").click()
    expect(visitor.get_by_role("status")).to_contain_text("It is sent again.")


def _proposes(visitor: Page, phone: Page, url: str) -> None:
    visitor.goto("/portal/")
    visitor.get_by_role("link", name="Sales").click()
    visitor.get_by_role("link", name="Propose a change").click()
    visitor.get_by_label("URL", exact=True).fill(url)
    visitor.get_by_text("How you want to be asked").click()
    expect(visitor.get_by_label("Password")).to_be_hidden()
    visitor.get_by_label("Authentication").select_option("OAuth 2.0 client credentials")
    expect(visitor.get_by_label("Token URL")).to_be_visible()
    axe(visitor)
    visitor.get_by_label("Authentication").select_option("HTTP Basic")
    expect(visitor.get_by_label("Token URL")).to_be_hidden()
    visitor.get_by_label("User", exact=True).fill("shop")
    visitor.get_by_label("Password").fill("word")
    visitor.get_by_label("What we should know").fill("We move to v2.")
    visitor.get_by_role("button", name="Send a test").click()
    expect(visitor.get_by_role("status")).to_contain_text("Status 200 is a success")
    screenshot(visitor, "portal-propose", full_page=True)
    is_right(visitor, phone)
    visitor.get_by_role("button", name="Propose", exact=True).click()
    expect(visitor.get_by_role("region", name="Changes that were proposed")).to_contain_text("Waiting")


def _approves(page: Page, phone: Page, url: str) -> None:
    page.goto("/admin/")
    waiting = page.get_by_role("region", name="Proposals: 1 change waits for approval")
    waiting.get_by_role("link", name="Show all waiting").click()
    expect(page.get_by_role("link", name="Compass: Sales")).to_be_visible()
    is_right(page, phone)
    page.get_by_role("link", name="Compass: Sales").click()
    expect(page.get_by_text("Another receiver: ")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="CustomerCity")).to_contain_text("personal data")
    expect(page.locator("pre", has_text=url.partition("?")[0])).to_be_visible()
    screenshot(page, "proposal")
    is_right(page, phone)
    page.get_by_label("Reason, which the partner reads").fill("Thank you, it goes there from now on.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("is changed as proposed.")).to_be_visible()
    axe(page)
