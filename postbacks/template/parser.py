"""From a template's text to its nodes.

    template   = ( text | "{" expression "}" )*          "{" opens only before name + "}", "(" or "."
    expression = name | name "." name | name "(" [ argument ( "," argument )* ] ")"
    argument   = expression | string | number | condition, as the function's signature asks
    condition  = argument ( "==" | "!=" | "<" | ">" | "contains" ) argument  |  argument "empty"

Mistakes in meaning (an unknown name, a missing argument) are collected and parsing goes on; a mistake in form ends it,
because what follows would be guesswork. Parsing takes time linear in the template's length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from actions.parameters import ITEM_ATTRIBUTES, PARAMETERS
from postbacks.template import limits
from postbacks.template.errors import TemplateError
from postbacks.template.functions import FUNCTIONS, Argument, ArgumentKind, BadArgumentError, Function
from postbacks.template.hints import did_you_mean
from postbacks.template.nodes import (
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
from postbacks.template.tokens import OPENING, Cursor, Kind, Span, Token

_NOTHING = Constant("", numeric=False)  # Stands where a mistake was found.
_COMPARISONS = ("==", "!=", "<", ">", "contains", "empty")
_LIST = "items"  # The only list there is.


class _Stop(Exception):  # noqa: N818 -- not an error by itself: the error is already in the list
    """Parsing cannot go on."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where an expression stands: the loop name that is known there, and how many calls are around it."""

    loop_name: str | None = None
    depth: int = 0

    def inside(self) -> "_Scope":
        return _Scope(self.loop_name, self.depth + 1)


def parse(source: str, errors: list[TemplateError]) -> tuple[Node, ...]:
    """Return the template's nodes; mistakes are added to `errors`, and the nodes then serve only to find more."""
    parser = _Parser(source, errors)
    try:
        return parser.template(Span.whole(source), _Scope())
    except _Stop:
        return ()


class _Parser:
    def __init__(self, source: str, errors: list[TemplateError]) -> None:
        self.source = source
        self.errors = errors

    def wrong(self, offset: int, message: str, hint: str = "") -> None:
        self.errors.append(TemplateError(self.source, offset, message, hint))
        if len(self.errors) >= limits.ERRORS_AT_ONCE:
            raise _Stop

    def stop(self, offset: int, message: str, hint: str = "") -> _Stop:
        self.errors.append(TemplateError(self.source, offset, message, hint))
        return _Stop()

    # Text and the expressions in it

    def template(self, span: Span, scope: _Scope) -> tuple[Node, ...]:
        nodes: list[Node] = []
        text_start = position = 0
        while opening := OPENING.search(span.text, position):
            if opening.start() > text_start:
                nodes.append(Literal(span.cut(text_start, opening.start())))
            cursor = Cursor(span)
            cursor.position = opening.end()
            nodes.append(self.node(cursor, scope))
            closing = cursor.peek()
            if not cursor.take_mark("}"):
                place = TemplateError(self.source, span.offsets[opening.start()], "").place
                raise self.stop(closing.offset, "Expected }", f"The expression opened at {place} is not closed.")
            text_start = position = cursor.position
        if text_start < len(span.text):
            nodes.append(Literal(span.cut(text_start, len(span.text))))
        return tuple(nodes)

    def node(self, cursor: Cursor, scope: _Scope) -> Node:
        """One expression as it stands in text; only here may `raw` and `text` be outermost."""
        name = cursor.take()
        if cursor.peek().is_mark("(") and name.text in ("raw", "text"):
            function = FUNCTIONS[name.text]
            arguments = self.arguments(cursor, function, name, scope.inside())
            if not arguments:
                return Literal(Span("", (name.offset,)))
            if name.text == "text":
                argument = arguments[0]
                return Literal(argument if isinstance(argument, Span) else Span("", (name.offset,)), exact=True)
            return Raw(_expression(arguments[0]), name.offset)
        found = self.named(cursor, name, scope, braces=True)
        return Literal(Span("", (name.offset,))) if isinstance(found, Constant) else found

    # Expressions

    def value(self, cursor: Cursor, scope: _Scope) -> Expression:
        """A value as an argument."""
        token = cursor.take()
        if token.kind in (Kind.STRING, Kind.NUMBER):
            return Constant(token.text, numeric=token.kind is Kind.NUMBER)
        if token.kind is Kind.NAME:
            return self.named(cursor, token, scope, braces=False)
        raise self.unexpected(token, "a parameter, a function, a string or a number")

    def named(self, cursor: Cursor, name: Token, scope: _Scope, *, braces: bool) -> Expression:
        """A parameter, a loop name with or without attribute, or a call: whatever the name turns out to be."""
        offset = name.offset - 1 if braces else name.offset  # Outermost, the place is that of the brace.
        if cursor.take_mark("("):
            cursor.position -= 1
            return self.call(cursor, name, scope)
        if cursor.take_mark("."):
            return self.attribute(cursor, name, scope, offset)
        if name.text == scope.loop_name:
            return Position(offset)
        parameter = PARAMETERS.get(name.text)
        if parameter is None:
            self.unknown(name.text, scope, offset)
            return _NOTHING
        return Value(parameter, offset)

    def unknown(self, name: str, scope: _Scope, offset: int) -> None:
        if name in FUNCTIONS:
            hint = f"{name} is a function: {FUNCTIONS[name].example}"
        elif name == _LIST:
            hint = f"The items are written with join: {FUNCTIONS['join'].example}"
        else:
            known = (*PARAMETERS, scope.loop_name) if scope.loop_name else (*PARAMETERS,)
            hint = did_you_mean(name, known, "{%s}")
        self.wrong(offset, f"Unknown parameter {{{name}}}", hint)

    def attribute(self, cursor: Cursor, name: Token, scope: _Scope, offset: int) -> Expression:
        token = cursor.take()
        if token.kind is not Kind.NAME:
            raise self.unexpected(token, "the name of an item attribute")
        if name.text != scope.loop_name:
            hint = f"Here the item is {{{scope.loop_name}.{token.text}}}." if scope.loop_name else ""
            self.wrong(
                offset,
                f"Unknown item {{{name.text}.{token.text}}}",
                hint or f"Attributes belong to the items of a join: {FUNCTIONS['join'].example}",
            )
            return _NOTHING
        if token.text not in ITEM_ATTRIBUTES:
            hint = did_you_mean(token.text, ITEM_ATTRIBUTES, f"{{{name.text}.%s}}")
            self.wrong(
                offset,
                f"Unknown item attribute {{{name.text}.{token.text}}}",
                hint or f"The attributes are {' '.join(ITEM_ATTRIBUTES)}.",
            )
            return _NOTHING
        return Attribute(token.text, ITEM_ATTRIBUTES[token.text], offset)

    # Calls

    def call(self, cursor: Cursor, name: Token, scope: _Scope) -> Expression:
        """A call, from its opening parenthesis on."""
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise self.stop(name.offset, f"Unknown function {name.text}", did_you_mean(name.text, FUNCTIONS, "%s(…)"))
        inner = scope.inside()
        if function.name == "join" and scope.loop_name:
            raise self.stop(name.offset, "A join inside another join", "Both would run over the same items.")
        if function.name == "raw":
            self.wrong(name.offset, "raw(…) inside a function", "Write it around the whole expression: {raw(…)}")
        arguments = self.arguments(cursor, function, name, inner)
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
        if function.bind is None:
            return Call(function, None, values, condition, name.offset)
        try:
            return Call(function, function.bind(*fixed), values, condition, name.offset)
        except BadArgumentError as problem:
            place = arguments[problem.index]
            self.wrong(place.offsets[0] - 1 if isinstance(place, Span) else name.offset, str(problem), problem.hint)
            return _NOTHING

    def arguments(self, cursor: Cursor, function: Function, name: Token, scope: _Scope) -> list["_Argument"]:
        """The arguments between the parentheses; empty if they are too few or too many, which is then reported."""
        if scope.depth > limits.NESTING:
            raise self.stop(name.offset, f"More than {limits.NESTING} functions inside each other")
        cursor.take()  # The opening parenthesis.
        found: list[_Argument] = []
        count = 0
        if not cursor.take_mark(")"):
            while True:
                found.append(self.argument(cursor, function.argument(count), found, scope))
                count += 1
                token = cursor.take()
                if token.is_mark(")"):
                    break
                if not token.is_mark(","):
                    raise self.unexpected(token, f"a comma or the ) of {function.name}")
        if count < function.fewest or (function.most is not None and count > function.most):
            given = "no argument" if count == 0 else "1 argument" if count == 1 else f"{count} arguments"
            self.wrong(name.offset, f"{function.name} with {given}", f"It is written {function.signature}.")
            return []
        return found

    def argument(
        self, cursor: Cursor, argument: Argument | None, before: Sequence["_Argument"], scope: _Scope
    ) -> "_Argument":
        kind = ArgumentKind.VALUE if argument is None else argument.kind
        if kind is ArgumentKind.VALUE:
            return self.value(cursor, scope)
        if kind is ArgumentKind.CONDITION:
            return self.condition(cursor, scope)
        token = cursor.take()
        if kind in (ArgumentKind.LIST, ArgumentKind.LOOP_NAME):
            return self.loop_word(token, kind)
        if kind is ArgumentKind.WHOLE_NUMBER:
            if token.kind is not Kind.NUMBER or not token.text.isdigit() or len(token.text) > 6:
                raise self.unexpected(token, "a whole number")
            return token.span
        if token.kind is not Kind.STRING:
            raise self.unexpected(token, kind.value)
        if kind is ArgumentKind.TEMPLATE:
            loop_name = before[1].text if len(before) > 1 and isinstance(before[1], Span) else None
            return self.template(token.span, _Scope(loop_name, scope.depth))
        return token.span

    def loop_word(self, token: Token, kind: ArgumentKind) -> Span:
        """The first two arguments of join: the list, and the name that stands for one of it."""
        if token.kind is not Kind.NAME:
            raise self.unexpected(token, kind.value)
        if kind is ArgumentKind.LIST and token.text != _LIST:
            self.wrong(token.offset, f"Unknown list {token.text}", f"The list is {_LIST}.")
        elif kind is ArgumentKind.LOOP_NAME and (token.text in PARAMETERS or token.text == _LIST):
            self.wrong(token.offset, f"The loop name {token.text} is taken", "Choose another, such as i.")
        return token.span

    def condition(self, cursor: Cursor, scope: _Scope) -> Comparison:
        left = self.value(cursor, scope)
        token = cursor.take()
        if token.text not in _COMPARISONS or token.kind not in (Kind.MARK, Kind.NAME):
            raise self.unexpected(token, "one of == != < > contains empty")
        right = None if token.text == "empty" else self.value(cursor, scope)
        return Comparison(token.text, left, right)

    def unexpected(self, token: Token, expected: str) -> _Stop:
        if token.kind is Kind.OPEN_STRING:
            return self.stop(token.offset, "A string is opened here and not closed")
        found = "the end" if token.kind is Kind.END else f"“{token.text[:20]}”"
        return self.stop(token.offset, f"Expected {expected}, found {found}")


_Argument = Expression | Comparison | Span | tuple[Node, ...]
"""A parsed argument: a value, a condition, a fixed string, number or name, or an item template."""


def _expression(argument: "_Argument") -> Expression:
    return _NOTHING if isinstance(argument, Comparison | Span | tuple) else argument


def _join(arguments: Sequence["_Argument"], offset: int) -> Expression:
    item, *rest = arguments[2:]
    texts = [Literal(each) for each in rest if isinstance(each, Span)]
    nothing = Literal(Span("", (offset,)))
    separator, prefix, *_ = (*texts, nothing, nothing)
    return Join(item if isinstance(item, tuple) else (), separator, prefix, offset)
