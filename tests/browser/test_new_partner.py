"""A partner with its contract and term: on one page, in six clicks, and nothing typed is lost by an error."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from partners.models import ActionTracker, Partner
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import make_program, make_tracker


@pytest.fixture
def sale() -> ActionTracker:
    """The event type Online Sale of Summit, beside another program."""
    make_tracker(make_program(name="Harbor"), name="Sign-up")
    return make_tracker(make_program(name="Summit"), name="Online Sale")


def test_a_partner_is_added_with_contract_and_term_in_six_clicks(open_as: OpenAs, sale: ActionTracker) -> None:
    page = open_as(Role.OPERATOR)
    page.goto("/admin/")
    clicks = Clicks(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Partners", exact=True).click()
    page.get_by_role("link", name="Add partner").click()
    page.locator("#id_name").fill("Compass")
    page.locator("#id_currency").fill("EUR")
    page.locator("#id_program").select_option(label=f"Summit ({sale.program_id})")
    expect(page.locator("#id_event_type option:not([hidden])")).to_have_text(["---------", f"Online Sale ({sale.pk})"])
    page.locator("#id_event_type").select_option(str(sale.pk))
    page.locator("#id_payout_type").select_option("percentage")
    page.locator("#id_payout").fill("10")
    axe(page)
    screenshot(page, "new-partner")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Online Sale 10 %")).to_be_visible()
    assert clicks.count == 6
    page.get_by_role("link", name="Add Postback").click()
    expect(page.locator("#id_action_tracker")).to_contain_text("Online Sale")


def test_what_is_wrong_keeps_what_was_typed(open_as: OpenAs, sale: ActionTracker) -> None:
    page = open_as(Role.OPERATOR, width=NARROW, dark=True)
    page.goto("/admin/partners/partner/add/")
    page.locator("#id_name").fill("Compass")
    page.locator("#id_currency").fill("EUR")
    page.locator("#id_program").select_option(str(sale.program_id))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The contract has no term")).to_be_visible()
    assert not Partner.objects.exists()
    expect(page.locator("#id_name")).to_have_value("Compass")
    expect(page.locator("#id_program")).to_have_value(str(sale.program_id))
    fits(page, NARROW)
    axe(page)

    page.get_by_label("Save without a term").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("no term, so it pays nothing")).to_be_visible()
