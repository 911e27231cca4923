"""The watch and the audit find what they are there for: otherwise all other tests of the screens prove nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.browser.actors import Role
from tests.browser.audit import axe
from tests.browser.clicks import Clicks
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.keys import press, type_into
from tests.browser.watch import expect
from tests.browser.windows import Windows, use_up


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("console.error('out of paint')", r"^in the console: out of paint"),
        ("setTimeout(() => { throw new Error('broken') })", r"^error in a script: .*broken"),
        ("fetch('/static/none.js')", r"^status 404: GET .*/static/none.js$"),
        (
            "fetch('http://127.0.0.1:9/').catch(() => null)",
            r"^(asked another host|not loaded|in the console): .*http://127.0.0.1:9/",
        ),
    ],
)
def test_the_watch_sees_what_no_page_may_do(admin_page: Page, script: str, problem: str) -> None:
    expect(admin_page, problem)
    admin_page.goto("/admin/")

    admin_page.evaluate(f"() => {{ {script} }}")
    admin_page.wait_for_timeout(200)


def test_the_audit_finds_a_picture_without_words(admin_page: Page) -> None:
    admin_page.set_content('<html lang="en"><title>t</title><main><h1>t</h1><img src="data:,"></main></html>')

    with pytest.raises(AssertionError, match="image-alt"):
        axe(admin_page)


def test_an_actor_is_signed_in(open_as: OpenAs) -> None:
    for role in Role:
        page = open_as(role)
        page.goto("/admin/")
        assert page.locator("body").inner_text().count(str(role)) > 0


def test_a_window_that_is_used_again_knows_nothing_of_the_test_before(
    windows: Windows, open_as: OpenAs, live_server: LiveServer
) -> None:
    before = windows.take(WIDE, dark=False)
    before.context.add_cookies([{"name": "who", "value": "before", "url": live_server.url}])
    before.goto("/admin/login/")
    before.evaluate("() => { localStorage.setItem('typed', 1); sessionStorage.setItem('typed', 1); }")
    before.evaluate("() => addEventListener('pagehide', () => sessionStorage.setItem('left', 1))")
    before.set_viewport_size({"width": NARROW, "height": 300})
    with before.expect_popup():
        before.evaluate("() => { window.open('/admin/login/'); }")
    windows.give_back(before, WIDE, dark=False)

    page = open_as(None)
    assert page is before
    page.goto("/admin/login/")
    stored = page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))")
    assert not {"typed", "left"} & set(stored)
    assert page.evaluate("[innerWidth, innerHeight]") == [WIDE, 800]
    assert "who" not in {each["name"] for each in page.context.cookies()}
    assert page.context.pages == [page]


def test_a_window_that_is_used_up_or_closed_is_given_to_nobody(windows: Windows) -> None:
    used_up, closed = windows.take(WIDE, dark=True), windows.take(WIDE, dark=True)
    use_up(used_up)
    closed.close()
    for page in (used_up, closed):
        windows.give_back(page, WIDE, dark=True)

    assert windows.take(WIDE, dark=True) not in (used_up, closed)


@pytest.mark.parametrize(
    "lasting", [".clock", ".expose_", ".add_init_script", ".grant_permissions", ".route(", ".on(", ".emulate_media"]
)
def test_what_changes_a_window_for_good_uses_it_up(lasting: str) -> None:
    """The watch is the one that stops listening."""
    files = [each for each in Path(__file__).parent.glob("*.py") if each.name not in {"watch.py", Path(__file__).name}]
    changing = [each for each in files if lasting in each.read_text()]
    assert [each.name for each in changing if "use_up(" not in each.read_text()] == []


def test_clicks_are_counted_over_pages_and_typing_is_not(admin_page: Page) -> None:
    admin_page.goto("/admin/postbacks/delivery/")
    clicks = Clicks(admin_page)
    search = admin_page.get_by_label("Search by action id")
    search.click()
    search.press_sequentially("1000.1 2")
    press(search, "Enter")
    admin_page.wait_for_url(re.compile("1000"))
    admin_page.get_by_role("navigation", name="Main").get_by_role("link", name="Delivery log").click()
    admin_page.wait_for_url(re.compile("/delivery/$"))

    assert clicks.count == 3


def test_keys_are_pressed_only_once_it_is_known_what_has_the_focus() -> None:
    files = [each for each in Path(__file__).parent.glob("*.py") if each.name not in {"keys.py", Path(__file__).name}]
    assert [each.name for each in files if ".keyboard" in each.read_text()] == []


def test_keys_wait_for_the_focus(admin_page: Page) -> None:
    admin_page.set_content(
        "<html lang=en><title>t</title><input id=late><input id=first autofocus>"
        "<script>setTimeout(() => document.getElementById('late').focus(), 300)</script></html>"
    )
    late = admin_page.locator("#late")

    type_into(late, "here")

    assert late.input_value() == "here"
