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
from tests.browser.windows import Windows

WIDE, NARROW = 1280, 390
_WAIT_MS = 30_000  # On a machine with much else to do; what comes sooner is noticed at once.
_QUIET = "/static/config/time-zone.js"  # Shown as text.

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


@pytest.fixture(scope="package")
def windows(browser: Browser, live_server: LiveServer) -> Windows:
    return Windows(browser, live_server.url, _QUIET, _WAIT_MS)


@pytest.fixture
def open_as(windows: Windows, live_server: LiveServer) -> Iterator[OpenAs]:
    """`open_as(Role.VIEWER, width=NARROW, dark=True)`: a page of a window of its own, in which that user is signed in.

    Paths are enough for `goto`. At the end of the test it fails if a page has done what no page may.
    """
    opened: list[tuple[Page, int, bool]] = []
    watches = []

    def open_page(who: Role | User | None, *, width: int = WIDE, dark: bool = False) -> Page:
        page = windows.take(width, dark=dark)
        opened.append((page, width, dark))
        if who is not None:
            sign_in(page, make_user(who) if isinstance(who, Role) else who)
        watches.append(Watch(page, urlsplit(live_server.url).netloc))
        return page

    def sign_in(page: Page, user: User) -> None:
        """By the session's cookie: hashing a password takes longer than most tests."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])

    yield open_page

    for watch in watches:
        watch.end()
    for page, width, dark in opened:
        windows.give_back(page, width, dark=dark)
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
