"""From the left navigation to an owner's postbacks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from postbacks.models import Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
)


@pytest.fixture
def compass() -> Postback:
    """A partner's only postback."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    partner = make_partner(name="Compass")
    make_term(tracker, partner)
    return make_postback(tracker, partner, name="Sales", url="https://compass.example/in?secret=1&id={ActionId}")


def open_from_navigation(page: Page, entry: str, row: str, screen: str) -> None:
    page.goto("/admin/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name=entry, exact=True).click()
    page.get_by_role("row", name=row).get_by_role("button", name="More").click()
    page.get_by_role("link", name=screen).click()
    expect(page.get_by_role("heading", name=screen)).to_be_visible()


def test_a_partners_postbacks_are_paused_and_resumed(operator_page: Page, compass: Postback) -> None:
    page = operator_page
    open_from_navigation(page, "Partners", "Compass", "Partner Integration")
    row = page.get_by_role("row", name="Online Sale")
    expect(row).to_contain_text("compass.example/in")
    expect(page.locator("body")).not_to_contain_text("secret")
    axe(page)

    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    compass.refresh_from_db()
    assert compass.paused_at is not None

    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("Active")
    compass.refresh_from_db()
    assert compass.paused_at is None


def test_a_viewer_sees_a_networks_postbacks_and_changes_nothing(open_as: OpenAs) -> None:
    network = make_media_source(name="Ledger Analytics")
    make_postback(make_tracker(name="Lead"), network)
    page = open_as(Role.VIEWER, width=NARROW, dark=True)

    page.goto(f"/admin/optimize_sources/mediasource/{network.pk}/notifications/")

    expect(page.get_by_text("Lead", exact=True)).to_be_visible()
    for name in ("Pause", "Resume", "Add Postback", "Copy to"):
        expect(page.get_by_text(re.compile(f"^{name}"))).to_have_count(0)
    fits(page, NARROW)
    axe(page)
    screenshot(page, "event-notifications-narrow-dark")


def test_without_a_contract_the_screen_says_what_to_do_first(operator_page: Page) -> None:
    partner = make_partner(name="Compass")
    page = operator_page

    page.goto(f"/admin/partners/partner/{partner.pk}/integration/")
    expect(page.get_by_role("link", name="Add Postback")).to_have_count(0)
    page.get_by_role("link", name="Add a contract").click()

    expect(page.locator("#id_partner option:checked")).to_have_text(str(partner))


def test_postbacks_are_copied_to_whom_they_fit(operator_page: Page, compass: Postback) -> None:
    fits, lacks = make_partner(name="Harbor"), make_partner(name="Meridian")
    make_term(compass.action_tracker, fits)
    page = operator_page
    page.goto(f"/admin/partners/partner/{compass.partner_id}/integration/")

    page.get_by_role("link", name="Copy to…").click()
    page.locator("#id_owners").select_option([str(fits.pk), str(lacks.pk)])
    axe(page)
    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_text("Copied: 1. Left out: 1.")).to_be_visible()
    expect(page.get_by_text("No contract of Meridian")).to_be_visible()
    assert Postback.objects.get(partner=fits).url == compass.url
    assert not Postback.objects.filter(partner=lacks).exists()
