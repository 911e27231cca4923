"""Setting a postback up: from the left navigation to what the receiver gets."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from partners.models import ActionTracker, Partner
from postbacks.models import Delivery, Postback
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.keys import press, type_into
from tests.browser.pictures import screenshot
from tests.browser.test_owner_screens import open_from_navigation
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_term,
    make_tracker,
    record_action,
)
from tests.support.receiver import Response, ScriptedReceiver
from tests.support.workers import running_workers


@pytest.fixture(autouse=True)
def receivers_on_this_machine(settings: Any) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


def add_page(page: Page, owner: Partner) -> Page:
    page.goto(f"/admin/postbacks/postback/add/?partner={owner.pk}")
    return page


def request_of(page: Page) -> Locator:
    return page.get_by_role("region", name="The request")


def add_pair(page: Page, number: int, key: str, value: str) -> None:
    if page.get_by_label(f"Key {number}", exact=True).count() == 0:
        page.get_by_role("button", name="Add a pair").click()
    page.get_by_label(f"Key {number}", exact=True).fill(key)
    page.get_by_label(f"Value {number}", exact=True).fill(value)


@pytest.mark.django_db(transaction=True)
def test_from_the_navigation_to_postbacks_received(open_as: OpenAs, tracker: ActionTracker, partner: Partner) -> None:
    """The whole walk, of a partner and of a network, with a real worker and a real receiver."""
    network = make_media_source(name="Ledger Analytics")
    page = open_as(Role.OPERATOR)
    with ScriptedReceiver() as receiver, running_workers():
        open_from_navigation(page, "Partners", "Compass", "Partner Integration")
        page.get_by_role("link", name="Add Postback").click()
        page.get_by_label("Event type").select_option(str(tracker.pk))
        expect(page.get_by_label("Event Trigger")).to_have_value("always")
        page.locator("#id_url").fill(f"{receiver.url}/partner?action={{ActionId}}&oid={{Oid}}")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("row", name="Online Sale")).to_contain_text("Active")

        open_from_navigation(page, "Networks", "Ledger Analytics", "Event Notifications")
        page.get_by_role("link", name="Add Postback").click()
        page.get_by_label("Event type").select_option(str(tracker.pk))
        page.locator("#id_url").fill(f"{receiver.url}/network")
        page.get_by_label("HTTP method").select_option("POST")
        page.get_by_label("Body format").select_option("json")
        add_pair(page, 1, "action_id", "{ActionId}")
        add_pair(page, 2, "order", "{Oid}")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("row", name="Online Sale")).to_contain_text("POST")

        event = record_action(tracker, partner, OrderId="ORDER-77")
        by_path = {arrival.path: arrival for arrival in receiver.wait_for(2)}

    assert by_path["/partner"].query == {"action": event.action.action_id, "oid": "ORDER-77"}
    assert by_path["/network"].body == f'{{"action_id":"{event.action.action_id}","order":"ORDER-77"}}'
    assert Postback.objects.get(media_source=network).name == "Online Sale"


def test_the_preview_follows_what_is_typed(operator_page: Page, tracker: ActionTracker, partner: Partner) -> None:
    page = add_page(operator_page, partner)
    page.get_by_label("Event type").select_option(str(tracker.pk))
    url = page.locator("#id_url")

    url.fill("https://receiver.example/in?id={CampaingId}")
    expect(request_of(page)).to_contain_text("Unknown parameter {CampaingId}")
    expect(request_of(page)).to_contain_text("Did you mean {CampaignId}?")
    url.fill("https://receiver.example/in?id=")
    page.get_by_label("Search; click").fill("actionid")
    page.get_by_role("button", name="{ActionId}").click()

    expect(url).to_have_value("https://receiver.example/in?id={ActionId}")
    expect(request_of(page)).to_contain_text("GET https://receiver.example/in?id=1000.")
    axe(page)
    screenshot(page, "postback-form")


def test_a_recorded_action_gives_its_values_to_its_own_partner_only(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    other = make_partner(name="Harbor")
    make_term(tracker, other)
    own = record_action(tracker, partner, OrderId="ORDER-OWN").action
    foreign = record_action(tracker, other, OrderId="ORDER-FOREIGN").action
    page = add_page(operator_page, partner)
    page.get_by_label("Event type").select_option(str(tracker.pk))
    page.locator("#id_url").fill("https://receiver.example/in?oid={Oid}")

    page.get_by_label("With the values of action").fill(own.action_id)
    expect(request_of(page)).to_contain_text("oid=ORDER-OWN")
    page.get_by_label("With the values of action").fill(foreign.action_id)
    expect(request_of(page)).to_contain_text("is credited to another partner")
    expect(request_of(page)).not_to_contain_text("ORDER-FOREIGN")


def test_a_test_goes_out_once_and_is_judged(operator_page: Page, tracker: ActionTracker, partner: Partner) -> None:
    page = add_page(operator_page, partner)
    page.get_by_label("Event type").select_option(str(tracker.pk))
    with ScriptedReceiver(lambda _arrival: Response(500, body=b"out of order")) as receiver:
        page.locator("#id_url").fill(f"{receiver.url}/test?id={{ActionId}}")
        page.get_by_role("button", name="Send test").click()
        answer = page.locator("#test-send-answer")

        expect(answer).to_contain_text("Failure: ")
        expect(answer).to_contain_text("Status 500")
        expect(answer).to_contain_text("out of order")
        screenshot(page, "send-test")

    assert [arrival.path for arrival in receiver.arrivals] == ["/test"]
    assert not Delivery.objects.exists()
    assert not Postback.objects.exists()


def test_pairs_are_added_moved_and_removed_by_keyboard(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    page = add_page(operator_page, partner)
    page.get_by_label("Event type").select_option(str(tracker.pk))
    page.locator("#id_url").fill("https://receiver.example/in")
    page.get_by_label("HTTP method").select_option("POST")
    page.get_by_label("Body format").select_option("json")
    for number, (key, value) in enumerate(
        (("order_id", "{Oid}"), ("b", "2"), ("pay=out", "{Payout}\n{Currency}")), start=1
    ):
        add_pair(page, number, key, value)

    page.get_by_role("button", name="Move pair 3 with the arrow keys").press("ArrowUp")
    page.get_by_role("button", name="Remove pair 3").press("Enter")
    page.get_by_label("Body format").select_option("xml")
    page.get_by_label("Body format").select_option("querystring")
    page.get_by_label("Body", exact=True).select_option("raw")
    page.get_by_label("Body", exact=True).select_option("pairs")
    axe(page)
    screenshot(page, "postback-form-post")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Online Sale")).to_be_visible()

    saved = Postback.objects.get()
    assert (saved.body_format, saved.body_pairs) == (
        "querystring",
        [["order_id", "{Oid}"], ["pay=out", "{Payout}\n{Currency}"]],
    )


def test_what_does_not_apply_is_neither_shown_nor_kept(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    app = make_tracker(tracker.program, name="App", in_app_events=["SALE", "SIGN-UP"])
    make_term(app, partner)
    page = add_page(operator_page, partner)
    page.get_by_label("Event type").select_option(str(app.pk))
    page.get_by_label("Install").check()
    page.get_by_label("HTTP method").select_option("POST")
    page.get_by_label("Body format").select_option("json")
    add_pair(page, 1, "id", "{ActionId}")

    page.get_by_label("Event type").select_option(str(tracker.pk))
    page.get_by_label("HTTP method").select_option("GET")
    for name in ("#id_install", "#id_in_app_event", "#id_body_format", "#id_body_kind", ".pp-pairs", "#id_body_raw"):
        expect(page.locator(name)).to_be_hidden()
    page.locator("#id_url").fill("https://receiver.example/in")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Online Sale")).to_be_visible()

    saved = Postback.objects.get()
    assert (saved.install, saved.body_format, saved.body_pairs) == (False, "", [])


def test_save_and_add_another_keeps_all_but_the_event_type(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    lead = make_tracker(tracker.program, name="Lead")
    make_term(lead, partner)
    foreign = make_tracker(tracker.program, name="Of no contract")
    page = add_page(operator_page, partner)
    expect(page.locator(f"#id_action_tracker option[value='{foreign.pk}']")).to_have_count(0)
    page.get_by_label("Event type").select_option(str(tracker.pk))
    page.locator("#id_url").fill("https://receiver.example/in?id={ActionId}")
    page.get_by_text("Show advanced settings").click()
    page.get_by_label("Minimum Delay").fill("1h 30m")

    page.get_by_role("button", name="Save and add another").click()
    expect(page.get_by_label("Event type")).to_have_value("")
    expect(page.locator("#id_url")).to_have_value("https://receiver.example/in?id={ActionId}")
    page.get_by_label("Event type").select_option(str(lead.pk))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Lead")).to_be_visible()

    assert set(Postback.objects.values_list("name", "minimum_delay_seconds")) == {("Online Sale", 5400), ("Lead", 5400)}


def test_mistakes_are_told_beside_their_fields(operator_page: Page, tracker: ActionTracker, partner: Partner) -> None:
    page = add_page(operator_page, partner)
    page.get_by_label("Event type").select_option(str(tracker.pk))
    page.get_by_text("Show advanced settings").click()
    mistakes = {
        "headers": ("no colon", "colon"),
        "minimum_delay_seconds": ("soon", "Write seconds, or 90s, 15m, 2h, 3d."),
        "maximum_requests": ("0", "greater than or equal to 1"),
        "success_response": ("/(/", "Line 1: "),
        "error_response": ("json: [", "Line 1: "),
    }
    for name, (text, _) in mistakes.items():
        page.locator(f"#id_{name}").fill(text)
    for url, message in (
        ("", "This field is required."),
        ("https://receiver.example/{Oidd}", "Did you mean {Oid}?"),
        ("https://10.0.0.1/", "This URL cannot be called"),
    ):
        page.locator("#id_url").fill(url)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".field-url .errorlist")).to_contain_text(message)
    for name, (_, message) in mistakes.items():
        expect(page.locator(f".field-{name} .errorlist")).to_contain_text(message)
        expect(page.locator(f"#id_{name}")).to_be_visible()
    assert not Postback.objects.exists()


def test_a_viewer_reads_a_postback_and_can_send_nothing(
    open_as: OpenAs, tracker: ActionTracker, partner: Partner
) -> None:
    postback = make_postback(tracker, partner)
    page = open_as(Role.VIEWER)

    page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")

    expect(page.get_by_text("https://receiver.example/in?action={ActionId}")).to_be_visible()
    expect(page.get_by_role("button", name="Send test")).to_have_count(0)
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    axe(page)


def test_the_form_fits_a_phone_in_the_dark(open_as: OpenAs, tracker: ActionTracker, partner: Partner) -> None:
    postback = make_postback(tracker, partner)
    page = open_as(Role.OPERATOR, width=NARROW, dark=True)

    page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")
    expect(request_of(page)).to_contain_text("GET https://receiver.example/in?action=1000.")

    fits(page, NARROW)
    axe(page)
    screenshot(page, "postback-form-narrow-dark")


def test_a_mobile_apps_postback_asks_for_install_or_an_event(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    app = make_tracker(tracker.program, name="App", in_app_events=["SALE", "SIGN-UP"])
    make_tracker(tracker.program, name="Other app", in_app_events=["OF ANOTHER"])
    make_term(app, partner)
    page = operator_page
    page.goto(f"/admin/partners/partner/{partner.pk}/change/")
    page.get_by_role("link", name="Partner Integration").click()
    page.get_by_role("link", name="Add Postback").click()
    page.get_by_label("Event type").select_option(str(app.pk))
    page.locator("#id_url").fill("https://receiver.example/in")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-install .errorlist")).to_contain_text("Choose")

    events = page.get_by_label("In-app event")
    assert [text.strip() for text in events.locator("option:not([hidden])").all_inner_texts()] == [
        "None",
        "SALE",
        "SIGN-UP",
    ]
    events.select_option(label="SIGN-UP")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="App")).to_be_visible()

    saved = Postback.objects.get()
    assert saved.in_app_event is not None
    assert (saved.install, saved.in_app_event.code) == (False, "SIGN-UP")


def test_pairs_are_dragged(operator_page: Page, tracker: ActionTracker, partner: Partner) -> None:
    pairs = [["a", "1"], ["b", "2"], ["c", "3"]]
    postback = make_postback(tracker, partner, method="POST", body_format="json", body_pairs=pairs)
    page = operator_page
    page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")
    expect(page.get_by_label("Key 3", exact=True)).to_have_value("c")

    handle = page.get_by_role("button", name="Move pair 3 with the arrow keys")
    handle.drag_to(page.get_by_label("Key 1", exact=True), target_position={"x": 20, "y": 3})
    expect(page.get_by_label("Key 1", exact=True)).to_have_value("c")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Online Sale")).to_be_visible()

    postback.refresh_from_db()
    assert postback.body_pairs == [["c", "3"], ["a", "1"], ["b", "2"]]


def test_setting_up_a_postback_takes_at_most_seven_clicks(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    """From the dashboard to a saved postback whose URL has two parameters, of a partner with two event types."""
    make_term(make_tracker(tracker.program, name="Lead"), partner)
    page = operator_page
    page.goto("/admin/")
    clicks = Clicks(page)
    open_from_navigation(page, "Partners", "Compass", "Partner Integration")
    page.get_by_role("link", name="Add Postback").click()
    expect(page.get_by_label("Event type")).to_be_focused()
    page.get_by_label("Event type").select_option(str(tracker.pk))
    url = page.locator("#id_url")
    url.click()
    type_into(url, "https://receiver.example/in?order={order id")
    press(url, "Tab")
    type_into(url, "&paid={commiss")
    press(url, "Tab")
    expect(url).to_have_value("https://receiver.example/in?order={Oid}&paid={Payout}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Online Sale")).to_be_visible()

    assert Postback.objects.get().url == "https://receiver.example/in?order={Oid}&paid={Payout}"
    assert clicks.count <= 7


def test_a_brace_opens_what_can_be_inserted(open_as: OpenAs, tracker: ActionTracker, partner: Partner) -> None:
    """By keyboard, in each field that holds templates; and the palette knows the same words."""
    page = add_page(open_as(Role.OPERATOR), partner)
    url, offered = page.locator("#id_url"), page.get_by_role("listbox", name="Parameters and functions")

    type_into(url, "https://receiver.example/in?id={")  # It has the focus: the only event type is chosen.
    expect(offered.get_by_role("option").first).to_have_text("{CampaignId}The program's id")
    type_into(url, "coup")
    expect(offered.get_by_role("option").first).to_contain_text("{PromoCode}")
    expect(url).to_have_attribute("aria-activedescendant", "completion-0")
    axe(page)
    screenshot(page, "completion")
    press(url, "Escape")
    expect(offered).to_be_hidden()
    type_into(url, "o")
    press(url, "ArrowDown", "ArrowUp", "Enter")
    expect(url).to_have_value("https://receiver.example/in?id={PromoCode}")

    type_into(url, "&h={sha256(reven")
    press(url, "Tab")
    expect(url).to_have_value("https://receiver.example/in?id={PromoCode}&h={sha256(Amount")
    type_into(url, ")}")
    expect(offered).to_be_hidden()
    header, value, raw = (page.get_by_label(name) for name in ("HTTP Header", "Value 1", "Raw body"))
    header.click()
    type_into(header, "X-Order: {oi")
    press(header, "Enter")
    expect(header).to_have_value("X-Order: {Oid}")
    page.get_by_label("HTTP method").select_option("POST")
    page.get_by_label("Body format").select_option("json")
    value.click()
    type_into(value, "{click id")
    offered.get_by_role("option").first.click()
    expect(value).to_have_value("{RefClickId}")
    page.get_by_label("Body", exact=True).select_option("raw")
    raw.click()
    type_into(raw, "{")
    press(raw, "Enter")
    type_into(raw, '"a": 1}')
    expect(raw).to_have_value('{\n"a": 1}')

    search, found = page.get_by_label("Search; click"), page.locator("#palette li:visible")
    for words, insert in (
        ("order id", "{Oid}"),
        ("commission", "{Payout}"),
        ("revenue", "{Amount}"),
        ("hash", "{sha256("),
        ("sku", "{join("),
    ):
        search.fill(words)
        expect(found.filter(has=page.locator(f"[data-insert^='{insert}']")).first).to_be_visible()

    narrow = add_page(open_as(Role.ADMINISTRATOR, width=NARROW, dark=True), partner)
    type_into(narrow.locator("#id_url"), "{c")
    expect(narrow.get_by_role("listbox")).to_be_visible()
    fits(narrow, NARROW)
    axe(narrow)


def test_a_preview_by_order_id_and_a_verdict_that_is_over(
    operator_page: Page, tracker: ActionTracker, partner: Partner
) -> None:
    action = record_action(tracker, partner, OrderId="ORDER-OWN").action
    other = make_partner(name="Harbor")
    make_term(tracker, other)
    record_action(tracker, other, OrderId="ORDER-FOREIGN")
    page = add_page(operator_page, partner)
    named, answer = page.get_by_label("With the values of action"), page.locator("#test-send-answer")
    assert page.locator("#recent-actions option").evaluate_all("all => all.map(each => each.value)") == [
        action.action_id
    ]
    with ScriptedReceiver() as receiver:
        page.locator("#id_url").fill(f"{receiver.url}/in?oid={{Oid}}")
        named.fill("ORDER-OWN")
        expect(request_of(page)).to_contain_text("oid=ORDER-OWN")
        page.get_by_role("button", name="Send test").click()
        expect(answer).to_contain_text("Success")
        expect(answer).not_to_contain_text("before your last change")
        page.get_by_text("Show advanced settings").click()
        page.get_by_label("Error Response").fill("200")
        expect(answer).to_contain_text("before your last change")
        axe(page)
        page.get_by_label("Error Response").fill("")
        expect(answer).not_to_contain_text("before your last change")
        named.fill("ORDER-FOREIGN")
        expect(answer).to_contain_text("before your last change")
        expect(request_of(page)).to_contain_text("is credited to another partner")
