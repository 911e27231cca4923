"""What a browser would send of a form on a page."""

from __future__ import annotations

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.inside = False
        self.values: dict[str, list[str]] = {}
        self.select = ""
        self.chosen = False
        self.text: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("id") == self.form
        if not self.inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") not in ("submit", "button", "file"):
            ticked = given.get("type") in ("checkbox", "radio")
            if not ticked or "checked" in given:
                self.values.setdefault(name, []).append(given.get("value", "on" if ticked else ""))
        elif tag == "textarea":
            self.text = ""
            self.select = name
        elif tag == "select":
            self.select, self.chosen = name, "multiple" in given
        elif tag == "option" and "selected" in given:
            self.values.setdefault(self.select, []).append(given.get("value", ""))
            self.chosen = True

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "textarea" and self.text is not None:
            self.values.setdefault(self.select, []).append(self.text.removeprefix("\n"))
            self.text = None
        elif tag == "select" and self.inside and not self.chosen:
            self.values.setdefault(self.select, []).append("")


def typed(page: str, form: str) -> dict[str, list[str]]:
    """The values of the form with this id, by the names of its fields."""
    reader = _Fields(form)
    reader.feed(page)
    assert reader.values, f"There is no form {form} on the page."
    return {name: values for name, values in reader.values.items() if name and "__prefix__" not in name}
