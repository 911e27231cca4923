"""Setting up a second factor, and signing in with it, as a person does."""

from __future__ import annotations

import base64

import pytest
from django.utils import timezone
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from accounts.second_factor.model import SecondFactor
from tests.browser.actors import Role
from tests.browser.audit import axe
from tests.browser.conftest import NARROW, WIDE, OpenAs


def code() -> str:
    """What the app shows now, to somebody who has waited."""
    SecondFactor.objects.update(last_step=-1, throttling_failure_timestamp=timezone.now().replace(year=2020))
    return f"{totp(base64.b32decode(SecondFactor.objects.get().typed_key)):06d}"


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_a_second_factor_is_set_up_with_a_picture_and_asked_for(open_as: OpenAs, width: int, dark: bool) -> None:
    page: Page = open_as(Role.OPERATOR, width=width, dark=dark)
    page.goto("/admin/second-factor/set-up/")
    expect(page.get_by_role("img", name="The code for the app")).to_be_visible()
    assert page.get_by_role("img", name="The code for the app").evaluate("image => image.naturalWidth") > 100
    axe(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This code is not valid.")).to_be_visible()
    page.get_by_label("Code").fill(code())
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("They are not shown again.")).to_be_visible()
    axe(page)
    recovery = page.locator("pre").inner_text().split()[0]
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    other = open_as(SecondFactor.objects.get().user, width=width, dark=dark)
    other.goto("/admin/postbacks/postback/")
    axe(other)
    other.get_by_label("Code").fill(recovery)
    other.get_by_role("button", name="Continue").click()
    other.wait_for_url("**/admin/postbacks/postback/")
