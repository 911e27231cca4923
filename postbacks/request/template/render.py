"""From nodes to a function that writes the template: everything that can be settled is settled before any value.

A compiled body is a list of ready texts with gaps, and for each gap a function. All these functions take the same
three things: the event's values, the item of the loop around them, and the item's position as text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from postbacks.request.template import encoding, limits
from postbacks.request.template.address import fixed_part, forbidden_characters
from postbacks.request.template.comparisons import COMPARE
from postbacks.request.template.documents import with_documents
from postbacks.request.template.errors import Mistakes, TooLongError
from postbacks.request.template.foreign import around, foreign_in
from postbacks.request.template.nodes import (
    Attribute,
    Call,
    Comparison,
    Constant,
    Expression,
    Join,
    Literal,
    Nested,
    Node,
    Position,
    QueryMark,
    Raw,
    Value,
)
from postbacks.request.template.places import RULES, Bare, Encoder, Place, PlaceRules, ScanState, within
from postbacks.request.template.query import with_one_query
from postbacks.request.template.stray import placeholder_in

Values = Mapping[str, Any]
Emit = Callable[[Values, Values, str], str]
Part = str | Emit

NO_ITEM: Final[Values] = {}

# The function with which a template encodes a value for an inner document by itself.
_BY_HAND: Final = {Place.FORM: "urlencode", Place.JSON: "json", Place.XML: "xml"}


class _Body(NamedTuple):
    """Compiled text with gaps, the state after it, and the literal text that it ends with."""

    parts: list[Part]
    state: ScanState
    ends_with: str


class Compiler:
    """Turns the nodes of one template into its writer; mistakes are noted.

    `outer` encodes for the layers around a document that is itself a value.
    """

    def __init__(self, place: Place, hidden: frozenset[str], mistakes: Mistakes, outer: Encoder | None = None) -> None:
        self.place = place
        self.outer = outer
        self.rules: PlaceRules = RULES[place] if outer is None else within(place, outer)
        self.hidden = hidden
        self.mistakes = mistakes

    def template(self, nodes: tuple[Node, ...]) -> Emit:
        self.inspect(nodes)
        written = nodes
        if self.place in (Place.URL, Place.FORM):
            written = with_one_query(nodes, self.mistakes, form=self.place is Place.FORM)
        parts = self.body(with_documents(written, self.place, self.mistakes), ScanState.TEXT).parts
        if self.place is Place.URL and not self.mistakes.errors:
            fixed = fixed_part(nodes, self.mistakes)
            if fixed and isinstance(parts[0], str):
                parts[0] = fixed + parts[0][_authority_end(parts[0]) :]
        return assembled(parts)

    # Text with gaps, each value encoded for its place

    def body(self, nodes: Sequence[Node], state: ScanState) -> _Body:
        parts: list[Part] = []
        text: list[Literal] = []
        for node in nodes:
            if isinstance(node, Literal):
                text.append(node)
                continue
            source = "".join(each.span.text for each in text)
            state = self.rules.advance(state, source)
            if not isinstance(node, Position | Raw | QueryMark):
                self.whole(source, state, node.offset)
            if text:
                parts.append(self.written(text))
                text = []
            if isinstance(node, Nested):
                parts += self.nested(node, state)
            else:
                parts.append(self.join(node, state) if isinstance(node, Join) else self.gap(node, state))
        if text:
            parts.append(self.written(text))
        source = "".join(each.span.text for each in text)
        return _Body(parts, self.rules.advance(state, source), source)

    def written(self, text: Sequence[Literal]) -> str:
        """Literals in a row as they go out."""
        pieces = [each.written for each in text if each.written is not None]
        return "".join(pieces) if pieces else self.rules.literal("".join(each.span.text for each in text))

    def nested(self, node: Nested, state: ScanState) -> list[Part]:
        """A document inside a value. Where it cannot be written as one, it is refused when it is saved."""
        encode = self.rules.encoder(state, Bare.TEXT)
        if isinstance(encode, str):
            return self.body(node.field, state).parts
        mistakes = Mistakes(self.mistakes.source)
        body = Compiler(node.place, self.hidden, mistakes, encode).body(node.nodes, ScanState.TEXT)
        self.mistakes.take_refusals(mistakes)
        is_whole = body.state is ScanState.TEXT and not mistakes.errors
        return body.parts if is_whole else self.body(node.field, state).parts

    def whole(self, text: str, state: ScanState, offset: int) -> None:
        """Note a text that ends, in this state, within an escape sequence."""
        torn = self.rules.torn(state, text)
        if torn:
            self.mistakes.add(offset, torn)

    def inspect(self, nodes: Sequence[Node]) -> None:
        """Note what the literal text of a template cannot hold, or is unlikely to be meant to hold."""
        for index, node in enumerate(nodes):
            if isinstance(node, Literal):
                self.inspect_text(node)
                self.check_braces(node)
            elif isinstance(node, Join):
                self.inspect_text(node.prefix)
                self.inspect_text(node.separator)
                self.inspect(node.item)
            elif not isinstance(node, Nested | QueryMark):
                self.check_around(node, nodes[index - 1] if index else None, nodes[index + 1 : index + 2])

    def inspect_text(self, node: Literal) -> None:
        self.check(node)
        for index, message, hint in () if node.exact else foreign_in(node.span.text, self.place):
            self.mistakes.warn(node.span.offsets[index], message, hint)

    def check_around(
        self, node: Value | Position | Attribute | Call | Raw, before: Node | None, after: Sequence[Node]
    ) -> None:
        """Warn about marks of another system around a placeholder."""
        texts = [each.span.text if isinstance(each, Literal) else "" for each in (before, *after)]
        numeric = not isinstance(node, Raw) and _is_numeric(node)
        marks = around(texts[0], "".join(texts[1:]), self.place, numeric=numeric)
        if marks:
            name = node.parameter.name if isinstance(node, Value) else "Name"
            self.mistakes.warn(
                node.offset, f"{marks} around a placeholder is sent as well", f"A placeholder is written {{{name}}}."
            )

    def check(self, node: Literal) -> None:
        """Note what literal text cannot hold."""
        if self.place is Place.URL:
            forbidden_characters(node, self.mistakes)
        elif self.place is Place.HEADER:
            for index, character in enumerate(node.span.text):
                if not character.isprintable() and ord(character) < 0xA0:
                    self.mistakes.add(node.span.offsets[index], f"The control character U+{ord(character):04X}")

    def check_braces(self, node: Literal) -> None:
        """Warn about a brace that looks as if it were to open a placeholder. In a URL every such brace is a mistake."""
        found = None if node.exact or self.place is Place.URL else placeholder_in(node.span.text)
        if found:
            name, index = found
            hint = f"A placeholder is written without spaces, and closed: {{{name}}}."
            self.mistakes.warn(node.span.offsets[index], f"A {{ before {name} that opens no placeholder", hint)

    def gap(self, node: Value | Position | Attribute | Call | Raw | QueryMark, state: ScanState) -> Emit:
        if isinstance(node, QueryMark):
            return _query_mark
        if isinstance(node, Position):
            return _position  # Digits need no encoding anywhere.
        if isinstance(node, Raw):
            return self.raw(node)
        if self.outer is not None and self.is_encoded(node, state):
            return self.emit(node, self.outer)
        encoder = self.rules.encoder(state, _bare(node))
        if isinstance(encoder, str):
            self.mistakes.add(node.offset, encoder)
            return _nothing
        return self.emit(node, encoder)

    def raw(self, node: Raw) -> Emit:
        """A value without encoding; inside a document that is a value, without that document's own."""
        if self.rules.raw is None:
            self.mistakes.add(node.offset, f"raw(…) in a {self.place.value}", "Leave it out: nothing is encoded here.")
        return self.emit(node.value, self.rules.raw or encoding.plain)

    def is_encoded(self, node: Position | Value | Attribute | Call, state: ScanState) -> bool:
        """Whether the template itself encodes this value for the document that it stands in."""
        by_hand = _BY_HAND.get(self.place, "") if self.place is not Place.JSON or state is ScanState.STRING else ""
        return isinstance(node, Call) and node.function.name == by_hand

    def join(self, node: Join, state: ScanState) -> Emit:
        """An outermost join: its literal parts are template text, read as such. It leaves the state as it was."""
        prefix, separator = node.prefix.span.text, node.separator.span.text
        start = self.rules.advance(state, prefix)
        item = self.body(node.item, start)
        if item.state is not state or self.rules.advance(item.state, separator) is not start:
            self.mistakes.add(
                node.offset,
                "A join whose parts open what they do not close",
                "Each item must begin as the first one does, and the text after the join must not depend on it.",
            )
        for text, after in ((prefix, start), (separator, start), (item.ends_with, item.state)):
            self.whole(text, after, node.offset)
        return _joined(assembled(item.parts), self.written((node.separator,)), self.written((node.prefix,)))

    # Plain values

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
            return _position
        plain = self.plain_join(node) if isinstance(node, Join) else self.call(node)
        if encode is encoding.plain:
            return plain
        return lambda values, item, position: encode(plain(values, item, position))

    def parameter(self, node: Value, encode: Encoder) -> Emit:
        parameter = node.parameter
        name = parameter.name
        if parameter.is_hidden(self.hidden):
            empty = encode("")
            return lambda _values, _item, _position: empty
        derive = parameter.derive
        if derive is None:
            return lambda values, _item, _position: encode(values.get(name) or "")
        return lambda values, _item, _position: encode(values.get(name) or derive(values))

    def plain_join(self, node: Join) -> Emit:
        """A join inside a function: one plain value, whose literal parts are data as well."""
        parts = [
            each.span.text if isinstance(each, Literal) else self.plain_gap(each)
            for each in node.item
            if not isinstance(each, Nested | QueryMark)  # None is looked for inside a function.
        ]
        return _joined(assembled(parts), node.separator.span.text, node.prefix.span.text)

    def plain_gap(self, node: Value | Position | Attribute | Call | Join | Raw) -> Emit:
        if isinstance(node, Raw):
            self.mistakes.add(node.offset, "raw(…) inside a function", "Write it around the whole expression: {raw(…)}")
            return _nothing
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
        return _bounded(write, node.function.name) if grows else write

    def choice(self, node: Call, branches: list[Emit]) -> Emit:
        """An `if`: only the branch that is chosen is written."""
        if node.condition is None:
            raise TypeError(f"{node.function.name} has neither a function nor a condition")
        holds = self.condition(node.condition)
        then, otherwise = (*branches, _nothing)[:2]
        return lambda values, item, position: (then if holds(values, item, position) else otherwise)(
            values, item, position
        )

    def condition(self, node: Comparison) -> Callable[[Values, Values, str], bool]:
        left = self.emit(node.left)
        if node.right is None:
            return lambda values, item, position: not left(values, item, position)
        right = self.emit(node.right)
        numeric = _is_numeric(node.left) or _is_numeric(node.right)
        compare = COMPARE[node.operator]
        return lambda values, item, position: compare(
            left(values, item, position), right(values, item, position), numeric
        )


def assembled(parts: Sequence[Part]) -> Emit:
    """What writes these parts one after another."""
    texts = [part if isinstance(part, str) else "" for part in parts]
    gaps = [(index, part) for index, part in enumerate(parts) if not isinstance(part, str)]
    if not gaps:
        whole = "".join(texts)
        return lambda _values, _item, _position: whole

    def emit(values: Values, item: Values, position: str) -> str:
        written = texts.copy()
        for index, write in gaps:
            written[index] = write(values, item, position)
        return "".join(written)

    return emit


def _joined(write_item: Emit, separator: str, prefix: str) -> Emit:
    def emit(values: Values, _item: Values, _position: str) -> str:
        items = values.get("items")
        if not items:
            return ""
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


def _bounded(write: Emit, name: str) -> Emit:
    """Of a function of functions or of a join: base64 within base64 grows by a third each time."""

    def emit(values: Values, item: Values, position: str) -> str:
        text = write(values, item, position)
        if len(text) > limits.JOINED_CHARACTERS:
            raise TooLongError(f"the result of {name}(…) is longer than {limits.JOINED_CHARACTERS:,} characters")
        return text

    return emit


def _nothing(_values: Values, _item: Values, _position: str) -> str:
    return ""


def _query_mark(values: Values, _item: Values, _position: str) -> str:
    return "&" if values.get("items") else "?"


def _position(_values: Values, _item: Values, position: str) -> str:
    return position


def _is_numeric(node: Expression) -> bool:
    return _bare(node) is Bare.NUMBER


def _bare(node: Expression) -> Bare:
    """What the value is declared to be, by its parameter, attribute or function."""
    if isinstance(node, Value):
        return _number(node.parameter.type.numeric)
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
    kinds = {_bare(node.arguments[index - first]) for index in like if index - first < len(node.arguments)}
    return Bare.NUMBER if not kinds else kinds.pop() if len(kinds) == 1 else Bare.TEXT


def _number(numeric: bool) -> Bare:
    return Bare.NUMBER if numeric else Bare.TEXT


def _authority_end(url: str) -> int:
    """Where the path or query of a URL begins."""
    begins = [index for index in (url.find("/", url.find("://") + 3), url.find("?")) if index >= 0]
    return min(begins, default=len(url))
