"""The search over any page, and menus by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from postbacks.models import Delivery
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)


@pytest.fixture
def delivery() -> Delivery:
    tracker, partner = make_tracker(make_program(name="Summit"), name="Online Sale"), make_partner(name="Compass")
    make_term(tracker, partner)
    make_postback(tracker, partner, name="Compass sales")
    record_action(tracker, partner, OrderId="compass-1")
    found = Delivery.objects.get()
    assert found.postback.partner == partner
    return found


def open_search(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()


def test_anything_is_found_from_any_page_by_keyboard(operator_page: Page, delivery: Delivery) -> None:
    page = operator_page
    page.goto("/admin/partners/program/")
    clicks = Clicks(page)

    page.locator("#searchbar").focus()  # In a field too.
    open_search(page)
    page.keyboard.type("compass")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog.get_by_role("group")).to_have_count(3)
    chosen = dialog.locator("[aria-selected=true]")
    expect(chosen).to_contain_text("Compass (")
    axe(page)
    screenshot(page, "search")

    page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("Search the delivery log for")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("Compass sales")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#searchbar")).to_be_focused()

    open_search(page)
    page.keyboard.press("Control+a")
    page.keyboard.type(f"compass-1{'x' * 3}")
    for _ in range(3):
        page.keyboard.press("Backspace")
    page.keyboard.press("Enter")  # Before the list is there: what is typed counts, not what was shown.
    expect(page).to_have_url(re.compile(rf"/admin/actions/action/{delivery.action_id}/change/"))
    assert clicks.count == 1


def test_a_search_on_a_narrow_screen_leads_to_the_log(open_as: OpenAs, delivery: Delivery) -> None:
    page = open_as(Role.VIEWER, width=NARROW, dark=True)
    page.goto("/admin/")

    page.get_by_role("link", name="Search").click()
    page.keyboard.type("nowhere-9")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog.locator(".pp-nothing")).to_be_visible()
    axe(page)
    fits(page, NARROW)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/admin/postbacks/delivery/\?q=nowhere-9$"))
    page.goto("/admin/search/?q=compass")
    expect(page.get_by_role("link", name="Compass (")).to_be_visible()
    fits(page, NARROW)
    axe(page)


def test_menus_work_by_keyboard_and_give_the_focus_back(operator_page: Page, delivery: Delivery) -> None:
    page = operator_page
    page.goto("/admin/partners/partner/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()

    more = page.get_by_role("row", name="Compass").get_by_role("button", name="More")
    more.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("navigation", name="More")
    expect(menu.get_by_role("link").first).to_be_focused()
    expect(more).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("link").last).to_be_focused()
    axe(page)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(more).to_be_focused()

    user = page.get_by_role("button", name="operator")
    user.focus()
    page.keyboard.press("ArrowDown")
    account = page.get_by_role("navigation", name="Your account")
    expect(account.get_by_role("button", name="Light")).to_be_focused()
    page.keyboard.press("End")
    expect(account.get_by_role("button", name="Sign out")).to_be_focused()
    axe(page)
    page.keyboard.press("Escape")
    expect(user).to_be_focused()

    page.goto(f"/admin/optimize_sources/mediasource/{make_media_source(name='Ledger').pk}/change/")
    delete = page.get_by_role("link", name="Delete")
    delete.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="No, take me back").click()
    expect(delete).to_be_focused()

    page.goto("/admin/partners/partner/")
    filters = page.get_by_role("button", name="Filters")
    filters.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#changelist-filter")).to_be_hidden()
    expect(filters).to_be_focused()
