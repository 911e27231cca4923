"""What writes a value of an event: parameters, functions and joins inside functions, as text that is not yet encoded.

All these functions take the same three things: the event's values, the item of the loop around them, and the item's
position as text.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from actions.reports.parameters import PARAMETERS
from postbacks.request.template import encoding, limits
from postbacks.request.template.comparisons import COMPARE
from postbacks.request.template.errors import Mistakes, TooLongError
from postbacks.request.template.filling import Filling, Values
from postbacks.request.template.nodes import (
    Attribute,
    Call,
    Comparison,
    Constant,
    Expression,
    Join,
    Literal,
    Nested,
    Position,
    QueryMark,
    Raw,
    Value,
)
from postbacks.request.template.places import Bare, Encoder

Emit = Callable[[Filling, Values, str], str]
Part = str | Emit

NO_ITEM: Final[Values] = {}


class ValueWriter:
    """Turns expressions into what writes them; mistakes are noted."""

    def __init__(self, hidden: frozenset[str], mistakes: Mistakes) -> None:
        self.hidden = hidden
        self.mistakes = mistakes

    def emit(self, node: Expression, encode: Encoder = encoding.plain) -> Emit:
        """What writes a value: plain, or encoded."""
        if isinstance(node, Value):
            return self.parameter(node, encode)
        if isinstance(node, Attribute):
            name = node.name
            return lambda _values, item, _position: encode(item.get(name) or "")
        if isinstance(node, Constant):
            text = encode(node.text)
            return lambda _values, _item, _position: text
        if isinstance(node, Position):
            return position_of_item
        plain = self.plain_join(node) if isinstance(node, Join) else self.call(node)
        if encode is encoding.plain:
            return plain
        return lambda values, item, position: encode(plain(values, item, position))

    def parameter(self, node: Value, encode: Encoder) -> Emit:
        if self.hidden and not node.always and node.parameter.is_hidden(self.hidden):
            empty = encode("")
            return lambda _values, _item, _position: empty
        return _parameter(node.parameter.name, encode)

    def plain_join(self, node: Join) -> Emit:
        """A join inside a function: one plain value, whose literal parts are data as well."""
        parts = [
            each.span.text if isinstance(each, Literal) else self.plain_gap(each)
            for each in node.item
            if not isinstance(each, Nested | QueryMark)  # None is looked for inside a function.
        ]
        return joined(assembled(parts), node.separator.span.text, node.prefix.span.text)

    def plain_gap(self, node: Value | Position | Attribute | Call | Join | Raw) -> Emit:
        if isinstance(node, Raw):
            self.mistakes.add(node.offset, "raw(…) inside a function", "Write it around the whole expression: {raw(…)}")
            return nothing
        return self.emit(node)

    def call(self, node: Call) -> Emit:
        arguments = [self.emit(argument) for argument in node.arguments]
        apply = node.apply
        if apply is None:
            return self.choice(node, arguments)
        if len(arguments) == 1:
            only = arguments[0]
            write: Emit = lambda values, item, position: apply(only(values, item, position))  # noqa: E731 -- as below
        else:
            write = lambda values, item, position: apply(*[each(values, item, position) for each in arguments])  # noqa: E731
        grows = any(isinstance(each, Call | Join) for each in node.arguments)
        return _bounded(write, node.function.name) if grows else _paid(write)

    def choice(self, node: Call, branches: list[Emit]) -> Emit:
        """An `if`: only the branch that is chosen is written."""
        if node.condition is None:
            raise TypeError(f"{node.function.name} has neither a function nor a condition")
        holds = self.condition(node.condition)
        then, otherwise = (*branches, nothing)[:2]

        def emit(values: Filling, item: Values, position: str) -> str:
            values.spend(1)
            return (then if holds(values, item, position) else otherwise)(values, item, position)

        return emit

    def condition(self, node: Comparison) -> Callable[[Filling, Values, str], bool]:
        left = self.emit(node.left)
        if node.right is None:
            return lambda values, item, position: not left(values, item, position)
        right = self.emit(node.right)
        numeric = is_numeric(node.left) or is_numeric(node.right)
        compare = COMPARE[node.operator]
        return lambda values, item, position: compare(
            left(values, item, position), right(values, item, position), numeric
        )


@lru_cache(maxsize=4096)  # A few hundred parameters, each in the encodings of some places: most templates share these.
def _parameter(name: str, encode: Encoder) -> Emit:
    derive = PARAMETERS[name].derive
    if derive is None:
        return lambda values, _item, _position: encode(values.get(name) or "")
    return lambda values, _item, _position: encode(values.get(name) or derive(values))


def assembled(parts: Sequence[Part]) -> Emit:
    """What writes these parts one after another."""
    texts = [part if isinstance(part, str) else "" for part in parts]
    gaps = [(index, part) for index, part in enumerate(parts) if not isinstance(part, str)]
    if not gaps:
        whole = "".join(texts)
        return lambda _values, _item, _position: whole

    def emit(values: Filling, item: Values, position: str) -> str:
        written = texts.copy()
        for index, write in gaps:
            written[index] = write(values, item, position)
        whole = "".join(written)
        values.spend(len(gaps), whole)
        return whole

    return emit


def joined(write_item: Emit, separator: str, prefix: str) -> Emit:
    def emit(values: Filling, _item: Values, _position: str) -> str:
        items = values.get("items")
        if not items:
            return ""
        values.spend(len(items))
        written: list[str] = []
        room = limits.JOINED_CHARACTERS
        for position, item in enumerate(items, 1):
            text = write_item(values, item, str(position))
            room -= len(text) + len(separator)
            if room < 0:
                raise TooLongError(
                    f"the join of {len(items)} items is longer than {limits.JOINED_CHARACTERS:,} characters"
                )
            written.append(text)
        return prefix + separator.join(written)

    return emit


def _paid(write: Emit) -> Emit:
    """Of a function of values."""

    def emit(values: Filling, item: Values, position: str) -> str:
        text = write(values, item, position)
        values.spend(1, text)
        return text

    return emit


def _bounded(write: Emit, name: str) -> Emit:
    """Of a function of functions or of a join: base64 within base64 grows by a third each time."""

    def emit(values: Filling, item: Values, position: str) -> str:
        text = write(values, item, position)
        values.spend(1, text)
        if len(text) > limits.JOINED_CHARACTERS:
            raise TooLongError(f"the result of {name}(…) is longer than {limits.JOINED_CHARACTERS:,} characters")
        return text

    return emit


def nothing(_values: Filling, _item: Values, _position: str) -> str:
    return ""


def position_of_item(_values: Filling, _item: Values, position: str) -> str:
    return position


def is_numeric(node: Expression) -> bool:
    return bare(node) is Bare.NUMBER


def bare(node: Expression) -> Bare:
    """What the value is declared to be, by its parameter, attribute or function."""
    if isinstance(node, Value):
        return _BARE_PARAMETERS[node.parameter.name]
    if isinstance(node, Attribute):
        return _number(node.type.numeric)
    if isinstance(node, Constant):
        return _number(node.numeric)
    return _bare_call(node) if isinstance(node, Call) else _number(isinstance(node, Position))


def _bare_call(node: Call) -> Bare:
    if node.function.boolean:
        return Bare.BOOLEAN
    like = node.function.numeric_like
    if like is None:
        return Bare.TEXT
    first = 0 if node.condition is None else 1  # The condition is counted but is no value.
    kinds = {bare(node.arguments[index - first]) for index in like if index - first < len(node.arguments)}
    return Bare.NUMBER if not kinds else kinds.pop() if len(kinds) == 1 else Bare.TEXT


def _number(numeric: bool) -> Bare:
    return Bare.NUMBER if numeric else Bare.TEXT


_BARE_PARAMETERS: Final = {each.name: _number(each.type.numeric) for each in PARAMETERS.values()}
