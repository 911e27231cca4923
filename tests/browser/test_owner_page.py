"""An owner's own page: how it is, what it is paid and was told; what is done to all of its postbacks at once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from partners.models import Partner
from postbacks.lifecycle import pause
from postbacks.models import Lane, Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.keys import press_anywhere
from tests.browser.pictures import screenshot
from tests.support.factories import (
    make_contract,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.usefixtures("empty_redis")


@pytest.fixture
def compass() -> Partner:
    """A partner with three postbacks in three states, and an action that two of them are told of."""
    program = make_program(name="Summit")
    sale, lead = make_tracker(program, name="Online Sale"), make_tracker(program, name="Lead")
    partner = make_partner(name="Compass", currency="EUR")
    contract = make_contract(partner, program, start=date(2026, 3, 1))
    make_term(sale, partner, "10%", contract=contract)
    make_term(lead, partner, "5", contract=contract)
    make_postback(sale, partner, name="Sales", url="https://compass.example/in?secret=1&id={ActionId}")
    held = make_postback(lead, partner, name="Leads", url="https://compass.example/leads?id={ActionId}")
    pause(make_postback(sale, partner, name="Returns", url="https://compass.example/returns?id={ActionId}"))
    now = timezone.now()
    Lane.objects.update_or_create(
        postback=held, defaults={"failures": 10, "held_since": now, "probe_at": now + timedelta(minutes=5)}
    )
    record_action(lead, partner, OrderId="SUMMIT-1")
    return partner


def test_a_partner_at_a_glance_and_paused_in_three_clicks(open_as: OpenAs, compass: Partner) -> None:
    page = open_as(Role.OPERATOR)
    page.goto("/admin/")
    clicks = Clicks(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Partners", exact=True).click()
    axe(page)
    screenshot(page, "partners")
    page.get_by_role("row", name="Compass").get_by_role("link", name="Pause all").click()
    expect(page.get_by_role("heading", name="Pause 2 postbacks of Compass?")).to_be_visible()
    axe(page)
    screenshot(page, "pause-all")
    page.get_by_role("button", name="Yes, pause 2").click()
    expect(page.get_by_text("All 3 postbacks are paused.")).to_be_visible()
    assert clicks.count == 3
    assert not Postback.objects.filter(paused_at=None).exists()

    page.get_by_role("link", name="Resume all").click()
    expect(page.get_by_text("1 stays paused: it was paused separately.")).to_be_visible()
    page.get_by_role("button", name="Yes, resume 2").click()
    expect(page.get_by_text("Of 3 postbacks, 1 is held: its destination does not answer")).to_be_visible()
    expect(page.get_by_text("Summit, since 1 Mar 2026: Lead EUR 5, Online Sale 10 %")).to_be_visible()
    expect(page.get_by_role("table", name="Last deliveries of Compass")).to_contain_text("Leads")
    expect(page.get_by_role("table", name="Last actions of Compass")).to_contain_text("SUMMIT-1")
    expect(page.locator("body")).not_to_contain_text("secret")

    press_anywhere(page, "Home")
    page.get_by_text("More", exact=True).click()
    axe(page)
    page.get_by_role("link", name="Actions of this partner").click()
    expect(page.get_by_role("row", name="SUMMIT-1")).to_be_visible()


def test_a_partners_page_in_a_picture(open_as: OpenAs, compass: Partner) -> None:
    for role, width, picture in ((Role.OPERATOR, WIDE, "partner"), (Role.VIEWER, NARROW, "partner-narrow-dark")):
        page = open_as(role, width=width, dark=width == NARROW)
        page.goto(f"/admin/partners/partner/{compass.pk}/integration/")
        expect(page.get_by_role("heading", name="Last actions")).to_be_visible()
        fits(page, width)
        axe(page)
        screenshot(page, picture, full_page=True)
    for name in ("Pause all", "Resume all", "Add contract", "Edit"):
        expect(page.get_by_text(name, exact=True)).to_have_count(0)


def test_long_names_are_cut_and_shown_whole_to_the_pointer(open_as: OpenAs) -> None:
    name = "Worldwide Outdoor and Mountaineering Equipment Comparison " * 3
    partner = make_partner(name=name.strip())
    make_term(make_tracker(make_program(name=name[:150].strip())), partner)
    page = open_as(Role.OPERATOR, width=NARROW)
    for path in (f"/admin/partners/partner/{partner.pk}/integration/", f"/admin/partners/partner/{partner.pk}/change/"):
        page.goto(path)
        fits(page, NARROW)
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.goto("/admin/partners/partner/")
    expect(page.get_by_role("row").get_by_title(partner.name)).to_be_visible()
    fits(page, WIDE)
    page.goto("/admin/postbacks/delivery/")
    page.get_by_text("Filters", exact=True).click()
    page.locator(".field-partner .select2-selection, #id_partner + .select2").first.click()
    option = page.locator(".select2-results__option[role=option]", has_text="Worldwide")
    option.hover()
    expect(option).to_have_attribute("title", str(partner))
