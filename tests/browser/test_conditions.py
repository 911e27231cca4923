"""Conditions of a postback: typed as rows, read back in words, judged in the preview."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from partners.models import ActionTracker, Partner
from postbacks.conditions.lines import read_lines
from postbacks.models import Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.keys import type_into
from tests.browser.pictures import screenshot
from tests.support.factories import record_action


def test_conditions_are_typed_by_keyboard_read_back_and_judged(
    open_as: OpenAs, tracker: ActionTracker, partner: Partner
) -> None:
    action = record_action(tracker, partner, ItemSubTotal1="12", ItemSku1="A", ItemQuantity1="1").action
    page = open_as(Role.OPERATOR)
    page.goto(f"/admin/postbacks/postback/add/?partner={partner.pk}")
    page.get_by_label("Event type").select_option(str(tracker.pk))
    page.locator("#id_url").fill("https://receiver.example/in?id={ActionId}")
    expect(page.get_by_label("Fires if")).to_be_hidden()

    page.get_by_role("button", name="Add a condition").press("Enter")
    type_into(page.get_by_label("Parameter 1"), "Amount")
    page.get_by_label("Operator 1").select_option("at least")
    page.get_by_label("Value 1 of").fill("fifty")
    told = page.get_by_role("region", name="The request")
    expect(told).to_contain_text("Conditions: Condition 1: Amount: “fifty” is not a number.")
    page.get_by_label("Value 1 of").fill("50.00")
    expect(page.locator("#words-conditions")).to_have_text("Fires if Amount is at least 50.00.")

    page.get_by_role("button", name="Add a condition").press("Enter")
    page.get_by_label("Parameter 2").fill("items.cat")
    page.get_by_label("Of the items, condition 2").select_option("every")
    page.get_by_label("Operator 2").select_option("is not empty")
    expect(page.get_by_label("Value 2 of")).to_be_hidden()
    expect(page.get_by_label("Fires if")).to_be_visible()
    page.get_by_label("With the values of action").fill(action.action_id)
    expect(told).to_contain_text("Would not fire: Amount 12.00 is below 50.00.")

    page.get_by_text("Show advanced settings").click()
    page.get_by_label("Error Response").fill("20O")
    expect(told).to_contain_text("It has the letter O: write 200.")
    page.get_by_label("Error Response").fill("408\n429\n5xx")
    expect(page.locator("#words-error_response")).to_contain_text("Fails on 408, 429, 500")
    expect(page.locator("#words-error_response")).to_contain_text("14 times over 3 days.")
    axe(page)
    screenshot(page, "rules-in-words")
    page.locator("#id_event_trigger").evaluate("field => field.scrollIntoView()")
    screenshot(page, "conditions")

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Online Sale Online Sale")).to_be_visible()
    postback = Postback.objects.get()
    assert postback.conditions == read_lines("Amount at least 50.00\nevery items.cat is not empty")
    shown_again(open_as(Role.ADMINISTRATOR, width=NARROW, dark=True), postback)


def shown_again(page: Page, postback: Postback) -> None:
    """The saved form, on a phone: rows as they were, advanced settings open by themselves, a row that is removed."""
    page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")
    expect(page.get_by_label("Error Response")).to_be_visible()
    expect(page.get_by_label("Parameter 2")).to_have_value("items.cat")
    expect(page.get_by_label("Of the items, condition 2")).to_have_value("every")
    expect(page.locator("#words-conditions")).to_contain_text("every item's cat is not empty")
    axe(page)
    fits(page, NARROW)
    page.get_by_role("button", name="Remove condition 1").press("Enter")
    expect(page.get_by_label("Parameter 1")).to_be_focused()
    expect(page.locator("#words-conditions")).to_have_text("Fires if every item's cat is not empty.")
