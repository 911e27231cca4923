"""Which of an action's values are personal data of the customer. Who sees them: `partners.admin_kit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actions.reports.parameters import is_personal
from actions.reports.report import NAMES, READERS

HIDDEN: Final = "hidden: personal"
WHY_HIDDEN: Final = "Hidden, because it may hold personal data of the customer, which your role does not show."


def without_personal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an action or a report by name, to be shown: of what is personal only that there is something."""
    return {name: HIDDEN if _is_hidden(name) and value not in ("", None) else value for name, value in values.items()}


def but_personal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an action or a report by name, those left out that are personal."""
    return {name: value for name, value in values.items() if not _is_hidden(name)}


def _is_hidden(name: str) -> bool:
    known = NAMES.meaning(name).field
    return is_personal(known) and known not in READERS and not known.startswith("Item")  # What tells of the order.
