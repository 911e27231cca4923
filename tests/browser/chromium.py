"""Where the browser is, and how it is started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = (
    "chromium-headless-shell",  # The same engine without windows: it takes half the time.
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
_ARGUMENTS = (
    "--no-sandbox",  # As root, in a container, on pages of our own.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",  # The same colours in pictures on all machines.
)

MISSING = "No browser is installed, so no screen is tested. On Debian: apt-get install chromium-headless-shell"


def executable() -> str | None:
    """The path of the installed browser: `POSTBACKS_BROWSER` if it is set, else the first that the PATH has."""
    named = os.environ.get("POSTBACKS_BROWSER")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def running(path: str) -> Iterator[Browser]:
    """The browser, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS, headless=True)
        try:
            yield browser
        finally:
            browser.close()
