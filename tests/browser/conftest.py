"""A browser for all tests of the screens, a real server in threads, and pages on which an actor is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import chromium, pictures
from tests.browser.actors import Role, make_user
from tests.browser.watch import Watch

WIDE, NARROW = 1280, 390
_HEIGHTS = {WIDE: 800, NARROW: 844}
_WAIT_MS = 30_000  # On a machine with much else to do; what comes sooner is noticed at once.

expect.set_options(timeout=_WAIT_MS)

OpenAs = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of the package. Where there is none they are skipped, and say so."""
    path = chromium.executable()
    if path is None:
        if pictures.wanted():
            pytest.fail(chromium.MISSING)  # Not skipped: pictures that no test made would be deleted.
        pytest.skip(chromium.MISSING)
    with pytest.MonkeyPatch.context() as patched:
        # Playwright keeps an event loop in this thread, in which Django would refuse to use its database.
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with chromium.running(path) as started:
            yield started


@pytest.fixture
def open_as(browser: Browser, live_server: LiveServer) -> Iterator[OpenAs]:
    """`open_as(Role.VIEWER, width=NARROW, dark=True)`: a page of a new window, in which that user is signed in.

    Paths are enough for `goto`. At the end of the test it fails if a page has done what no page may.
    """
    contexts = []
    watches = []

    def open_page(who: Role | User | None, *, width: int = WIDE, dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": _HEIGHTS[width]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",  # Not the server's, so that a mix-up shows.
        )
        context.set_default_timeout(_WAIT_MS)
        contexts.append(context)
        if who is not None:
            sign_in(context_cookies=context.add_cookies, user=make_user(who) if isinstance(who, Role) else who)
        page = context.new_page()
        watches.append(Watch(page, urlsplit(live_server.url).netloc))
        return page

    def sign_in(context_cookies: Callable[..., None], user: User) -> None:
        """By the session's cookie: hashing a password takes longer than most tests."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        context_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    yield open_page

    for context in contexts:
        context.close()
    for watch in watches:
        watch.assert_clean()


@pytest.fixture
def admin_page(open_as: OpenAs) -> Page:
    return open_as(Role.ADMINISTRATOR)


@pytest.fixture
def operator_page(open_as: OpenAs) -> Page:
    return open_as(Role.OPERATOR)


@pytest.fixture
def viewer_page(open_as: OpenAs) -> Page:
    return open_as(Role.VIEWER)
