"""The dashboard: what a role sees of it, over each span of time, on each window."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from postbacks.metrics.counters import TOOK, TOOK_MS, place
from postbacks.metrics.fold import ALL
from postbacks.models import Lane, Postback, Rollup
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.browser.windows import use_up
from tests.support.delivery_rows import make_delivery
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker
from tests.support.log_rows import make_finished

WEEK_HOURS = 7 * 24


@pytest.fixture
def week() -> Postback:
    """A week of two partners' deliveries; one of them, which is returned, is held now."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    postbacks = []
    for name in ("Compass", "Harbor"):
        partner = make_partner(name=name)
        make_term(tracker, partner)
        postbacks.append(make_postback(tracker, partner, name="Sales"))
    lots = random.Random(3)  # noqa: S311 -- the same picture in each run
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = []
    for hours in range(WEEK_HOURS):
        at = hour - timedelta(hours=hours)
        delivered = [lots.randint(150, 260) + 30 * (at.hour % 12) for _ in postbacks]
        failed = [lots.randint(20, 60) if hours < 4 else lots.randint(0, 2), lots.randint(0, 2)]
        keys = [postback.pk for postback in postbacks]
        for key, good, bad in zip([*keys, ALL], [*delivered, sum(delivered)], [*failed, sum(failed)], strict=True):
            rows.append(_row(key, at, good, bad))
    Rollup.objects.bulk_create(rows)
    make_finished(postbacks[1], "delivered")  # The first steps are done.
    held = postbacks[0]
    make_delivery(held, priority=1, attempts_made=2, reason="The connection was refused.", due_in_seconds=40)
    since = timezone.now() - timedelta(minutes=40)
    Lane.objects.create(postback=held, failures=10, held_since=since, probe_at=timezone.now() + timedelta(minutes=3))
    return held


def _row(key: int, at: datetime, delivered: int, failed: int) -> Rollup:
    fast, slow = place(TOOK_MS, 40), place(TOOK_MS, 900)
    details = {
        f"{TOOK}{fast}": delivered,
        f"{TOOK}{slow}": failed,
        "why:refused": failed,
        "why:status_5xx": failed // 3,
    }
    return Rollup(
        period=Rollup.Period.HOUR,
        at=at,
        postback_key=key,
        attempts=delivered + failed,
        succeeded=delivered,
        delivered=delivered,
        failed=failed,
        details=details,
    )


def test_a_day_and_a_week_at_a_glance(open_as: OpenAs, week: Postback) -> None:
    page = open_as(Role.OPERATOR)
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Held: 1 destination does not answer")).to_be_visible()
    expect(page.locator("svg[role=img] g")).to_have_count(24)
    first = page.get_by_role("region", name="Destinations").locator("tbody tr").first
    expect(first).to_contain_text("Compass")
    axe(page)
    screenshot(page, "dashboard")

    page.get_by_role("link", name="Last week").click()
    expect(page.locator("svg[role=img] g")).to_have_count(42)
    page.get_by_text("As a table").click()
    axe(page)

    first.get_by_role("link", name="failed").click()
    expect(page.get_by_role("heading", name="Delivery log")).to_be_visible()
    expect(page.get_by_label("State")).to_have_value("failed")
    expect(page.get_by_label("From")).not_to_have_value("")


def test_it_brings_itself_up_to_date(open_as: OpenAs, week: Postback) -> None:
    page = open_as(Role.VIEWER)
    use_up(page)
    page.clock.install()
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Held: 1 destination")).to_be_visible()

    Lane.objects.filter(postback=week).delete()
    page.clock.run_for(9_000)
    expect(page.get_by_role("heading", name="Held: 1 destination")).to_be_visible()
    page.clock.run_for(2_000)

    expect(page.get_by_role("heading", name="Held: 1 destination")).to_have_count(0)


def test_a_viewer_sees_it_on_a_phone(open_as: OpenAs, week: Postback) -> None:
    page = open_as(Role.VIEWER, width=NARROW, dark=True)
    page.goto("/admin/?span=week")
    expect(page.get_by_role("heading", name="Deliveries by outcome")).to_be_visible()
    fits(page, NARROW)
    axe(page)
    screenshot(page, "dashboard-narrow-dark")


def test_where_nothing_was_sent_it_says_so(open_as: OpenAs) -> None:
    page = open_as(Role.OPERATOR)
    page.goto("/admin/?span=hour")
    expect(page.get_by_text("No delivery finished in this time.")).to_be_visible()
    expect(page.get_by_text("No attempt failed in this time.")).to_be_visible()
    axe(page)
