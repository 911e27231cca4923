"""What a plan of PostgreSQL's says, as `EXPLAIN (ANALYZE, FORMAT JSON)` gives it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def looked_up(plan: dict[str, Any], conditions: Collection[str]) -> int:
    """How often an index was asked, whichever it was, with one of these texts in its condition."""
    asked = any(condition in plan.get("Index Cond", "") for condition in conditions)
    below = sum(looked_up(each, conditions) for each in plan.get("Plans", ()))
    return below + (int(plan["Actual Loops"]) if asked else 0)
