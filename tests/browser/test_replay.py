"""A replay on the screens: chosen, counted, sent, watched and cancelled."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from postbacks.models import Delivery, Replay
from tests.browser.actors import Role
from tests.browser.audit import axe
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.pictures import screenshot
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_a_replay_is_counted_sent_watched_and_cancelled(open_as: OpenAs, width: int, dark: bool) -> None:
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    partner = make_partner(name="Compass")
    make_term(tracker, partner)
    postback = make_postback(tracker, partner, name="Sales", url="https://compass.example/in?id={ActionId}")
    make_due_deliveries(tracker, [postback], 3)
    Delivery.objects.update(state="delivered", finished_at=timezone.now())

    page = open_as(Role.OPERATOR, width=width, dark=dark)
    page.goto("/admin/postbacks/replay/add/")
    axe(page)
    page.get_by_role("button", name="Count and preview").click()
    expect(page.get_by_role("heading", name="3 deliveries")).to_be_visible()
    expect(page.get_by_text("GET https://compass.example/in?id=").first).to_be_visible()
    axe(page)
    if not dark:
        screenshot(page, "replay")
    assert not Replay.objects.exists()

    page.get_by_role("button", name="Send 3").click()
    expect(page.get_by_role("row", name="Planned")).to_contain_text("3")
    axe(page)
    if not dark:
        screenshot(page, "replay-watch")
    page.get_by_role("button", name="Cancel and take back what is waiting").click()
    expect(page.get_by_role("row", name="State")).to_contain_text("Cancelled")
