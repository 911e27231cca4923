"""From nodes to a function that writes the template: everything that can be settled is settled before any value.

A compiled body is a list of ready texts with gaps, and for each gap a function (`values`).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from postbacks.request.template import encoding
from postbacks.request.template.address import fixed_part
from postbacks.request.template.documents import with_documents
from postbacks.request.template.errors import Mistakes
from postbacks.request.template.filling import Filling, Values
from postbacks.request.template.inspection import Inspector
from postbacks.request.template.nodes import (
    Attribute,
    Call,
    Join,
    Literal,
    Nested,
    Node,
    Position,
    QueryMark,
    Raw,
    Value,
    literal_text,
)
from postbacks.request.template.places import RULES, Bare, Encoder, Place, PlaceRules, ScanState, within
from postbacks.request.template.query import with_one_query
from postbacks.request.template.values import (
    Emit,
    Part,
    ValueWriter,
    assembled,
    bare,
    joined,
    nothing,
    position_of_item,
)

# The function with which a template encodes a value for an inner document by itself.
_BY_HAND: Final = {Place.FORM: "urlencode", Place.JSON: "json", Place.XML: "xml"}

_STAND_ANYWHERE: Final = (Position, Raw, QueryMark)  # Also right after a text that ends within an escape sequence.


class _Body(NamedTuple):
    """Compiled text with gaps, the state after it, and the literal text that it ends with."""

    parts: list[Part]
    state: ScanState
    ends_with: str


class Compiler(ValueWriter):
    """Turns the nodes of one template into its writer; mistakes are noted.

    `outer` encodes for the layers around a document that is itself a value.
    """

    def __init__(self, place: Place, hidden: frozenset[str], mistakes: Mistakes, outer: Encoder | None = None) -> None:
        self.place = place
        self.outer = outer
        self.rules: PlaceRules = RULES[place] if outer is None else within(place, outer)
        super().__init__(hidden, mistakes)

    def template(self, nodes: tuple[Node, ...]) -> Emit:
        text = literal_text(nodes)
        Inspector(self.place, self.mistakes).inspect(nodes, text)
        written = nodes
        if self.place is Place.URL or self.place is Place.FORM:
            written = with_one_query(nodes, text, self.mistakes, form=self.place is Place.FORM)
        if written is not nodes:
            text = literal_text(written)
        parts = self.body(with_documents(written, text, self.place, self.mistakes), ScanState.TEXT).parts
        if self.place is Place.URL and not self.mistakes.errors:
            fixed = fixed_part(nodes, self.mistakes)
            if fixed and isinstance(parts[0], str):
                parts[0] = fixed + parts[0][_authority_end(parts[0]) :]
        return assembled(parts)

    # Text with gaps, each value encoded for its place

    def body(self, nodes: Sequence[Node], state: ScanState) -> _Body:
        advance = self.rules.advance
        parts: list[Part] = []
        text: list[Literal] = []
        for node in nodes:
            if isinstance(node, Literal):
                text.append(node)
                continue
            if text:
                source = _source_of(text)
                state = advance(state, source)
                if not isinstance(node, _STAND_ANYWHERE):
                    self.whole(source, state, node.offset)
                parts.append(self.written(text, source))
                text = []
            if isinstance(node, Nested):
                parts += self.nested(node, state)
            else:
                parts.append(self.join(node, state) if isinstance(node, Join) else self.gap(node, state))
        source = _source_of(text)
        if text:
            parts.append(self.written(text, source))
        return _Body(parts, advance(state, source), source)

    def written(self, text: Sequence[Literal], source: str) -> str:
        """Literals in a row, whose text is `source`, as they go out."""
        pieces = [each.written for each in text if each.written is not None]
        return "".join(pieces) if pieces else self.rules.literal(source)

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

    def gap(self, node: Value | Position | Attribute | Call | Raw | QueryMark, state: ScanState) -> Emit:
        if isinstance(node, _STAND_ANYWHERE):
            return self.unencoded(node)
        if self.outer is not None and self.is_encoded(node, state):
            return self.emit(node, self.outer)
        encoder = self.rules.encoder(state, bare(node))
        if isinstance(encoder, str):
            self.mistakes.add(node.offset, encoder)
            return nothing
        return self.emit(node, encoder)

    def unencoded(self, node: Position | Raw | QueryMark) -> Emit:
        if isinstance(node, Raw):
            return self.raw(node)
        return position_of_item if isinstance(node, Position) else _query_mark  # Digits need no encoding anywhere.

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
        return joined(
            assembled(item.parts), self.written((node.separator,), separator), self.written((node.prefix,), prefix)
        )


def _source_of(text: Sequence[Literal]) -> str:
    return text[0].span.text if len(text) == 1 else "".join([each.span.text for each in text])


def _query_mark(values: Filling, _item: Values, _position: str) -> str:
    return "&" if values.get("items") else "?"


def _authority_end(url: str) -> int:
    """Where the path or query of a URL begins."""
    begins = [index for index in (url.find("/", url.find("://") + 3), url.find("?")) if index >= 0]
    return min(begins, default=len(url))
