"""One condition: a parameter, an operator and values, read from JSON as a postback stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS, Carried, ParameterType, is_personal
from postbacks.conditions.comparisons import (
    Test,
    beginning_with,
    bounded,
    containing,
    empty,
    equal_to,
    listed,
    matching,
    negated,
    quoted,
    written,
)
from postbacks.request.template.hints import ITEM_ALIASES, PARAMETER_ALIASES, did_you_mean

ITEMS: Final = "items."  # In front of the attribute of an item.
ANY, EVERY = "any", "every"
KEYS: Final = ("parameter", "operator", "values", "items")

# Of one postback and of one condition: far beyond what a person writes, and judged in a moment.
MOST_CONDITIONS: Final = 50
MOST_VALUES: Final = 1_000
MOST_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Operator:
    """`values` is how many values it takes, None for one or more; `does` is it in a sentence, with a place for them."""

    values: int | None
    does: str
    test: Callable[[ParameterType, Sequence[str]], Test]


OPERATORS: Final[Mapping[str, Operator]] = {
    "is": Operator(1, "is {}", equal_to),
    "is not": Operator(1, "is not {}", lambda kind, values: negated(equal_to(kind, values), "is {}")),
    "one of": Operator(None, "is one of {}", equal_to),
    "contains": Operator(1, "contains {}", lambda _kind, values: containing(values[0])),
    "begins with": Operator(1, "begins with {}", lambda _kind, values: beginning_with(values[0])),
    "matches": Operator(1, "matches {}", lambda _kind, values: matching(values[0])),
    "at least": Operator(1, "is at least {}", lambda kind, values: bounded(kind, values[0], least=True)),
    "at most": Operator(1, "is at most {}", lambda kind, values: bounded(kind, values[0], least=False)),
    "is empty": Operator(0, "is empty", lambda _kind, _values: empty),
    "is not empty": Operator(0, "is not empty", lambda _kind, _values: negated(empty, "is empty")),
}
"""In the order in which they are offered."""


class ConditionError(ValueError):
    """A condition that cannot be used; the text says what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition that can be judged; made by `read_condition`.

    `name` is that of a parameter, or of an attribute if `items`, which is then `any` or `every`.
    """

    name: str
    kind: ParameterType
    operator: str
    values: tuple[str, ...]
    items: str
    test: Test

    @property
    def parameter(self) -> str:
        """The parameter as it is written in a condition."""
        return f"{ITEMS}{self.name}" if self.items else self.name

    @property
    def does(self) -> str:
        """What the value must do, in words: `is at least 50`."""
        plain = self.operator in ("at least", "at most", "matches")
        values = self.values[0].strip() if plain else written(self.kind, self.values)
        return OPERATORS[self.operator].does.format(values)

    @property
    def in_words(self) -> str:
        return f"{self.items} item's {self.name} {self.does}" if self.items else f"{self.name} {self.does}"

    @property
    def personal(self) -> bool:
        return not self.items and is_personal(self.name)

    def as_json(self) -> dict[str, Any]:
        """What a postback stores, and `read_condition` reads."""
        stored: dict[str, Any] = {"parameter": self.parameter, "operator": self.operator, "values": list(self.values)}
        return stored | ({"items": self.items} if self.items else {})


def read_condition(stored: Any) -> Condition:
    """Reads a condition: an object with `parameter`, `operator` and `values`, and `items` for an attribute of items.

    Raises ConditionError.
    """
    if not isinstance(stored, Mapping):
        raise ConditionError("A condition is an object with a parameter, an operator and values.")
    for key in stored:
        if key not in KEYS:
            raise ConditionError(f"{quoted(str(key))} is no key of a condition. Its keys are {', '.join(KEYS)}.")
    name, kind, of_items = _subject(_text(stored, "parameter"))
    items = _quantifier(stored.get("items"), of_items=of_items)
    operator = _operator(_text(stored, "operator"))
    values = _values(operator, stored.get("values"))
    try:
        test = OPERATORS[operator].test(kind, values)
    except ValueError as error:
        raise ConditionError(f"{ITEMS if of_items else ''}{name}: {error}") from error
    return Condition(name, kind, operator, values, items, test)


def _operator(name: str) -> str:
    if name not in OPERATORS:
        raise ConditionError(f"{quoted(name)} is no operator. Choose from: {', '.join(OPERATORS)}.")
    return name


def _text(stored: Mapping[str, Any], key: str) -> str:
    value = stored.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ConditionError(f"A condition needs the {key} in `{key}`, as text.")
    return value.strip()


def _subject(given: str) -> tuple[str, ParameterType, bool]:
    """The name and the type of what is judged, and whether it is an attribute of items."""
    if given.startswith(ITEMS):
        name = given.removeprefix(ITEMS)
        if name in ITEM_ATTRIBUTES:
            return name, ITEM_ATTRIBUTES[name].type, True
    elif given in PARAMETERS:
        if PARAMETERS[given].carried is Carried.DELIVERY and given != "ActionEvent":
            raise ConditionError(f"{given} is known only to a delivery, so no condition can look at it.")
        return given, PARAMETERS[given].type, False
    raise ConditionError(f"{quoted(given)} is not a parameter. {_meant(given)}".rstrip())


def _meant(given: str) -> str:
    of_items, _, name = given.rpartition(".")
    if of_items:
        hint = did_you_mean(name, ITEM_ATTRIBUTES, f"{ITEMS}%s", ITEM_ALIASES)
        return hint or f"Attributes of items are written {ITEMS}sku, {ITEMS}cat and so on."
    return did_you_mean(given, PARAMETERS, "%s", PARAMETER_ALIASES) or "Names are those of templates, such as Amount."


def _quantifier(given: Any, *, of_items: bool) -> str:
    if not of_items:
        if given not in (None, ""):
            raise ConditionError(f"`items` goes with attributes of items only, such as {ITEMS}sku. Leave it out.")
        return ""
    if given in (None, "", ANY, EVERY):
        return given or ANY
    raise ConditionError(f"`items` is {ANY} or {EVERY}, not {quoted(str(given))}.")


def _values(operator: str, given: Any) -> tuple[str, ...]:
    values = () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)
    if not all(isinstance(each, str) for each in values):
        raise ConditionError("The values of a condition must be texts.")
    wanted = OPERATORS[operator].values
    if operator == "one of" and not values:
        raise ConditionError("“one of” needs at least one value.")
    if wanted == 0 and values:
        raise ConditionError(f"{quoted(operator)} takes no value. Leave {listed(values)} out.")
    if wanted == 1 and len(values) != 1:
        several = " Write one condition for each, or use “one of”." if values else ""
        raise ConditionError(f"{quoted(operator)} takes one value, not {len(values) or 'none'}.{several}")
    if len(values) > MOST_VALUES:
        raise ConditionError(f"There are {len(values):,} values, and {MOST_VALUES:,} are the most of a condition.")
    for value in values:
        _check_value(operator, value)
    return values


def _check_value(operator: str, value: str) -> None:
    if not value.strip():
        instead = {"is": "is empty", "is not": "is not empty"}.get(operator)
        raise ConditionError(f"{quoted(operator)} needs a value." + (f" Use “{instead}”." if instead else ""))
    if not _storable(value):
        raise ConditionError(f"{quoted(operator)} has a character in its value that cannot be stored. Remove it.")
    if len(value) > MOST_CHARACTERS:
        raise ConditionError(f"{quoted(value)} has {len(value):,} characters, and {MOST_CHARACTERS:,} are the most.")


def _storable(value: str) -> bool:
    """Whether PostgreSQL and UTF-8 can hold the text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
