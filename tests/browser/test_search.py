"""The search over any page, and menus by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from postbacks.models import Delivery
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.keys import press, press_anywhere, type_into
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


def open_search(page: Page) -> Locator:
    press_anywhere(page, "Control+k")
    return page.get_by_role("combobox", name="Search")


def test_anything_is_found_from_any_page_by_keyboard(operator_page: Page, delivery: Delivery) -> None:
    page = operator_page
    page.goto("/admin/partners/program/")
    clicks = Clicks(page)

    page.locator("#searchbar").focus()  # In a field too.
    search = open_search(page)
    type_into(search, "compass")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog.get_by_role("group")).to_have_count(3)
    chosen = dialog.locator("[aria-selected=true]")
    expect(chosen).to_contain_text("Compass (")
    axe(page)
    screenshot(page, "search")

    press(search, "ArrowUp")
    expect(chosen).to_contain_text("Search the delivery log for")
    press(search, "ArrowDown", "ArrowDown")
    expect(chosen).to_contain_text("Compass sales")
    press(search, "Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#searchbar")).to_be_focused()

    press(open_search(page), "Control+a")
    type_into(search, f"compass-1{'x' * 3}")
    press(search, *["Backspace"] * 3, "Enter")  # Before the list is there: what is typed counts, not what was shown.
    expect(page).to_have_url(re.compile(rf"/admin/actions/action/{delivery.action_id}/change/"))
    assert clicks.count == 1


def test_a_search_on_a_narrow_screen_leads_to_the_log(open_as: OpenAs, delivery: Delivery) -> None:
    page = open_as(Role.VIEWER, width=NARROW, dark=True)
    page.goto("/admin/")

    page.get_by_role("link", name="Search").click()
    search = page.get_by_role("combobox", name="Search")
    type_into(search, "nowhere-9")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog.locator(".pp-nothing")).to_be_visible()
    axe(page)
    fits(page, NARROW)
    press(search, "Enter")

    expect(page).to_have_url(re.compile(r"/admin/postbacks/delivery/\?q=nowhere-9$"))
    page.goto("/admin/search/?q=compass")
    expect(page.get_by_role("link", name="Compass (")).to_be_visible()
    fits(page, NARROW)
    axe(page)


def test_menus_work_by_keyboard_and_give_the_focus_back(operator_page: Page, delivery: Delivery) -> None:
    page = operator_page
    page.goto("/admin/partners/partner/")
    press_anywhere(page, "Tab")
    press(page.get_by_role("link", name="Skip to the content"), "Enter")
    expect(page.locator("#content")).to_be_focused()

    more = page.get_by_role("row", name="Compass").get_by_role("button", name="More")
    more.focus()
    press(more, "Enter")
    menu = page.get_by_role("navigation", name="More")
    expect(menu.get_by_role("link").first).to_be_focused()
    expect(more).to_have_attribute("aria-expanded", "true")
    press(menu.get_by_role("link").first, "ArrowUp")
    expect(menu.get_by_role("link").last).to_be_focused()
    axe(page)
    press(menu.get_by_role("link").last, "Escape")
    expect(menu).to_be_hidden()
    expect(more).to_be_focused()

    user = page.get_by_role("button", name="operator")
    user.focus()
    press(user, "ArrowDown")
    account = page.get_by_role("navigation", name="Your account")
    press(account.get_by_role("button", name="Light"), "End")
    out = account.get_by_role("button", name="Sign out")
    expect(out).to_be_focused()
    axe(page)
    press(out, "Escape")
    expect(user).to_be_focused()

    page.goto(f"/admin/optimize_sources/mediasource/{make_media_source(name='Ledger').pk}/change/")
    delete = page.get_by_role("link", name="Delete")
    delete.focus()
    press(delete, "Enter")
    page.get_by_role("link", name="No, take me back").click()
    expect(delete).to_be_focused()

    page.goto("/admin/partners/partner/")
    filters = page.get_by_role("button", name="Filters")
    filters.focus()
    press(filters, "Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    press_anywhere(page, "Escape")
    expect(page.locator("#changelist-filter")).to_be_hidden()
    expect(filters).to_be_focused()
