"""Keys go to whatever has the focus, also if that is not yet, or no longer, the field which the test means."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def type_into(field: Locator, text: str) -> None:
    """Type `text` once the page has given `field` the focus, or fail the test: nothing here moves the focus."""
    expect(field).to_be_focused()
    field.page.keyboard.type(text)


def press(focused: Locator, *keys: str) -> None:
    """Press these keys one after another, the first once the page has given `focused` the focus."""
    expect(focused).to_be_focused()
    for key in keys:
        focused.page.keyboard.press(key)


def press_anywhere(page: Page, key: str) -> None:
    """Press a key that the page itself listens to. Its scripts have run when it is loaded."""
    page.wait_for_load_state("load")
    page.keyboard.press(key)
