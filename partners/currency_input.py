"""A currency in a form: typed by its code or its name, and chosen from those of ISO 4217."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from value_types.currencies import NAMES

_BY_NAME: Final = {name.casefold(): code for code, name in NAMES.items()}


class CurrencyInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]  # the theme has no types
    """A text with a list of suggestions, which the browser narrows by code and by name."""

    kept = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        key = f"{(attrs or {}).get('id', name)}_currencies"
        given = {
            **(attrs or {}),
            "list": key,
            "placeholder": "Code or name",
            "autocomplete": "off",
            "spellcheck": "false",
        }
        known = NAMES if not self.kept or self.kept in NAMES else {self.kept: "as it is", **NAMES}
        options = format_html_join("", '<option value="{}">{}</option>', known.items())
        return format_html(
            '{}<datalist id="{}">{}</datalist>', super().render(name, value, given, renderer), key, options
        )


class CurrencyField(forms.CharField):
    """A code of the standard. What a row has already stays valid, whatever it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "widget": CurrencyInput()})

    def widget_attrs(self, widget: Any) -> dict[str, Any]:  # noqa: ARG002 -- what Django passes
        """Without the length of a code: names are typed too."""
        return {}

    def get_bound_field(self, form: Any, field_name: str) -> Any:
        self.widget.kept = str(form.get_initial_for_field(self, field_name) or "")
        return super().get_bound_field(form, field_name)

    def to_python(self, value: Any) -> str:
        typed: str = super().to_python(value) or ""
        code = _BY_NAME.get(typed.casefold(), typed.upper())
        if not typed or code in NAMES:
            return code if typed else ""
        if typed == self.widget.kept:
            return typed
        raise ValidationError(f"There is no currency “{typed}” in ISO 4217.{_nearest(typed)}")


def _nearest(typed: str) -> str:
    codes = get_close_matches(typed.upper(), NAMES, n=2, cutoff=0.6)
    codes += [_BY_NAME[name] for name in get_close_matches(typed.casefold(), _BY_NAME, n=1)]
    found = " or ".join(f"{code} ({NAMES[code]})" for code in dict.fromkeys(codes))
    return f" Did you mean {found}?" if found else " A code has three letters, such as USD."
