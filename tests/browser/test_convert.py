"""A URL of another network is pasted into the form of a postback."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from partners.models import Partner
from tests.browser.actors import Role, make_user
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.keys import press, type_into
from tests.browser.pictures import screenshot

SUMMARY = "Paste a URL from another network"


def paste(page: Page, partner: Partner, url: str) -> None:
    """By keyboard alone: the disclosure is opened, and the fields behind it are reached by Tab."""
    page.goto(f"/admin/postbacks/postback/add/?partner={partner.pk}")
    expect(page.locator("#id_url")).to_be_focused()  # The page's own script gives it the focus, once it has run.
    page.get_by_text(SUMMARY).focus()
    press(page.locator("summary", has_text=SUMMARY), "Enter", "Tab")
    press(page.get_by_label("It comes from"), "Tab")
    type_into(page.locator("#convert-text"), url)
    press(page.locator("#convert-text"), "Tab")
    press(page.get_by_role("button", name="Translate"), "Enter")


@pytest.mark.django_db(transaction=True)
def test_a_pasted_url_is_translated_and_put_into_the_field(open_as: OpenAs, partner: Partner) -> None:
    user = make_user(Role.OPERATOR)
    page = open_as(user)
    paste(page, partner, "https://track.example/pb?c={sub1}&p={payout_amount}&x={sub7}")
    told = page.get_by_role("status").filter(has_text="From Everflow, which its macros tell:")
    expect(told).to_contain_text("https://track.example/pb?c={SubId1}&p={Payout}&x={sub7}")
    expect(told).to_contain_text("{sub7}: What the partner put into sub7 of the link.")
    expect(told).to_contain_text("the shop report it as SubId1")
    axe(page)
    press(page.get_by_role("button", name="Translate"), "Tab")
    press(page.get_by_role("button", name="Put it into the URL field"), "Enter")
    expect(page.locator("#id_url")).to_have_value("https://track.example/pb?c={SubId1}&p={Payout}&x={sub7}")
    expect(page.locator("#id_url")).to_be_focused()
    expect(page.get_by_role("region", name="The request")).to_contain_text("Unknown parameter {sub7}")

    page.get_by_label("It comes from").select_option("cake")
    expect(page.get_by_role("button", name="Put it into the URL field")).to_be_hidden()
    page.get_by_role("button", name="Translate").click()
    expect(page.locator("#convert-result")).to_contain_text("{sub1} is a macro of Everflow or Affise, and not of CAKE.")
    expect(page.get_by_role("button", name="Put it into the URL field")).to_be_hidden()

    narrow = open_as(user, width=NARROW, dark=True)
    paste(narrow, partner, "https://track.example/pb?click=#s2#&payout=#price#&campaign=#campid#")
    expect(narrow.locator("#convert-result")).to_contain_text("From CAKE")
    axe(narrow)
    fits(narrow, NARROW)
    narrow.get_by_text(SUMMARY).evaluate("it => it.scrollIntoView({block: 'start'})")
    screenshot(narrow, "paste-url-narrow-dark")
