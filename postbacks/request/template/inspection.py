"""What the literal text of a template cannot hold, or is unlikely to be meant to hold."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from postbacks.request.template.address import forbidden_characters
from postbacks.request.template.errors import Mistakes
from postbacks.request.template.foreign import MARKS, around, foreign_in
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
from postbacks.request.template.places import Place
from postbacks.request.template.stray import placeholder_in
from postbacks.request.template.values import is_numeric

# What a text holds if there may be something to say of it; most texts have nothing of it.
_CONTROLS: Final = r"\x00-\x1f\x7f"
_MORE_MARKS: Final = {Place.URL: f"<}}{_CONTROLS}", Place.FORM: "<", Place.HEADER: _CONTROLS}


@cache  # Compiled when first needed: it takes as long as loading ten modules.
def _marks(place: Place) -> re.Pattern[str]:
    return re.compile(f"[{MARKS}{_MORE_MARKS.get(place, '')}]")


class Inspector:
    """Looks through the nodes of a template, as its author wrote them; mistakes and warnings are noted."""

    def __init__(self, place: Place, mistakes: Mistakes) -> None:
        self.place = place
        self.mistakes = mistakes
        self.marks = _marks(place)

    def inspect(self, nodes: Sequence[Node], text: str) -> None:
        """Look at each text, and at what stands around each placeholder. `text` is the `literal_text` of the nodes."""
        if not self.is_worth_a_look(text):
            return
        for index, node in enumerate(nodes):
            if isinstance(node, Literal):
                if self.is_worth_a_look(node.span.text):
                    self.inspect_text(node)
                    self.check_braces(node)
            elif isinstance(node, Join):
                self.inspect_text(node.prefix)
                self.inspect_text(node.separator)
                self.inspect(node.item, literal_text(node.item))
            elif index and not isinstance(node, Nested | QueryMark):
                self.check_around(node, nodes[index - 1], nodes[index + 1 : index + 2])

    def is_worth_a_look(self, text: str) -> bool:
        """Whether anything may be noted of a text, or of a placeholder after it."""
        return self.marks.search(text) is not None or "__" in text

    def inspect_text(self, node: Literal) -> None:
        self.check(node)
        for index, message, hint in () if node.exact else foreign_in(node.span.text, self.place):
            self.mistakes.warn(node.span.offsets[index], message, hint)

    def check_around(
        self, node: Value | Position | Attribute | Call | Raw, before: Node, after: Sequence[Node]
    ) -> None:
        """Warn about marks of another system around a placeholder."""
        if not isinstance(before, Literal) or not self.is_worth_a_look(before.span.text[-3:]):
            return
        texts = [each.span.text if isinstance(each, Literal) else "" for each in (before, *after)]
        numeric = not isinstance(node, Raw) and is_numeric(node)
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
