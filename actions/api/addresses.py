"""Which addresses are the API's, and how they read without what a caller may add to them. Pure."""

from __future__ import annotations

from typing import Final

ACCOUNTS: Final = "/Advertisers/"  # Conversions, and what is read of them; in JSON or XML.
MANAGEMENT: Final = "/api/v1/"  # Postbacks and deliveries; everything is JSON.
BATCH: Final = "/Conversions/Batch"
_SUFFIXES: Final = (".json", ".xml")


def is_api(path: str) -> bool:
    """Whether the address belongs to the API."""
    return path.startswith((ACCOUNTS, MANAGEMENT))


def without_suffix(path: str) -> tuple[str, str]:
    """The address without a slash and a suffix at its end, and that suffix: `.json`, `.xml` or none."""
    path = path.removesuffix("/")
    found = ""
    while suffix := next((each for each in _SUFFIXES if path.lower().endswith(each)), ""):
        path, found = path[: -len(suffix)], found or suffix
    return path, found
