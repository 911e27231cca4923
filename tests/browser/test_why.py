"""Why was this partner not told? Asked from the dashboard, answered by the log; and sent anyway."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from partners.models import ActionTracker
from postbacks.models import Delivery
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.keys import press
from tests.browser.pictures import screenshot
from tests.support.factories import (
    make_contract,
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)


@pytest.fixture
def shop() -> ActionTracker:
    """An event type for which one partner has no term, and one of whose postbacks fires on changes only."""
    tracker = make_tracker(make_program(name="Summit"), name="Shop order")
    ledger = make_media_source(name="Ledger Analytics")
    make_postback(tracker, ledger, name="Conversions")
    make_postback(tracker, ledger, name="Joint sales", scope="involved")
    make_postback(make_tracker(tracker.program, name="Newsletter"), ledger, name="Sign-ups")
    make_partner_with_term(tracker)
    make_partner_without_term(tracker)
    return tracker


def make_partner_with_term(tracker: ActionTracker) -> None:
    compass = make_partner(name="Compass")
    make_term(tracker, compass)
    make_postback(tracker, compass, name="Corrections", event_trigger="changes")
    record_action(tracker, compass, OrderId="SS-77120", Amount="219.00")


def make_partner_without_term(tracker: ActionTracker) -> None:
    meridian = make_partner(name="Meridian")
    make_contract(meridian, tracker.program)
    make_postback(tracker, meridian, name="Sales")
    record_action(tracker, meridian, OrderId="SS-77121", Amount="35.00")


@pytest.mark.usefixtures("shop")
def test_a_partner_that_was_not_told_is_explained_in_two_clicks_and_told_in_one(open_as: OpenAs) -> None:
    page = open_as(Role.OPERATOR, width=WIDE)
    page.goto("/admin/")
    clicks = Clicks(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Delivery log").click()
    search = page.get_by_label("Search by action id")
    search.fill("SS-77120")
    press(search, "Enter")

    expect(page.get_by_text("Its Event Trigger is Changes only; this event is created.")).to_be_visible()
    assert clicks.count == 2
    expect(page.get_by_text("whom the report named.")).to_be_visible()
    expect(page.get_by_text("only for actions that its network took part in")).to_be_visible()
    page.get_by_text("1 postback of other event types").click()
    expect(page.get_by_text("is for Newsletter")).to_be_visible()
    axe(page)
    screenshot(page, "why-not-told")

    page.get_by_role("button", name="Send it anyway to Compass: Corrections").click()
    expect(page.get_by_text("Created is sent to Compass: Corrections.")).to_be_visible()
    expect(page.get_by_text("Sent although the event did not fire the postback.")).to_be_visible()
    assert Delivery.objects.filter(postback__name="Corrections").count() == 1


@pytest.mark.usefixtures("shop")
def test_a_viewer_reads_on_a_phone_which_term_is_missing(open_as: OpenAs) -> None:
    page = open_as(Role.VIEWER, width=NARROW, dark=True)
    page.goto("/admin/postbacks/delivery/?q=SS-77121")
    missing = page.get_by_text("The contract had no term for the event type Shop order")
    expect(missing).to_be_visible()
    fits(page, NARROW)
    axe(page)
    page.get_by_role("heading", name="order SS-77121").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Events and the postbacks they fired")).to_be_visible()
    expect(missing).to_be_visible()
    expect(page.get_by_role("button", name="Send it anyway")).to_have_count(0)
    fits(page, NARROW)
    axe(page)
    page.goto("/admin/postbacks/delivery/?q=SS-00000")
    expect(page.get_by_text("it was never reported, or under another id")).to_be_visible()
    fits(page, NARROW)
    axe(page)
