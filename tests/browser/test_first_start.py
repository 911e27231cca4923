"""The first start: a checklist that fills itself, and a sample that needs no server of a partner's."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from partners.models import Program
from postbacks import sample as samples
from postbacks.egress.built_in import address_for
from postbacks.models import Attempt, Delivery
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker, record_action

pytestmark = pytest.mark.usefixtures("empty_redis")


def deliver() -> None:
    """As a worker records it."""
    for delivery in Delivery.objects.select_related("postback"):
        query = "id=1.2.3&event=new&status=pending&amount=49.90&payout=4.99&email=a%40b.example"
        url = f"{address_for(delivery.postback.partner_id or 0)}?{query}"
        Attempt.objects.create(
            delivery=delivery, number=1, started_at=timezone.now(), duration_ms=0, succeeded=True,
            reason="Status 200", method="GET", url=url, status=200,
        )  # fmt: skip
    Delivery.objects.update(state=Delivery.State.DELIVERED, finished_at=timezone.now())


def test_an_administrator_makes_a_sample_sees_it_arrive_and_removes_it(open_as: OpenAs) -> None:
    page = open_as(Role.ADMINISTRATOR)
    page.goto("/admin/")
    steps = page.get_by_role("region", name="First steps")
    expect(steps.get_by_role("listitem")).to_have_count(6)
    expect(steps.get_by_text(", done")).to_have_count(0)
    axe(page)
    screenshot(page, "first-steps")
    steps.get_by_role("button", name="Make a sample").click()
    expect(page.get_by_text("Nothing has arrived yet.")).to_be_visible()

    deliver()
    expect(page.get_by_role("table", name="What the built-in receiver took")).to_contain_text("49.90")
    expect(page.locator("body")).not_to_contain_text("a@b.example")
    axe(page)
    screenshot(page, "sample")
    page.get_by_role("button", name="Report a sample conversion").click()
    expect(page.get_by_text("is reported. A worker sends it")).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_text("There is a sample here.")).to_be_visible()
    expect(steps.get_by_text(", done")).to_have_count(0)  # The sample is nobody's work.
    page.get_by_role("link", name="See what its receiver took").click()
    page.get_by_role("button", name="Remove the sample").click()
    expect(page.get_by_text("The sample is removed")).to_be_visible()
    assert samples.find() is None
    assert not Program.objects.exists()


def test_the_checklist_fills_itself_and_goes(open_as: OpenAs) -> None:
    page = open_as(Role.OPERATOR, width=NARROW, dark=True)
    sale, partner = make_tracker(make_program(name="Summit"), name="Online Sale"), make_partner(name="Compass")
    make_term(sale, partner)
    page.goto("/admin/")
    steps = page.get_by_role("region", name="First steps")
    expect(steps.get_by_text(", done")).to_have_count(3)
    expect(page.get_by_role("button", name="Make a sample")).to_have_count(0)  # That is for administrators.
    fits(page, NARROW)
    axe(page)
    screenshot(page, "first-steps-narrow-dark")
    steps.get_by_role("link", name="Report the first conversion").click()
    expect(page.get_by_role("heading", name="Report conversions")).to_be_visible()

    make_postback(sale, partner)
    record_action(sale, partner)
    page.goto("/admin/")
    expect(steps.get_by_text(", done")).to_have_count(5)
    deliver()
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(steps).to_have_count(0)
