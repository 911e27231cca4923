"""A day of each role: what it finds in the navigation, what it can press, and how it signs in."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.roles.users import create_user
from postbacks.models import Attempt, Delivery, Postback
from tests.browser.actors import Role
from tests.browser.audit import axe
from tests.browser.conftest import NARROW, OpenAs
from tests.browser.pictures import screenshot
from tests.browser.watch import expect as expect_problem
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker, record_action

ADDRESS = "203.0.113.77"
ALL = {
    *("Dashboard", "Partners", "Contracts", "Programs", "Event types", "Attribution rules", "Actions", "Networks"),
    *("Delivery log", "All postbacks", "Held", "Proposals", "Replays", "Submissions"),
    *("Exchange rates", "Rates to accept"),
}
ADMINISTRATORS_ONLY = {"Notices", "Partner links", "API tokens", "Changes", "Users", "Roles"}


@pytest.fixture
def answered_postback() -> Postback:
    """With a delivery that was answered, of a customer whose address is known."""
    sale = make_tracker(make_program(name="Summit"), name="Online Sale")
    partner = make_partner(name="Compass")
    make_term(sale, partner)
    postback = make_postback(sale, partner, name="Sales", url="https://compass.example/in?ip={IpAddressPlain}")
    record_action(sale, partner, IpAddressPlain=ADDRESS)
    Attempt.objects.create(
        delivery=Delivery.objects.get(),
        number=1,
        started_at=timezone.now(),
        duration_ms=12,
        succeeded=True,
        reason="Status 200",
        method="GET",
        url=f"https://compass.example/in?ip={ADDRESS}",
        request_headers="Accept: */*",
        status=200,
    )
    LogEntry.objects.update(additional_data={"by": "load_config, run by deploy"})  # For the picture.
    return postback


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])  # Operators find what viewers do, and Notices.
def test_the_navigation_has_what_each_role_may_see(open_as: OpenAs, role: Role) -> None:
    page = open_as(role)
    page.goto("/admin/")

    links = page.get_by_role("navigation", name="Main").get_by_role("link").all()

    found = {link.inner_text().splitlines()[-1].strip() for link in links}
    assert found == (ALL | ADMINISTRATORS_ONLY if role is Role.ADMINISTRATOR else ALL)


def pressable(page: Page) -> set[str]:
    """The first words of the buttons and links by which something would be changed."""
    shown = [*page.get_by_role("button").all(), *page.get_by_role("link").all()]
    words = {line.strip().partition(" ")[0] for each in shown for line in each.inner_text().splitlines()}
    return words & {"Add", "Cancel", "Delete", "Pause", "Report", "Resend", "Save", "Send"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [(Role.VIEWER, set()), (Role.OPERATOR, {"Add", "Cancel", "Delete", "Report", "Save", "Send"})],
)
def test_a_viewer_reads_all_but_the_customer_and_can_press_nothing(
    open_as: OpenAs, answered_postback: Postback, role: Role, expected: set[str]
) -> None:
    page = open_as(role)
    delivery = Delivery.objects.get()
    pressed, told = set(), []
    for path in (
        f"/admin/actions/action/{delivery.action_id}/change/",
        f"/admin/actions/actionevent/{delivery.event_id}/change/",
        f"/admin/postbacks/delivery/{delivery.pk}/change/",
        f"/admin/postbacks/postback/{answered_postback.pk}/change/",
        "/admin/actions/action/",
        "/admin/postbacks/delivery/",
    ):
        page.goto(path)
        pressed |= pressable(page)
        told += [path] if ADDRESS in page.content() else []

    assert pressed == expected
    assert len(told) == (0 if role is Role.VIEWER else 3)  # The action, its event and its delivery.


def test_an_operator_sees_the_customer_changes_a_postback_and_reads_who_did(
    operator_page: Page, answered_postback: Postback
) -> None:
    page = operator_page
    page.goto(f"/admin/postbacks/delivery/{Delivery.objects.get().pk}/change/")
    expect(page.get_by_text(ADDRESS).first).to_be_visible()

    page.goto(f"/admin/postbacks/postback/{answered_postback.pk}/change/")
    page.locator("#id_url").fill("https://compass.example/v2?id={ActionId}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Partner Integration")).to_be_visible()
    page.goto(f"/admin/postbacks/postback/{answered_postback.pk}/history/")

    change = page.locator(".pp-history article").first
    expect(change).to_contain_text("by operator")
    expect(change.get_by_role("row", name="URL")).to_contain_text("https://compass.example/in?ip={IpAddressPlain}")
    expect(change.get_by_role("row", name="URL")).to_contain_text("https://compass.example/v2?id={ActionId}")
    axe(page)
    screenshot(page, "history")


def test_an_administrator_makes_a_viewer_who_signs_in(open_as: OpenAs) -> None:
    page = open_as(Role.ADMINISTRATOR)
    page.goto("/admin/auth/user/add/")
    page.get_by_label("Username").fill("grace")
    page.locator("#id_groups").select_option(label="viewer")
    page.get_by_label("Password", exact=False).nth(0).fill("plank-otter-9-violet")
    page.get_by_label("Password confirmation").fill("plank-otter-9-violet")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert [group.name for group in User.objects.get(username="grace").groups.all()] == ["viewer"]

    hers = open_as(None)
    hers.goto("/admin/postbacks/delivery/")
    hers.get_by_label("Username").fill("grace")
    hers.get_by_label("Password").fill("plank-otter-9-violet")
    hers.get_by_role("button", name="Sign in").click()

    expect(hers.get_by_role("link", name="Delivery log")).to_be_visible()
    assert hers.url.endswith("/admin/postbacks/delivery/")


def test_whoever_guesses_too_often_is_told_how_long_to_wait(open_as: OpenAs) -> None:
    create_user("ada", Role.OPERATOR)
    for number in range(9):
        Client().post("/admin/login/", {"username": "ada", "password": f"wrong-{number}"})
    page = open_as(None, width=NARROW)
    expect_problem(page, r"^status 429: POST .*/admin/login/")
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("wrong-9")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Too many failed attempts")).to_be_visible()
    expect(page.get_by_text("for 15 minutes")).to_be_visible()
    axe(page)
