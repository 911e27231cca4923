"""How many clicks a task takes a person."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.windows import use_up

# A press of the mouse, Enter or Space on a control, and a choice in a list that was made by the keyboard count one
# each. Typing and Tab count nothing.
_COUNTING = """
for (const kind of ["pointerdown", "keydown", "change"])
    document.addEventListener(kind, event => {
        if (kind === "keydown" && !["Enter", " "].includes(event.key)) return;
        if (kind === "keydown" && event.key === " " && event.target.matches("input, textarea")) return;
        if (kind === "change" && !event.target.matches("select")) return;
        window.countClick();
    }, true);
"""


class Clicks:
    """Counts from when it is made: `clicks = Clicks(page)`, then `clicks.count`."""

    def __init__(self, page: Page) -> None:
        self.count = 0
        use_up(page)
        page.expose_function("countClick", self._one_more)
        page.add_init_script(_COUNTING)
        page.reload()

    def _one_more(self) -> None:
        self.count += 1
