"""All conditions of a postback: what is wrong with them, and whether an event's values meet them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from actions.reports.parameters import PARAMETERS
from postbacks.conditions.comparisons import quoted
from postbacks.conditions.condition import EVERY, MOST_CONDITIONS, Condition, ConditionError, read_condition

ALL, ANY_OF_THEM = "all", "any"  # How many must hold.
_KEPT_COMPILED: Final = 4096  # Distinct sets of conditions; a large installation has some thousand postbacks.
_NO_ITEMS: Final[tuple[Mapping[str, str], ...]] = ({},)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The compiled conditions of one postback; made by `compile_conditions`.

    `hidden` are the parameters that its event type hides: they count as empty. `broken` says why a condition cannot be
    read, as after a return to an earlier release; then nothing fires.
    """

    each: tuple[Condition, ...] = ()
    match: str = ALL
    hidden: frozenset[str] = frozenset()
    broken: str = ""


NONE: Final = Conditions()


def compile_conditions(stored: Sequence[Any], match: str, hidden: Iterable[str] = ()) -> Conditions:
    """The conditions as a postback stores them, kept by content. Never raises."""
    return _compiled(orjson.dumps(stored), match, frozenset(hidden)) if stored else NONE


@lru_cache(maxsize=_KEPT_COMPILED)
def _compiled(stored: bytes, match: str, hidden: frozenset[str]) -> Conditions:
    try:
        return Conditions(tuple(map(read_condition, orjson.loads(stored))), match, hidden)
    except (ConditionError, TypeError) as error:
        return Conditions(match=match, broken=str(error))


def condition_errors(stored: Any, hidden: Iterable[str] = ()) -> list[str]:
    """Everything that is wrong with conditions as they would be stored, for a form or a file."""
    if not isinstance(stored, list):
        return ["The conditions must be a list of objects, each with a parameter, an operator and values."]
    if len(stored) > MOST_CONDITIONS:
        return [f"There are {len(stored):,} conditions, and {MOST_CONDITIONS} are the most."]
    errors = []
    for number, each in enumerate(stored, 1):
        problem = _problem(each, frozenset(hidden))
        if problem:
            errors.append(f"Condition {number}: {problem}")
    return errors


def _problem(stored: Any, hidden: frozenset[str]) -> str:
    try:
        condition = read_condition(stored)
    except ConditionError as error:
        return str(error)
    if not condition.items and PARAMETERS[condition.name].is_hidden(hidden):
        return f"The event type hides {condition.name} from postbacks. Show it there, or use another parameter."
    return ""


def unmet(conditions: Conditions, values: Mapping[str, Any], *, personal: bool = True) -> str | None:
    """Why an event with these values does not meet the conditions, in words without a full stop; None if it does.

    `values` is a snapshot (see `actions.reports.parameters`) with `ActionEvent`. Without `personal`, the values of
    personal parameters are left out of the words.
    """
    if conditions.broken:
        return f"a condition cannot be read. {conditions.broken.removesuffix('.')}"
    if not conditions.each:
        return None
    reasons = []
    for condition in conditions.each:
        reason = _refusal(condition, conditions.hidden, values, show=personal or not condition.personal)
        if reason and conditions.match == ALL:
            return reason
        if not reason and conditions.match != ALL:
            return None
        reasons.append(reason)
    return None if conditions.match == ALL else f"none of the conditions holds: {'; '.join(reasons)}"


def in_words(conditions: Conditions) -> str:
    """What must hold, as the end of a sentence that begins with `Fires if`; empty without conditions."""
    return f" {'and' if conditions.match == ALL else 'or'} ".join(each.in_words for each in conditions.each)


def _refusal(condition: Condition, hidden: frozenset[str], values: Mapping[str, Any], *, show: bool) -> str:
    if not condition.items:
        value = _value(condition.name, hidden, values)
        why = condition.test(value, _shown(value, condition.kind.numeric, show=show))
        return f"{condition.name} {why}" if why else ""
    for number, item in enumerate(values.get("items") or _NO_ITEMS, 1):
        value = item.get(condition.name) or ""
        why = condition.test(value, _shown(value, condition.kind.numeric, show=True))
        if why and condition.items == EVERY:
            return f"{condition.parameter} of item {number} {why}"
        if not why and condition.items != EVERY:
            return ""
    return "" if condition.items == EVERY else f"no item's {condition.name} {condition.does}"


def _value(name: str, hidden: frozenset[str], values: Mapping[str, Any]) -> str:
    parameter = PARAMETERS[name]
    if parameter.is_hidden(hidden):
        return ""
    value: str = values.get(name) or (parameter.derive(values) if parameter.derive else "")
    return value


def _shown(value: str, numeric: bool, *, show: bool) -> str:
    if not value:
        return "empty"
    if not show:
        return "(hidden)"
    return value if numeric else quoted(value)
