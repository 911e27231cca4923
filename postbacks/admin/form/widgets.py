"""Widgets of the postback form: selects with data for the script of the page, and the pairs."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from postbacks.admin.form.fields import parse_pairs
from postbacks.conditions.condition import OPERATORS
from postbacks.conditions.lines import rows

# Each with whether it takes a value.
_OPERATORS = [(name, operator.values != 0) for name, operator in OPERATORS.items()]


class DataSelect(UnfoldAdminSelectWidget):  # type: ignore[misc]  # the theme has no types
    """A select whose options have `data-<name>`, from `data`: {option value: text}."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.data: dict[str, str] = {}

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        text = self.data.get(str(option["value"]))
        if text is not None:
            option["attrs"][f"data-{self.name}"] = text
        return option


class ConditionsWidget(UnfoldAdminTextareaWidget):  # type: ignore[misc]  # the theme has no types
    """The conditions as text, and as JSON for the script that turns them into rows."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        with suppress(ValueError):  # As with pairs.
            context["widget"]["attrs"]["data-conditions"] = json.dumps(rows(value or ""))
            context["widget"]["attrs"]["data-operators"] = json.dumps(_OPERATORS)
        return context


class PairsWidget(UnfoldAdminTextareaWidget):  # type: ignore[misc]  # the theme has no types
    """The pairs as text, and as JSON for the script that turns them into rows."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        with suppress(ValueError):  # If it cannot be read, the text is shown as typed, with its error.
            context["widget"]["attrs"]["data-pairs"] = json.dumps(parse_pairs(value or ""))
        return context
