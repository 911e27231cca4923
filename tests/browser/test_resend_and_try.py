"""What an operator does with deliveries: resend yesterday's failures, try now, copy, follow, export."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from postbacks.models import Delivery, Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.browser.windows import use_up
from tests.support.delivery_rows import make_delivery
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker
from tests.support.log_rows import make_attempt, make_finished, quiet_event

LOG = "/admin/postbacks/delivery/"
REFUSED = "Status 503 is not a success."


@pytest.fixture
def sales() -> Postback:
    """Of Compass, beside a paused one of Harbor; each with failed deliveries."""
    tracker = make_tracker(make_program(name="Summit"), name="Online Sale")
    made = []
    for name in ("Compass", "Harbor"):
        partner = make_partner(name=name)
        make_term(tracker, partner)
        made.append(
            make_postback(tracker, partner, name="Sales", url=f"https://{name.lower()}.example/in?id={{ActionId}}")
        )
    for postback in (made[0], made[0], made[0], made[1]):
        make_attempt(make_finished(postback, "failed", reason=REFUSED), succeeded=False, status=503, reason=REFUSED)
    Postback.objects.filter(pk=made[1].pk).update(paused_at=timezone.now())
    return made[0]


@pytest.mark.django_db(transaction=True)
def test_failures_of_yesterday_are_resent_in_three_clicks_from_home(operator_page: Page, sales: Postback) -> None:
    page = operator_page
    today = Delivery.objects.filter(postback=sales).latest("pk")
    Delivery.objects.exclude(pk=today.pk).update(finished_at=timezone.now() - timedelta(days=1))
    page.goto("/admin/")
    clicks = Clicks(page)
    page.get_by_role("link", name="those of yesterday").click()
    page.get_by_role("button", name="Resend… all matching deliveries").click()
    page.get_by_role("button", name="Yes, resend 3").click()

    expect(page.get_by_text("3 deliveries were resent")).to_be_visible()
    assert clicks.count == 3
    assert not Delivery.objects.filter(event=today.event).exclude(pk=today.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_failures_are_resent_with_two_clicks_and_marked(operator_page: Page, sales: Postback) -> None:
    page = operator_page
    before = Delivery.objects.filter(postback=sales).earliest("pk")
    make_finished(sales, "delivered", before.event)  # Somebody has resent one of them.
    page.goto(f"{LOG}?state=failed&since=2020-01-01T00:00:00")
    clicks = Clicks(page)
    page.get_by_role("button", name="Resend… all matching deliveries").click()

    expect(page.get_by_role("heading", name="3 deliveries will be sent again. Are you sure?")).to_be_visible()
    for fate in ("2 queued, behind live traffic", "1 queued, waiting until the postback", "1 left out: resent already"):
        expect(page.get_by_role("listitem").filter(has_text=fate)).to_be_visible()
    expect(page.get_by_role("button", name="Resend 4, including the 1 resent already")).to_be_visible()
    axe(page)
    screenshot(page, "resend-question")
    page.get_by_role("button", name="Yes, resend 3").click()

    expect(
        page.get_by_text("3 deliveries were resent: 2 queued, behind live traffic; 1 queued, waiting")
    ).to_be_visible()
    assert clicks.count == 2
    expect(page.get_by_role("link", name="Resent as")).to_have_count(4)
    axe(page)
    page.goto(f"{LOG}?state=failed&resent=no")
    expect(page.get_by_text("No delivery matches")).to_be_visible()
    assert Delivery.objects.filter(state="ready").count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_resend_sends_once(operator_page: Page, sales: Postback) -> None:
    page = operator_page
    old = Delivery.objects.filter(postback=sales).earliest("pk")
    page.goto(f"{LOG}{old.pk}/change/")
    expect(page.get_by_text("Resend: queued, behind live traffic.")).to_be_visible()
    page.get_by_role("button", name="Resend").dblclick()

    expect(page.get_by_text("Resend of")).to_be_visible()
    assert Delivery.objects.filter(event=old.event).count() == 2


@pytest.mark.django_db(transaction=True)
def test_after_a_correction_what_waits_is_tried_with_one_click(operator_page: Page, sales: Postback) -> None:
    page = operator_page
    for _ in range(2):
        make_delivery(sales, quiet_event(sales), due_in_seconds=3600, attempts_made=1)
    page.goto(f"/admin/postbacks/postback/{sales.pk}/change/")
    page.locator("#id_url").fill("https://compass.example/new?id={ActionId}")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("2 deliveries wait for a retry or the Minimum Delay: try them now?")).to_be_visible()
    axe(page)
    screenshot(page, "try-now-offer")
    page.get_by_role("button", name="Try them now").click()

    expect(page.get_by_text("2 deliveries are tried now: at the rate allowed.")).to_be_visible()
    assert not Delivery.objects.filter(state="ready", due_at__gt=timezone.now() + timedelta(seconds=1)).exists()


@pytest.mark.django_db(transaction=True)
def test_the_log_is_followed_without_jumping_and_exported(operator_page: Page, sales: Postback) -> None:
    page = operator_page
    page.goto(f"{LOG}?state=failed")
    rows = page.locator(".pp-log tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_label("Delivery ", exact=False).last.check()
    make_finished(sales, "failed")
    make_finished(sales, "delivered")  # Not asked for.

    expect(page.get_by_role("button", name="1 new")).to_be_visible(timeout=15_000)
    expect(rows).to_have_count(4)
    axe(page)
    page.get_by_role("button", name="1 new").click()
    expect(rows).to_have_count(5)
    expect(page.locator('input[name="chosen"]:checked')).to_have_count(1)
    page.locator('input[name="chosen"]:checked').uncheck()
    page.get_by_label("Show new rows as they come").check()
    make_finished(sales, "failed")
    expect(rows).to_have_count(6, timeout=15_000)

    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSON").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert (saved["count"], saved["complete"]) == (6, True)
    expect(page.get_by_text("6 rows exported.")).to_be_visible()
    axe(page)
    screenshot(page, "follow-log")


@pytest.mark.django_db(transaction=True)
def test_a_request_is_copied_as_curl_on_a_phone(open_as: OpenAs, sales: Postback) -> None:
    page = open_as(Role.OPERATOR, width=NARROW, dark=True)
    use_up(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    delivery = make_delivery(sales, quiet_event(sales), due_in_seconds=3600, attempts_made=1, reason=REFUSED)
    make_attempt(delivery, succeeded=False, status=503, reason=REFUSED)
    page.goto(f"{LOG}{delivery.pk}/change/")
    page.get_by_role("link", name="Copy as cURL").click()

    expect(page.get_by_role("link", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("# Set SECRET_AUTHORIZATION first")
    page.get_by_role("button", name="Copy the order id").click()
    assert page.evaluate("navigator.clipboard.readText()") == delivery.action.order_id
    fits(page, NARROW)
    axe(page)
    screenshot(page, "copy-narrow-dark")
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_text(f"Delivery {delivery.pk} is tried now: at the rate allowed.")).to_be_visible()
