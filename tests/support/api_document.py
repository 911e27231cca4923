"""The API's document as it is kept: `tests/config/test_api_document.py` proves that it is that of the code.

To make it takes a second, and tests that are collected for each of its addresses are collected in every process.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from environment.variables import BASE_DIR


@cache
def paths() -> dict[str, Any]:
    """What it says of each path, by method."""
    document = json.loads((BASE_DIR / "docs" / "openapi.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["paths"]
    return found
