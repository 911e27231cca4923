"""Rules read back in words, as the worker takes them: so that a slip shows before an answer is judged by it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS, RETRY_WAITS
from postbacks.verdicts.rules import ContentRule, StatusRule, compile_rules, rule_errors

Range = tuple[int, int]
_2XX: Final[Range] = (200, 299)


def words(success: str, error: str) -> dict[str, str]:
    """What the rules of the two fields say, by field, and `retry`; nothing for a field with a mistake in it."""
    fine = {
        "success_response": not rule_errors("success_response", success),
        "error_response": not rule_errors("error_response", error),
    }
    rules = compile_rules(success if fine["success_response"] else "", error if fine["error_response"] else "")
    said = {
        "success_response": _success(_ranges(rules.success_statuses), _bodies(rules.success_contents)),
        "error_response": _error(_ranges(rules.error_statuses), _bodies(rules.error_contents)),
    }
    return {**{field: said[field] for field in said if fine[field]}, "retry": retry_in_words()}


def retry_in_words() -> str:
    """When a failure is tried again, which is the same for all postbacks."""
    days = round(sum(RETRY_WAITS, timedelta()) / timedelta(days=1))
    return f"Tries again after any failure but 410 Gone: {MAXIMUM_ATTEMPTS - 1} times over {days} days."


def _success(statuses: list[Range], bodies: str) -> str:
    if not bodies:
        named = _named(statuses or [_2XX])
        return f"Succeeds on {named}; fails on any other status." if named else ""
    counting = _within_2xx(statuses) if statuses else [_2XX]
    if not counting:
        return (
            f"Never succeeds: a rule about the body counts on {_named([_2XX])} only, and no status rule names one of "
            "these. Take one of the two kinds out."
        )
    return f"Succeeds on {_named(counting)} if the body {bodies}; fails otherwise."


def _error(statuses: list[Range], bodies: str) -> str:
    parts = [f"on {_named(statuses)}"] if statuses else []
    parts += [f"if the body {bodies}"] if bodies else []
    return f"Fails {' and '.join(parts)}, whatever else holds." if parts else "Nothing else fails."


def _ranges(rules: Iterable[StatusRule]) -> list[Range]:
    return [(rule.first, rule.last) for rule in rules]


def _bodies(rules: Iterable[ContentRule]) -> str:
    return " or ".join(rule.in_words for rule in rules)


def _within_2xx(statuses: Iterable[Range]) -> list[Range]:
    cut = ((max(first, _2XX[0]), min(last, _2XX[1])) for first, last in statuses)
    return [(first, last) for first, last in cut if first <= last]


def _named(statuses: Iterable[Range]) -> str:
    """Ranges in order, those that touch as one, with en dashes."""
    merged: list[Range] = []
    for first, last in sorted(statuses):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return ", ".join(str(first) if first == last else f"{first}\N{EN DASH}{last}" for first, last in merged)
