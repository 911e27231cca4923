"""Making a signing key on the screens."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from postbacks.models import Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import make_media_source, make_postback, make_tracker


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_a_key_is_made_replaced_and_removed(open_as: OpenAs, width: int, dark: bool) -> None:
    postback = make_postback(make_tracker(), make_media_source(name="Ledger Analytics"), name="Sales")
    page = open_as(Role.OPERATOR, width=width, dark=dark)
    page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")
    page.get_by_role("link", name="signing", exact=True).click()
    page.get_by_role("button", name="Sign requests").click()
    expect(page.locator("#signing-key")).to_have_text(re.compile(r"^whsec_"))
    page.get_by_label("Also sign with the current key for").select_option("7 days")
    page.get_by_role("button", name="New key").click()
    expect(page.get_by_text("The previous key also signs until")).to_be_visible()
    axe(page)
    fits(page, width)
    if not dark:
        screenshot(page, "signing")
    page.get_by_role("button", name="Stop signing").click()
    expect(page.get_by_text("Requests are not signed.")).to_be_visible()
    assert not Postback.objects.get(pk=postback.pk).signed
