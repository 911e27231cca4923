"""How mistakes in an expression are put into words: each function returns the message and a hint, or an empty one."""

from typing import Final

from actions.reports.parameters import FREE_OF_ITEMS, ITEM_ATTRIBUTES, PARAMETERS
from postbacks.request.template import limits
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.hints import FUNCTION_ALIASES, ITEM_ALIASES, PARAMETER_ALIASES, did_you_mean, nearest
from postbacks.request.template.signatures import ArgumentKind, Function
from postbacks.request.template.terminal import quoted
from postbacks.request.template.tokens import Token, TokenKind

Wording = tuple[str, str]

LIST: Final = "items"  # The only list there is.
COMPARISONS: Final = ("==", "!=", "<", ">", "contains", "empty")

_VALUE_EXPECTED: Final = "a parameter, a function, a text in quotes or a number"
_STRAIGHT_QUOTES: Final = "Quotes are straight: \" or '."
# As word processors write them, and the two accents.
_OTHER_QUOTES: Final = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a\u0060\u00b4")
# What other languages write where ours has something else.
_INSTEAD: Final = {
    "=": "Equality is written ==.",
    "===": "Equality is written ==.",
    "!==": "Inequality is written !=.",
    "<>": "Inequality is written !=.",
    ">=": "There are > and <; a >= b is written if(a < b, otherwise, then).",
    "<=": "There are > and <; a <= b is written if(a > b, otherwise, then).",
    "is": "It is written value empty, or value == other.",
    "not": "It is written value != other.",
}
_MORE_CONDITIONS: Final = ("and", "or", "&", "|")


def unknown_parameter(name: str, loop_name: str | None, *, braces: bool) -> Wording:
    """For a name that is none; `braces` tells whether it stands in braces of its own or as an argument."""
    written, write = (f"{{{_short(name)}}}", "{%s}") if braces else (_short(name), "%s")
    return f"Unknown parameter {written}", _instead_of(name, loop_name, write, braces=braces)


def _instead_of(name: str, loop_name: str | None, write: str, *, braces: bool) -> str:
    if name in FUNCTIONS:
        return f"{name} is a function: {FUNCTIONS[name].example}"
    if name.lower() in (LIST, "item", "i"):
        return f"The items are written with join: {FUNCTIONS['join'].example}"
    if name in ITEM_ATTRIBUTES and loop_name:
        return f"Did you mean {write % f'{loop_name}.{name}'}?"
    names = (*PARAMETERS, loop_name) if loop_name else (*PARAMETERS,)
    hints = [did_you_mean(name, names, write, PARAMETER_ALIASES)]
    if not braces:
        hints.append(f'A text stands in quotes: "{_short(name)}".')
    return " ".join(filter(None, hints))


def unknown_item(name: str, attribute: str, loop_name: str | None, *, braces: bool) -> Wording:
    """For an attribute of something that is not the loop's item."""
    write = "{%s}" if braces else "%s"
    message = f"Unknown item {write % f'{_short(name)}.{_short(attribute)}'}"
    function = nearest(attribute, FUNCTIONS, FUNCTION_ALIASES)
    if name in PARAMETERS and function:
        return message, f"A function stands around its value: {FUNCTIONS[function].example}"
    if loop_name:
        return message, f"Here the item is {write % f'{loop_name}.{_short(attribute)}'}."
    return message, f"Attributes belong to the items of a join: {FUNCTIONS['join'].example}"


_ATTRIBUTES: Final = " ".join(
    [
        *(name for name in ITEM_ATTRIBUTES if not name[-1].isdigit()),
        *(f"{name}1…{name}{last}" for name, last in FREE_OF_ITEMS.items()),
    ]
)


def unknown_attribute(loop_name: str, attribute: str, *, braces: bool) -> Wording:
    write = "{%s}" if braces else "%s"
    hint = did_you_mean(attribute, ITEM_ATTRIBUTES, write % f"{loop_name}.%s", ITEM_ALIASES)
    return (
        f"Unknown item attribute {write % f'{loop_name}.{_short(attribute)}'}",
        hint or f"The attributes are {_ATTRIBUTES}.",
    )


def unknown_function(name: str) -> Wording:
    hint = did_you_mean(name, FUNCTIONS, "%s(…)", FUNCTION_ALIASES)
    if not hint and name in PARAMETERS:
        hint = f"{name} is a parameter and takes no parentheses."
    return f"Unknown function {_short(name)}", hint or f"The functions are {' '.join(FUNCTIONS)}."


def wrong_count(function: Function, count: int) -> Wording:
    given = "no argument" if count == 0 else "1 argument" if count == 1 else f"{count} arguments"
    return f"{function.name} with {given}", function.usage


def unexpected(token: Token, expected: str, hint: str) -> Wording:
    """For a token that does not belong where it stands; `hint` serves where the token itself suggests nothing."""
    if token.kind is TokenKind.OPEN_STRING:
        return "A text is opened by a quote here and not closed", ""
    return f"Expected {expected}, found {_found(token)}", _instead(token) or hint


def no_value(token: Token) -> Wording:
    """For a token where a value has to come."""
    hint = ""
    if token.is_mark("{"):
        hint = "Inside a function a parameter stands without braces: lower(Status)"
    elif token.kind is TokenKind.NAME:
        hint = f"The word {token.text} follows a value."
    return unexpected(token, _VALUE_EXPECTED, hint)


def not_fixed(token: Token, kind: ArgumentKind, name: str, function: Function) -> Wording:
    """For a token where a fixed argument has to come: a text, a number, a name."""
    if kind is ArgumentKind.WHOLE_NUMBER and token.kind is TokenKind.STRING and token.text.isdigit():
        hint = f"It stands without quotes: {token.text}"
    elif kind is ArgumentKind.WHOLE_NUMBER and token.text.isdigit():
        hint = f"It has at most {limits.DIGITS} digits."
    else:
        hint = function.usage
    return unexpected(token, f"{kind.value} for the {name} of {function.name}", hint)


def no_comparison(token: Token) -> Wording:
    hint = f"It is written as in {FUNCTIONS['if'].example}"
    return unexpected(token, f"one of {' '.join(COMPARISONS)}", hint)


def not_closed(token: Token, function: Function, *, after_text: bool) -> Wording:
    """For what follows an argument and is neither a comma nor the closing parenthesis."""
    hint = function.usage
    if token.kind is TokenKind.END or token.is_mark("}"):
        hint = ""
    elif function.name == "if" and token.text.lower() in _MORE_CONDITIONS:
        hint = "An if has one condition; another if may stand inside it."
    elif after_text and token.text not in (":", "?", "+"):
        hint = 'If the text was to go on: a quote inside it is written \\", or the text stands in the other quotes.'
    return unexpected(token, f"a comma or the ) of {function.name}", hint)


def _instead(token: Token) -> str:
    if token.text in _OTHER_QUOTES:
        return _STRAIGHT_QUOTES
    return _INSTEAD.get(token.text.lower(), "") if token.kind is not TokenKind.STRING else ""


def _found(token: Token) -> str:
    if token.kind is TokenKind.END:
        return "the end"
    return f"the text {quoted(token.text)}" if token.kind is TokenKind.STRING else quoted(token.text)


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"
