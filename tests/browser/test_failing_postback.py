"""A failing postback: from the red box to its rows, narrowed, and the filters kept for tomorrow."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from postbacks.metrics.fold import ALL
from postbacks.models import Delivery, Postback, Rollup
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker
from tests.support.log_rows import make_attempt, make_finished, quiet_event

WRONG_RULE = "No success rule matched: expected accepted in the body"
GONE = "The receiver answered 410 Gone to three actions in a row."


@pytest.fixture
def failing() -> Postback:
    """A postback whose success rule is wrong, beside one that works and one that paused itself."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    made = {}
    for name in ("Compass", "Harbor", "Lantern"):
        partner = make_partner(name=name)
        make_term(tracker, partner)
        made[name] = make_postback(tracker, partner, name="Sales")
    since = timezone.now() - timedelta(minutes=40)
    Postback.objects.filter(pk=made["Lantern"].pk).update(paused_at=since, pause_reason=GONE)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for name, failed in (("Compass", 3), ("Harbor", 0)):
        postback = made[name]
        for number in range(3):
            delivery = make_finished(
                postback,
                Delivery.State.READY if failed else Delivery.State.DELIVERED,
                quiet_event(postback, OrderId=f"{name}-{number}"),
                priority=1,
                finished_at=None if failed else timezone.now(),
                due_at=timezone.now() + timedelta(minutes=9),
                reason=WRONG_RULE if failed else "Status 200 is a success.",
            )
            make_attempt(
                delivery, succeeded=not failed, why="rule" if failed else "", reason=f"{delivery.reason.rstrip('.')}."
            )
        for key in (postback.pk, ALL):
            row, _ = Rollup.objects.get_or_create(period="hour", at=hour, postback_key=key)
            row.attempts += 3
            row.succeeded += 3 - failed
            row.delivered += 3 - failed
            row.details = {"took:5": 3, "first": row.attempts, "first_succeeded": row.succeeded, "why:rule": 3}
            row.save()
    return made["Compass"]


def test_from_the_alarm_to_its_rows(open_as: OpenAs, failing: Postback) -> None:
    page = open_as(Role.OPERATOR)
    page.goto("/admin/")
    alarm = page.get_by_role("region", name="Failing: at least half")
    expect(alarm).to_contain_text("Compass: Sales: 3 of the last 3 attempts failed: No success rule matched")
    expect(page.get_by_role("region", name="Paused: 1 postback paused itself")).to_contain_text(GONE)
    expect(page.locator("dl.pp-tiles > div").first).to_contain_text("100.00 %")
    expect(page.locator("dl.pp-tiles > div").nth(1)).to_contain_text("50.00 %")
    axe(page)
    screenshot(page, "dashboard-failing")

    alarm.get_by_role("link", name="3 in the last day for this reason").click()
    rows = page.locator("table.pp-log tbody tr")
    expect(rows).to_have_count(3)
    chips = page.get_by_role("list", name="Filters that are set")
    expect(chips).to_contain_text("Reason: Refused by the response rules")
    expect(chips).to_contain_text("Postback: Compass: Sales")
    axe(page)
    screenshot(page, "log-filters")

    chips.get_by_role("link", name=re.compile("^From .*remove this filter")).click()
    chips.get_by_role("link", name=re.compile("^Until .*remove this filter")).click()
    page.get_by_role("navigation", name="Time").get_by_role("link", name="Today").click()
    expect(chips).to_contain_text("Today")
    page.get_by_text("Saved filters").click()
    page.get_by_label("Name of these filters").fill("Wrong rule today")
    page.get_by_role("button", name="Save these filters").click()
    expect(page.get_by_text("The filters are saved as “Wrong rule today”.")).to_be_visible()

    chips.get_by_role("link", name="Remove all").click()
    expect(rows).to_have_count(6)
    page.get_by_text("Saved filters (1)").click()
    page.get_by_role("link", name="Wrong rule today").click()
    expect(chips).to_contain_text("Reason: Refused by the response rules")
    page.get_by_text("Saved filters (1)").click()
    page.get_by_role("button", name="Delete the saved filter Wrong rule today").click()
    expect(page.get_by_text("The saved filter is deleted.")).to_be_visible()


def test_it_is_first_in_lists_on_any_window(open_as: OpenAs, failing: Postback) -> None:
    page = open_as(Role.VIEWER)
    page.goto("/admin/postbacks/postback/")
    first = page.locator("#result_list tbody tr").first
    expect(first).to_contain_text("Failing")
    expect(first).to_contain_text("0.0 % of attempts")
    axe(page)

    page = open_as(Role.OPERATOR, width=NARROW, dark=True)
    for path in (
        "/admin/",
        f"/admin/partners/partner/{failing.partner_id}/integration/",
        f"/admin/postbacks/delivery/?reason=rule&postback={failing.pk}",
        "/admin/postbacks/postback/",
    ):
        page.goto(path)
        expect(page.get_by_text("No success rule matched").first).to_be_visible()
        fits(page, NARROW)
        axe(page)
