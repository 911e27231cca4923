"""Forms that never lose work: two tabs, a session that ends, Back, and leaving."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, Page, expect

from partners.models import ActionTracker, Partner
from postbacks.models import Postback
from tests.browser.actors import Role, make_user
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.pictures import screenshot
from tests.browser.windows import use_up
from tests.support.factories import make_postback
from tests.support.patience import wait_until

TYPED = "https://receiver.example/typed?id={ActionId}"
SECRET = "Authorization: Bearer typed-before-the-session-ended"


def url_of(postback: Postback) -> str:
    return f"/admin/postbacks/postback/{postback.pk}/change/"


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def sign_in(page: Page, user: User, password: str) -> None:
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def drafts(page: Page) -> list[str]:
    """The drafts of forms that the browser keeps."""
    kept: list[str] = page.evaluate("Object.keys(sessionStorage)")
    return [key for key in kept if key != "left-from"]  # Where the focus was.


def no_drafts(page: Page) -> None:
    """Waits for it: the page clears them once it is there."""
    wait_until(lambda: not drafts(page), 10, "no draft is kept")


def with_password(role: Role) -> tuple[User, str]:
    user = make_user(role)
    user.set_password("correct horse of the harbor")
    user.save()
    return user, "correct horse of the harbor"


def test_a_session_that_ends_takes_nothing_that_was_typed(
    open_as: OpenAs, tracker: ActionTracker, partner: Partner
) -> None:
    """The user signs in again and goes on; somebody else who signs in there gets nothing of it."""
    postback = make_postback(tracker, partner, method="POST", body_format="json", body_pairs=[["a", "1"]])
    user, password = with_password(Role.OPERATOR)
    other, others_password = with_password(Role.ADMINISTRATOR)
    page = open_as(user)
    page.goto(url_of(postback))
    page.locator("#id_url").fill(TYPED)
    page.locator("#id_secret_headers").fill(SECRET)
    page.get_by_role("button", name="Add a pair").click()
    page.get_by_label("Key 2").fill("b=2")
    page.get_by_label("Value 2").fill("{Oid}")
    Session.objects.all().delete()

    save(page)
    expect(page.get_by_label("Password")).to_be_visible()
    assert "typed" not in page.evaluate("JSON.stringify(sessionStorage)")
    sign_in(page, user, password)
    expect(page.get_by_role("status").filter(has_text="What you typed is back")).to_be_visible()
    expect(page.locator("#id_url")).to_have_value(TYPED)
    expect(page.locator("#id_secret_headers")).to_have_value(SECRET)
    expect(page.get_by_label("Value 2")).to_have_value("{Oid}")
    axe(page)
    save(page)
    expect(page.get_by_role("row", name=postback.name)).to_be_visible()
    postback.refresh_from_db()
    assert (postback.url, postback.body_pairs) == (TYPED, [["a", "1"], ["b=2", "{Oid}"]])
    no_drafts(page)

    page.goto(url_of(postback))
    page.locator("#id_url").fill("https://receiver.example/of-the-first-user")
    Session.objects.all().delete()
    save(page)
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in(page, other, others_password)
    expect(page.locator("#id_url")).to_have_value(TYPED)
    no_drafts(page)


def test_back_after_an_error_and_leaving(open_as: OpenAs, tracker: ActionTracker, partner: Partner) -> None:
    postback = make_postback(tracker, partner)
    page = open_as(Role.OPERATOR)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    use_up(page)
    page.on("dialog", stay)
    page.goto("/admin/")
    page.goto(url_of(postback))
    page.locator("#id_url").fill("https://receiver.example/{Oidd}")
    save(page)
    expect(page.locator(".field-url .errorlist")).to_contain_text("Did you mean {Oid}?")
    assert not asked
    page.locator("#id_url").click()  # A browser asks only on a page that somebody has touched.
    page.go_back()
    expect(page.locator("#id_url")).to_have_value("https://receiver.example/{Oidd}")
    assert asked == ["beforeunload"]

    page.locator("#id_url").fill(postback.url)  # As it was: nothing would be lost.
    page.get_by_role("link", name="Dashboard").first.click()
    expect(page).to_have_url("/admin/")
    assert asked == ["beforeunload"]
    page.goto(url_of(postback))
    page.locator("#id_url").fill(TYPED)
    page.get_by_role("link", name="Dashboard").first.click()
    expect(page).to_have_url("/admin/")
    assert asked == ["beforeunload"] * 2

    page.goto(url_of(postback))
    page.locator("#id_url").fill(TYPED)
    page.get_by_role("button", name="Save", exact=True).dblclick()
    expect(page.get_by_role("row", name=postback.name)).to_be_visible()
    assert asked == ["beforeunload"] * 2
    postback.refresh_from_db()
    assert postback.url == TYPED


def test_two_tabs(open_as: OpenAs, tracker: ActionTracker, partner: Partner) -> None:
    postback = make_postback(tracker, partner)
    page = open_as(Role.OPERATOR)
    narrow = open_as(Role.ADMINISTRATOR, width=NARROW, dark=True)
    for each in (page, narrow):
        each.goto(url_of(postback))
    narrow.locator("#id_url").fill("https://theirs.example/?id={ActionId}")
    save(narrow)
    expect(narrow.get_by_role("row", name=postback.name)).to_be_visible()

    page.locator("#id_url").fill(TYPED)
    save(page)

    told = page.get_by_role("region", name="Not saved")
    expect(told).to_contain_text("administrator")
    expect(told.get_by_role("row", name="URL")).to_contain_text("https://theirs.example/?id={ActionId}")
    expect(page.locator("#id_url")).to_have_value(TYPED)
    axe(page)
    page.set_viewport_size({"width": WIDE, "height": 600})
    screenshot(page, "two-tabs")
    told.get_by_role("button", name="Save over it").click()
    expect(page.get_by_role("row", name=postback.name)).to_be_visible()
    postback.refresh_from_db()
    assert postback.url == TYPED

    narrow.goto(url_of(postback))
    changed = Postback.objects.get()
    changed.url = "https://once.more.example/"
    changed.save()
    narrow.locator("#id_url").fill("https://narrow.example/")
    save(narrow)
    fits(narrow, NARROW)
    axe(narrow)
    narrow.get_by_role("link", name="Take theirs").click()
    expect(narrow.locator("#id_url")).to_have_value("https://once.more.example/")
