"""From a template's text to its nodes.

    template   = ( text | "{" expression "}" )*          "{" opens only before name + "}", "(" or "."
    expression = name | name "." name | name "(" [ argument ( "," argument )* ] ")"
    argument   = expression | string | number | condition, as the function's signature asks
    condition  = argument ( "==" | "!=" | "<" | ">" | "contains" ) argument  |  argument "empty"

A mistake in meaning (an unknown name, a missing argument) is noted and parsing goes on; a mistake in form ends its
expression, and parsing goes on after that. Parsing takes time linear in the template's length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS
from postbacks.request.template import limits, wording
from postbacks.request.template.currencies import currencies_of
from postbacks.request.template.errors import Mistakes
from postbacks.request.template.foreign import foreign_in
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.nodes import (
    Attribute,
    Call,
    Comparison,
    Constant,
    Expression,
    Join,
    Literal,
    Node,
    Position,
    Raw,
    Value,
)
from postbacks.request.template.places import Place
from postbacks.request.template.signatures import Argument, ArgumentKind, BadArgumentError, Function
from postbacks.request.template.stray import placeholder_in
from postbacks.request.template.tokens import OPENING, Cursor, Span, Token, TokenKind
from postbacks.request.template.wording import LIST, Wording

_NOTHING = Constant("", numeric=False)  # Stands where a mistake was found.


class _BrokenOff(Exception):  # noqa: N818 -- not an error by itself: the mistake is already noted
    """The expression cannot be read on."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where an expression stands: the loop name that is known there, and how many calls are around it."""

    loop_name: str | None = None
    depth: int = 0

    def inside(self) -> "_Scope":
        return replace(self, depth=self.depth + 1)


def parse(source: str, mistakes: Mistakes) -> tuple[Node, ...]:
    """Return the template's nodes. With mistakes, they serve only to find more; none if an expression is broken."""
    parser = _Parser(mistakes)
    nodes = parser.template(Span.whole(source), _Scope())
    return () if parser.broken else nodes


class _Parser:
    def __init__(self, mistakes: Mistakes) -> None:
        self.mistakes = mistakes
        self.broken = False

    def break_off(self, offset: int, words: Wording) -> _BrokenOff:
        self.mistakes.add(offset, *words)
        self.broken = True
        return _BrokenOff()

    # Text and the expressions in it

    def template(self, span: Span, scope: _Scope) -> tuple[Node, ...]:
        nodes: list[Node] = []
        text, position = span.text, 0
        while opening := OPENING.search(text, position):
            if opening.start() > position:
                nodes.append(Literal(span.cut(position, opening.start())))
            name, after = opening["name"], opening.end("name")
            # Most expressions are one name, and need not be cut into words.
            if text[after] == "}" and (named := _named(name, span.offsets[opening.start()], scope)):
                nodes.append(named)
                position = after + 1
                continue
            cursor = Cursor(span, opening.end())
            try:
                nodes.append(self.node(cursor, scope))
                self.close(cursor, span.offsets[opening.start()])
            except _BrokenOff:
                if not cursor.skip_expression():
                    return ()
            position = cursor.position
        if position < len(text):
            nodes.append(Literal(span.cut(position, len(text))))
        return tuple(nodes)

    def close(self, cursor: Cursor, opened_at: int) -> None:
        token = cursor.peek()
        if not cursor.take_mark("}"):
            expected = f"the }} of the expression opened at {self.mistakes.place(opened_at)}"
            raise self.break_off(token.offset, wording.unexpected(token, expected, ""))

    def node(self, cursor: Cursor, scope: _Scope) -> Node:
        """One expression as it stands in text; only here may `raw` and `text` be outermost."""
        name = cursor.take()
        if name.text in ("raw", "text") and cursor.peek().is_mark("("):
            arguments = self.arguments(cursor, FUNCTIONS[name.text], name, scope.inside())
            if not arguments:
                return Literal(Span("", (name.offset,)))
            first = arguments[0]
            if isinstance(first, Span):
                return Literal(first, exact=True)
            return Raw(_expression(first), name.offset)
        found = self.named(cursor, name, scope, braces=True)
        return Literal(Span("", (name.offset,))) if isinstance(found, Constant) else found

    # Expressions

    def value(self, cursor: Cursor, scope: _Scope) -> Expression:
        """A value as an argument."""
        token = cursor.take()
        if token.kind is TokenKind.STRING:
            self.check_plain(token.span)
        if token.kind in (TokenKind.STRING, TokenKind.NUMBER):
            return Constant(token.text, numeric=token.kind is TokenKind.NUMBER)
        if token.kind is TokenKind.NAME and token.text not in wording.COMPARISONS:
            return self.named(cursor, token, scope, braces=False)
        raise self.break_off(token.offset, wording.no_value(token))

    def check_plain(self, text: Span) -> None:
        """Warn about a text that looks as if it were taken for a template."""
        found = placeholder_in(text.text)
        if found:
            name, index = found
            hint = f"A value stands without quotes and braces: {name}. If the text is meant: text(…)."
            self.mistakes.warn(text.offsets[index], f"{{{name}}} in a plain text is written as it stands,", hint)
        for index, message, hint in foreign_in(text.text, Place.TEXT):
            self.mistakes.warn(text.offsets[index], message, hint)

    def named(self, cursor: Cursor, name: Token, scope: _Scope, *, braces: bool) -> Expression:
        """A parameter, a loop name with or without attribute, or a call: whatever the name turns out to be."""
        if cursor.peek().is_mark("("):
            return self.call(cursor, name, scope)
        if cursor.take_mark("."):
            return self.attribute(cursor, name, scope, braces=braces)
        offset = name.offset - 1 if braces else name.offset  # Outermost, the place is that of the brace.
        if found := _named(name.text, offset, scope):
            return found
        self.mistakes.add(offset, *wording.unknown_parameter(name.text, scope.loop_name, braces=braces))
        return _NOTHING

    def attribute(self, cursor: Cursor, name: Token, scope: _Scope, *, braces: bool) -> Expression:
        token = cursor.take()
        offset = name.offset - 1 if braces else name.offset
        if token.kind is not TokenKind.NAME:
            raise self.break_off(token.offset, wording.unexpected(token, "the name of an item attribute", ""))
        if name.text != scope.loop_name:
            self.mistakes.add(offset, *wording.unknown_item(name.text, token.text, scope.loop_name, braces=braces))
            return _NOTHING
        attribute = ITEM_ATTRIBUTES.get(token.text)
        if attribute is None:
            self.mistakes.add(offset, *wording.unknown_attribute(name.text, token.text, braces=braces))
            return _NOTHING
        return Attribute(attribute.name, attribute.type, offset)

    # Calls

    def call(self, cursor: Cursor, name: Token, scope: _Scope) -> Expression:
        """A call, from its opening parenthesis on."""
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise self.break_off(name.offset, wording.unknown_function(name.text))
        if function.name == "join" and scope.loop_name:
            both = "A join inside another join", "Both would run over the same items."
            raise self.break_off(name.offset, both)
        if function.name == "raw":
            self.mistakes.add(name.offset, "raw(…) inside a function", "Write it around the whole expression: {raw(…)}")
        arguments = self.arguments(cursor, function, name, scope.inside())
        if not arguments:
            return _NOTHING
        if function.name == "join":
            return _join(arguments, name.offset)
        if function.name == "raw":
            return _expression(arguments[0])
        if function.name == "text":
            return Constant(arguments[0].text, numeric=False) if isinstance(arguments[0], Span) else _NOTHING
        return self.bound(function, arguments, name)

    def bound(self, function: Function, arguments: Sequence["_Argument"], name: Token) -> Expression:
        """The call with its fixed arguments handed to the function, which may refuse them."""
        fixed = [each.text for each in arguments if isinstance(each, Span)]
        condition = arguments[0] if isinstance(arguments[0], Comparison) else None
        values = tuple(each for each in arguments if not isinstance(each, Span | Comparison | tuple))
        if function.name == "minor":
            values = self.with_currency(values, name)
        if function.bind is None:
            return Call(function, None, values, condition, name.offset)
        try:
            return Call(function, function.bind(*fixed), values, condition, name.offset)
        except BadArgumentError as problem:
            place = arguments[problem.index]
            offset = place.offsets[problem.position] if isinstance(place, Span) else name.offset
            self.mistakes.add(offset, str(problem), problem.hint)
            return _NOTHING

    def with_currency(self, values: tuple[Expression, ...], name: Token) -> tuple[Expression, ...]:
        """The arguments of minor, the second of which is the currency of the first if it was left out."""
        if len(values) > 1 or values[0] is _NOTHING:
            return values
        known = currencies_of(values[0])
        if len(known) == 1:
            return (*values, Value(PARAMETERS[known.pop()], name.offset, always=True))
        problem = "minor(…) of values in two currencies" if known else "minor(…) of what has no currency of its own"
        self.mistakes.add(name.offset, problem, 'Name the currency after it, as in minor(Text1, "EUR").')
        return (_NOTHING, _NOTHING)

    def arguments(self, cursor: Cursor, function: Function, name: Token, scope: _Scope) -> list["_Argument"]:
        """The arguments between the parentheses; empty if they are too few or too many, which is then noted."""
        if scope.depth > limits.NESTING:
            raise self.break_off(name.offset, (f"More than {limits.NESTING} functions inside each other", ""))
        cursor.take()  # The opening parenthesis.
        found: list[_Argument] = []
        if not cursor.take_mark(")"):
            while True:
                found.append(self.argument(cursor, function, found, scope))
                after_text = cursor.last.kind is TokenKind.STRING
                token = cursor.take()
                if token.is_mark(")"):
                    break
                if not token.is_mark(","):
                    raise self.break_off(token.offset, wording.not_closed(token, function, after_text=after_text))
        count = len(found)
        if count < function.fewest or (function.most is not None and count > function.most):
            self.mistakes.add(name.offset, *wording.wrong_count(function, count))
            return []
        return found

    def argument(self, cursor: Cursor, function: Function, before: Sequence["_Argument"], scope: _Scope) -> "_Argument":
        argument = function.argument(len(before)) or Argument("value")
        kind = argument.kind
        if kind is ArgumentKind.VALUE:
            return self.value(cursor, scope)
        if kind is ArgumentKind.CONDITION:
            return self.condition(cursor, scope)
        token = cursor.take()
        if not kind.is_written_as(token):
            raise self.break_off(token.offset, wording.not_fixed(token, kind, argument.name, function))
        if kind in (ArgumentKind.LIST, ArgumentKind.LOOP_NAME):
            self.check_loop_word(token, kind)
        elif kind is ArgumentKind.TEMPLATE:
            loop_name = before[1].text if isinstance(before[1], Span) else None
            return self.template(token.span, _Scope(loop_name, scope.depth))
        elif function.name != "text":
            self.check_plain(token.span)
        return token.span

    def check_loop_word(self, token: Token, kind: ArgumentKind) -> None:
        """The first two arguments of join: the list, and the name that stands for one of it."""
        if kind is ArgumentKind.LIST and token.text != LIST:
            self.mistakes.add(token.offset, f"Unknown list {token.text}", f"The list is {LIST}.")
        elif kind is ArgumentKind.LOOP_NAME and (
            token.text in PARAMETERS or token.text in (LIST, *wording.COMPARISONS)
        ):
            self.mistakes.add(token.offset, f"The loop name {token.text} is taken", "Choose another, such as i.")

    def condition(self, cursor: Cursor, scope: _Scope) -> Comparison:
        left = self.value(cursor, scope)
        token = cursor.take()
        if token.text not in wording.COMPARISONS or token.kind not in (TokenKind.MARK, TokenKind.NAME):
            raise self.break_off(token.offset, wording.no_comparison(token))
        right = None if token.text == "empty" else self.value(cursor, scope)
        return Comparison(token.text, left, right)


_Argument = Expression | Comparison | Span | tuple[Node, ...]
"""A parsed argument: a value, a condition, a fixed string, number or name, or an item template."""


def _named(name: str, offset: int, scope: _Scope) -> Value | Position | None:
    """What a name alone stands for; None if for nothing."""
    if name == scope.loop_name:
        return Position(offset)
    parameter = PARAMETERS.get(name)
    return None if parameter is None else Value(parameter, offset)


def _expression(argument: "_Argument") -> Expression:
    return _NOTHING if isinstance(argument, Comparison | Span | tuple) else argument


def _join(arguments: Sequence["_Argument"], offset: int) -> Expression:
    item, *rest = arguments[2:]
    texts = [Literal(each) for each in rest if isinstance(each, Span)]
    nothing = Literal(Span("", (offset,)))
    separator, prefix, *_ = (*texts, nothing, nothing)
    return Join(item if isinstance(item, tuple) else (), separator, prefix, offset)
