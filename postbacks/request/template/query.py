"""One `?` in a URL: joins that follow one another begin its query once, and add to it afterwards.

All joins run over the same items, so either all of them write something or none does.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from postbacks.request.template.errors import Mistakes
from postbacks.request.template.nodes import Call, Expression, Join, Literal, Node, QueryMark, Raw

SECOND: Final = "A second ? in the URL"
_SECOND_HINT: Final = "Parameters are joined by &; a ? that belongs to a value is written %3F."
_MARK: Final = re.compile(r"[?&]")
_QUESTION_MARK: Final = re.compile(r"\?")
_PARAMETER_AFTER: Final = re.compile(r"[^=&?/]+=")
_ADDRESS: Final = re.compile(r"[/:%]")  # What a value holds before a ? of its own.

_ONE_QUERY: Final = re.compile(r"[^?&]*(?:\?[^?]*)?").fullmatch
_MAY_BEGIN_ONE: Final = frozenset({Join, Raw})


class _Query(Enum):
    """What is known of the query at a place of the template."""

    NOT_BEGUN = auto()
    BEGUN = auto()
    WITH_ITEMS = auto()  # By a join, where there are items.
    UNKNOWN = auto()  # A value without encoding may have begun it.


def with_one_query(nodes: tuple[Node, ...], text: str, mistakes: Mistakes, *, form: bool = False) -> tuple[Node, ...]:
    """Return the nodes of a URL with the `?` and `&` of its joins corrected, which is warned about.

    What cannot be corrected is refused. `text` is the `literal_text` of the nodes. A `form` is all query, and a `?` in
    its text is only text.
    """
    if _MAY_BEGIN_ONE.isdisjoint(map(type, nodes)) and (form or _ONE_QUERY(text)):
        return nodes  # As most: there is nothing to say of one `?` with each `&` after it.
    reader = _Reader(mistakes, form)
    return tuple(each for node in nodes for each in reader.read(node))


class _Reader:
    def __init__(self, mistakes: Mistakes, form: bool) -> None:
        self.mistakes = mistakes
        self.form = form
        self.state = _Query.BEGUN if form else _Query.NOT_BEGUN
        self.begun_at = 0
        self.value = ""  # The text of the parameter so far; a gap is a blank in it.
        self.last = "&" if form else "/"  # The character before.

    def read(self, node: Node) -> Sequence[Node]:
        if isinstance(node, Literal):
            return self.literal(node)
        if isinstance(node, Join):
            return (self.join(node),)
        if isinstance(node, Raw) and isinstance(node.value, Join):
            return (replace(node, value=self.join(node.value)),)
        if isinstance(node, Raw):
            self.refuse_inside(node.value)
            if self.state is _Query.NOT_BEGUN:
                self.state = _Query.UNKNOWN
        self.value, self.last = f"{self.value} ", " "
        return (node,)

    # Text

    def literal(self, node: Literal) -> Sequence[Node]:
        text, offsets = node.span.text, node.span.offsets
        begun = self.state in (_Query.BEGUN, _Query.UNKNOWN)
        mark = None if begun else (_MARK if self.state is _Query.WITH_ITEMS else _QUESTION_MARK).search(text)
        if mark is None:
            self.text(text, offsets)
            return (node,)
        before = replace(node, span=node.span.cut(0, mark.start()))
        after = replace(node, span=node.span.cut(mark.end(), len(text)))
        begun_by_items = self.state is _Query.WITH_ITEMS
        self.begin(_Query.BEGUN, offsets[mark.start()])
        self.text(after.span.text, after.span.offsets)
        return (before, QueryMark(offsets[mark.start()]), after) if begun_by_items else (node,)

    def begin(self, state: _Query, offset: int) -> None:
        self.state, self.begun_at, self.value, self.last = state, offset, "", "?"

    def text(self, text: str, offsets: Sequence[int]) -> None:
        """Text of a query that has begun, or of a path."""
        position = 0
        for found in _MARK.finditer(text):
            index, after = found.span()
            if found[0] == "&":
                self.value = ""
                if self.state is _Query.NOT_BEGUN and _PARAMETER_AFTER.match(text, after):
                    self.mistakes.warn(offsets[index], "An & before any ?", "The first parameter follows a ?.")
            else:
                self.value += text[position:index]
                if self.is_second(text, after):
                    self.mistakes.refuse(offsets[index], SECOND, _SECOND_HINT)
                self.value += "?"
            position = after
        self.value += text[position:]
        self.last = text[-1:] or self.last

    def is_second(self, text: str, after: int) -> bool:
        """Whether a ? begins another query with what stands after it in the text."""
        return (
            not self.form
            and self.state in (_Query.BEGUN, _Query.WITH_ITEMS)
            and _PARAMETER_AFTER.match(text, after) is not None
            and _ADDRESS.search(self.value.partition("=")[2]) is None
        )

    # Joins

    def join(self, node: Join) -> Join:
        node = self.with_marks_outside(node)
        separator, prefix = node.separator.span.text, node.prefix.span.text
        if separator.startswith("?"):
            node = replace(node, separator=self.written(node.separator, "&", "It joins parameters."))
        if prefix.startswith("?") and self.state in (_Query.BEGUN, _Query.WITH_ITEMS):
            instead = "" if self.last in ("?", "&") else "&"
            node = replace(node, prefix=self.written(node.prefix, instead, self.why_begun()))
        elif prefix.startswith("&") and self.state is _Query.NOT_BEGUN:
            node = replace(node, prefix=self.written(node.prefix, "?", "No query has begun before it."))
        if self.state is _Query.NOT_BEGUN and "?" in node.prefix.span.text:
            self.begin(_Query.WITH_ITEMS, node.offset)
        self.inside(node)
        return node

    def why_begun(self) -> str:
        return (
            "A form body is all query." if self.form else f"The query begins at {self.mistakes.place(self.begun_at)}."
        )

    def with_marks_outside(self, node: Join) -> Join:
        """A `?` that would begin each item, or an `&` that would begin the query, as prefix and separator."""
        first = node.item[0] if node.item else None
        mark = first.span.text[:1] if isinstance(first, Literal) else ""
        begins = mark == "&" and self.state is _Query.NOT_BEGUN and not node.prefix.span.text
        if not isinstance(first, Literal) or not (mark == "?" or begins):
            return node
        stays = replace(first, span=first.span.cut(1, len(first.span.text)))
        separator, prefix = node.separator.span.text, node.prefix.span.text
        between = separator if separator[-1:] in ("&", "?") else f"{separator}&"
        if mark == "?":
            self.mistakes.warn(first.span.offsets[0], "The ? of each item is written once", "Then & joins them.")
        return Join(
            (stays, *node.item[1:]), _with(node.separator, between), _with(node.prefix, prefix or mark), node.offset
        )

    def written(self, literal: Literal, instead: str, why: str) -> Literal:
        """The literal with another mark in front, which is said."""
        text, what = literal.span.text, f"written {instead}" if instead else "left out"
        self.mistakes.warn(literal.span.offsets[0], f"The {text[0]} of a join is {what}", why)
        return _with(literal, instead + text[1:])

    def inside(self, node: Join) -> None:
        """Look for a second `?` in the text of the join."""
        self.value = ""
        prefix = node.prefix.span
        for each in (Literal(prefix.cut(min(1, len(prefix.text)), len(prefix.text))), *node.item, node.separator):
            if isinstance(each, Literal):
                self.text(each.span.text, each.span.offsets)
            else:
                self.value += " "
        self.value, self.last = " ", " "

    def refuse_inside(self, value: Expression) -> None:
        """A join deep inside an expression without encoding cannot be corrected, as it may not be written at all."""
        if isinstance(value, Join) and value.prefix.span.text.startswith("?") and self.state is not _Query.NOT_BEGUN:
            self.mistakes.refuse(value.offset, SECOND, "Write the join by itself, or its prefix as &.")
        elif isinstance(value, Call):
            for argument in value.arguments:
                self.refuse_inside(argument)


def _with(literal: Literal, text: str) -> Literal:
    """The literal with another text in its place."""
    span = literal.span
    return replace(literal, span=replace(span, text=text, offsets=[span.offsets[0]] * (len(text) + 1)))
