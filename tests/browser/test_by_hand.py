"""Reporting conversions and changing an action on the screens."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from actions.models import Action
from partners.models import ActionTracker
from tests.browser.actors import Role
from tests.browser.audit import axe
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import make_postback, report_fields

pytestmark = pytest.mark.usefixtures("partner")


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_a_conversion_is_checked_recorded_and_changed(
    open_as: OpenAs, tracker: ActionTracker, width: int, dark: bool
) -> None:
    page = open_as(Role.OPERATOR, width=width, dark=dark)
    page.goto("/admin/actions/action/")
    choose(page, "Report conversions")
    partner = tracker.contract_terms.get().contract.partner
    make_postback(tracker, partner, name="Sales")
    make_postback(tracker, partner, name="Corrections", event_trigger="changes")
    items = [{"Sku": "TENT-2", "Name": "Tent", "Quantity": 1, "SubTotal": "219.00"}]
    good = report_fields(tracker, partner, OrderId="SS-1", Items=items)
    bad = {**good, "OrderId": "SS-2", "CurrencyCode": "EUR"}
    page.get_by_label("Reports").fill(f"{json.dumps(good)}\n{json.dumps(bad)}")
    page.get_by_role("button", name="Check only").click()
    expect(page.get_by_text("It would be: 1 recorded, 0 repeated, 1 rejected.")).to_be_visible()
    expect(page.get_by_text("There is no exchange rate between")).to_be_visible()
    expect(page.get_by_text("Amount 219.00 USD, pays 17.52 USD")).to_be_visible()
    expect(page.get_by_text("whom the report named.")).to_be_visible()
    expect(page.locator(".pp-fired li", has_text="Would fire")).to_contain_text("Compass: Sales")
    expect(page.locator(".pp-fired li", has_text="Would not fire")).to_contain_text("Its Event Trigger is Changes only")
    axe(page)
    if not dark:
        screenshot(page, "report-conversions")
    assert not Action.objects.exists()
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("heading", name="1 recorded, 0 repeated, 1 rejected.")).to_be_visible()

    page.goto(f"/admin/actions/action/{Action.objects.get().pk}/change/")
    choose(page, "Change")
    page.get_by_label("Subtotal of 1. TENT-2").fill("119.00")
    page.get_by_label("Reason").fill("PRICE_MATCH")
    axe(page)
    if not dark:
        screenshot(page, "change-action")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("is modified.")).to_be_visible()
    action = Action.objects.get()
    assert (action.amount, action.payout) == (Decimal("119.00"), Decimal("9.52"))


def choose(page: Page, what: str) -> None:
    """The button at the top right; where the window is narrow it is in a menu."""
    menu = page.get_by_role("link", name="more_horiz")
    if menu.is_visible():
        menu.click()
    page.get_by_role("link", name=re.compile(rf"\b{what}$")).locator("visible=true").click()
