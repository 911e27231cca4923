"""The list of held and paused postbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from postbacks.models import Lane, Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.support.delivery_rows import make_delivery
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
)


@pytest.fixture
def held() -> Lane:
    """A held destination of a partner, and a paused postback of a network."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    partner = make_partner(name="Compass")
    make_term(tracker, partner)
    postback = make_postback(tracker, partner, name="Sales", url="https://compass.example/in?id={ActionId}")
    now = timezone.now()
    make_postback(
        tracker,
        make_media_source(name="Ledger Analytics"),
        name="Conversions",
        url="https://ledger.example/in?id={ActionId}",
        paused_at=now - timedelta(hours=1),
        pause_reason="The receiver answered 410 Gone to three different actions in a row.",
    )
    make_delivery(postback, priority=1, attempts_made=3, reason="The connection was refused.", due_in_seconds=40)
    return Lane.objects.create(
        postback=postback,
        failures=10,
        held_since=now - timedelta(minutes=12),
        probe_at=now + timedelta(minutes=4),
        probe_wait_seconds=480,
    )


def test_a_held_destination_is_released_and_a_paused_one_resumed(open_as: OpenAs, held: Lane) -> None:
    page = open_as(Role.OPERATOR)
    page.goto("/admin/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Held").click()
    expect(page.get_by_role("row", name="Compass")).to_contain_text("The connection was refused.")
    expect(page.get_by_role("row", name="Ledger Analytics")).to_contain_text("410 Gone")
    axe(page)
    screenshot(page, "held")

    page.get_by_role("row", name="Compass").get_by_role("button", name="Release").click()
    expect(page.get_by_text("is released")).to_be_visible()
    held.refresh_from_db()
    assert held.held_since is None
    page.get_by_role("row", name="Ledger Analytics").get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Nothing is held")).to_be_visible()
    assert not Postback.objects.filter(paused_at__isnull=False).exists()


@pytest.mark.usefixtures("held")
def test_a_viewer_sees_it_on_a_phone(open_as: OpenAs) -> None:
    page = open_as(Role.VIEWER, width=NARROW, dark=True)
    page.goto("/admin/postbacks/lane/")
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
    fits(page, NARROW)
    axe(page)
