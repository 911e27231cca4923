"""What no page may do: complain in the console, throw, miss a file, or ask another host."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

_MISSING_FILE = "Failed to load resource"  # Chromium says it once more in the console; the answer itself is watched.
_watched: Final[WeakKeyDictionary[Page, Watch]] = WeakKeyDictionary()


def expect(page: Page, pattern: str) -> None:
    """The test is about a problem: what this regular expression finds must happen, and is forgiven."""
    _watched[page].expected.append(re.compile(pattern))


class Watch:
    """Listens to a page from its beginning. `problems` are what it has done wrong so far."""

    def __init__(self, page: Page, host: str) -> None:
        _watched[page] = self
        self.problems: list[str] = []
        self.expected: list[re.Pattern[str]] = []
        self._host = host
        self._page = page
        self._listeners: dict[str, Callable[..., None]] = {
            "console": self._on_console,
            "pageerror": self._on_error,
            "request": self._on_request,
            "response": self._on_response,
            "requestfailed": self._on_failure,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)  # type: ignore[call-overload] # one of each event's own

    def end(self) -> None:
        """Hear what has happened so far, and nothing of what comes."""
        _watched.pop(self._page, None)
        if not self._page.is_closed():
            self._page.context.cookies()  # Its answer comes after what has happened before.
        for event, listener in self._listeners.items():
            self._page.remove_listener(event, listener)

    def assert_clean(self) -> None:
        """Fails the test if the page has done anything that was not expected, or not what was."""
        for pattern in self.expected:
            assert any(map(pattern.search, self.problems)), f"Did not happen: {pattern.pattern}\n{self.problems}"
        unexpected = [each for each in self.problems if not any(known.search(each) for known in self.expected)]
        assert not unexpected, "The page did what it must not:\n" + "\n".join(unexpected)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_MISSING_FILE):
            self.problems.append(f"in the console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: Error) -> None:
        self.problems.append(f"error in a script: {error}")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.problems.append(f"asked another host: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"status {response.status}: {response.request.method} {response.url}")

    def _on_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # By leaving the page.
            self.problems.append(f"not loaded: {request.url} ({request.failure})")
