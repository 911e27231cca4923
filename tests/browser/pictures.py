"""Pictures of the screens for the documentation.

`make pictures` makes all of `docs/images/` again: it runs the tests with POSTBACKS_SCREENSHOTS=1. Without the variable
nothing is written.
"""

from __future__ import annotations

import os

from playwright.sync_api import Page

from environment.variables import BASE_DIR

FOLDER = BASE_DIR / "docs" / "images"
MAX_BYTES = 150_000  # Each is read with a page of the documentation, and kept for ever in the repository.


def wanted() -> bool:
    return os.environ.get("POSTBACKS_SCREENSHOTS", "") not in ("", "0")


def screenshot(page: Page, name: str, *, full_page: bool = False) -> None:
    """Writes `docs/images/<name>.png` if pictures are wanted; fails if it is too large for the documentation."""
    if not wanted():
        return
    page.evaluate("() => document.fonts.ready")
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, full_page=full_page, animations="disabled", caret="hide")
    size = path.stat().st_size
    assert size <= MAX_BYTES, f"{path.name} has {size:,} bytes, and {MAX_BYTES:,} are the most: show less of the page."
