"""Windows of the browser that tests use one after the other: opening one, and filling its cache, takes a processor as
long as showing three pages.

A window that is used again has no cookie, nothing stored, its first size, and nobody who listens to it.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakSet

from playwright.sync_api import Browser, BrowserContext, Error, Page

_HEIGHTS = {1280: 800, 390: 844}
_FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"
_OUTSIDE = -10  # Where the mouse lies on nothing.
_used_up: Final[WeakSet[Page]] = WeakSet()


def use_up(page: Page) -> None:
    """Nobody gets this window after the test, which changes it for good: listens to it, or stops its clock."""
    _used_up.add(page)


class Windows:
    """Those of one browser, at one server. `quiet_path` is a page of the server that does nothing."""

    def __init__(self, browser: Browser, url: str, quiet_path: str, wait_ms: int) -> None:
        self._browser = browser
        self._url = url
        self._quiet = url + quiet_path
        self._wait_ms = wait_ms
        self._free: dict[tuple[int, bool], list[Page]] = {}

    def take(self, width: int, *, dark: bool) -> Page:
        """A window that nobody is signed in to, in front of the others: Chromium gives `autofocus` its due when it
        draws the page, and may not draw one in the background."""
        free = self._free.setdefault((width, dark), [])
        page = free.pop() if free else self._open(width, dark=dark).new_page()
        page.bring_to_front()
        return page

    def give_back(self, page: Page, width: int, *, dark: bool) -> None:
        """For another test, unless this one has used it up. Nobody may listen to it any more."""
        if page in _used_up or page.is_closed() or not self._is_as_new(page, width):
            page.context.close()
        else:
            self._free[width, dark].append(page)

    def _open(self, width: int, *, dark: bool) -> BrowserContext:
        context = self._browser.new_context(
            base_url=self._url,
            viewport={"width": width, "height": _HEIGHTS[width]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",  # Not the server's, so that a mix-up shows.
        )
        context.set_default_timeout(self._wait_ms)
        return context

    def _is_as_new(self, page: Page, width: int) -> bool:
        """Make it so; return False if it cannot be, as when a script of the page does not end."""
        try:
            page.goto(self._quiet)  # The page before may store something as it is left.
            for other in page.context.pages:
                if other != page:
                    other.close()
            page.evaluate(_FORGET)
            page.context.clear_cookies()
            page.mouse.move(_OUTSIDE, _OUTSIDE)
            page.set_viewport_size({"width": width, "height": _HEIGHTS[width]})
        except Error:
            return False
        return True
