"""Reads order ids: takes off what spreadsheets wrap around them, and refuses what cannot be one.

Two orders under one id are worse than a refusal: the second counts as a repeat of the first and is never paid.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from actions.reports.fields import MAX_TEXT, read_text, shown
from actions.reports.rejected import malformed

# The documented macro by which a caller asks for an order id to be made up.
MADE_UP: Final = re.compile(r"IR_AN(?:_\d+)?_TS", re.ASCII | re.IGNORECASE)

_INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff"
_FORMULA: Final = re.compile(r"""=\s*(?:T\()?"((?:[^"]|"")*)"\)?""", re.IGNORECASE)
_APOSTROPHES: Final = "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}`"

# What programs write where they have no value, and the names that stand in their examples.
_NOTHING: Final = frozenset(
    {"null", "(null)", "<null>", "[null]", "\\n", "none", "(none)", "<none>", "nil", "nan", "undefined", "void"}
    | {"n/a", "n.a.", "n.a", "na", "(not set)", "not set", "not_set", "unknown", "(unknown)", "missing", "tbd"}
    | {"empty", "(empty)", "blank", "(blank)", "true", "false", "object", "[object object]", "[object undefined]"}
    | {f"{thing}{between}id" for thing in ("order", "transaction", "your_order") for between in ("", "_", "-", " ")}
    | {"oid", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", ".", "?", "??", "???", "_", '""', "''", "'", '"'}
)
# #N/A, #REF!, #DIV/0!, #NAME?, their translations, and the bars of a column that is too narrow.
_SPREADSHEET_ERROR: Final = re.compile(r"#(?:N/?A|NV|[^\W_][\w/¡]*[!?]|¡[\w/]+[!?]|#+)|Err:\d+", re.IGNORECASE)
_BEGINS_ERROR: Final = ("#", "E", "e")
_EXPONENT: Final = re.compile(r"[+-]?(?:\d+[.,]\d*E[+-]?\d+|\d+E[+-]\d+)", re.ASCII | re.IGNORECASE)
# Most order ids. A letter in front that is no E, and a digit: nothing of the above and below is like this.
ORDINARY: Final = re.compile(r"[A-DF-Za-df-z][A-Za-z-]*\d[A-Za-z\d-]*|[1-9][\d-]*", re.ASCII)
_MARKS: Final = frozenset("{%[<#$@_")  # Without one of these there is no placeholder.
_ZERO: Final = re.compile(r"[+-]?0+(?:[.,]0*)?", re.ASCII)
_MINUS_ONE: Final = "-1"
_DIGITS_OF_SPREADSHEETS: Final = 15
# A value that another program should have put in. In braces and the like anywhere, in weaker marks as a whole.
_PLACEHOLDER: Final = re.compile(
    r"\{\{.*?\}\}|\$\{.*?\}|\{%.*?%\}|<[%?].*|%%.*?%%|\{[!@#$]?\s*[A-Za-z_][^{}]*\}|%7B.*?%7D|\[\[.*?\]\]|\$\([\w.]+\)",
    re.IGNORECASE | re.DOTALL,
)
_WHOLE_PLACEHOLDER: Final = re.compile(
    r"\[[A-Za-z_ .-]+\]|#[A-Za-z][A-Za-z_]*#|%[A-Za-z_]\w*%|<[A-Za-z_ .-]+>|__[A-Za-z]\w*__|@@?[A-Za-z]\w*@@?"
    r"|\$[A-Za-z_]\w*",
    re.ASCII | re.IGNORECASE,
)


def unwrapped(value: object) -> object:
    """The value without what makes a spreadsheet take it for text: `="00123"` is 00123."""
    if isinstance(value, str) and "=" in value and value.lstrip()[:1] == "=":
        formula = _FORMULA.fullmatch(value.strip())
        if formula:
            return formula[1].replace('""', '"')
    return value


def read_order_id(name: str, value: object) -> str:
    """The order id, without blanks and spreadsheet's wrapping around it; empty if there is nothing.

    Raises:
        Rejected: it cannot be the id of one order.
    """
    if type(value) is str and len(value) <= MAX_TEXT and ORDINARY.fullmatch(value):
        return value
    text = trimmed(read_text(name, unwrapped(value)))
    if isinstance(value, (bool, float, Decimal)):
        raise malformed(name, f"{shown(text)} cannot be an order id; text or a whole number is expected.")
    problem = _problem(text)
    if problem:
        raise malformed(name, f"{shown(text)} cannot be an order id: {problem}")
    return text


def trimmed(text: str) -> str:
    """Without blanks, invisible marks and a spreadsheet's apostrophe around it."""
    text = text.strip().strip(_INVISIBLE).strip()
    if text[:1] in _APOSTROPHES and len(text) > 1:
        text = text[1:].removesuffix(text[0]).strip()
    elif len(text) > 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    return text


def may_be_rounded(text: str) -> bool:
    """Whether a spreadsheet may have replaced all digits after the fifteenth, as it does with numbers."""
    return (
        len(text) > _DIGITS_OF_SPREADSHEETS + 1 and text.isdecimal() and not text[_DIGITS_OF_SPREADSHEETS:].strip("0")
    )


def made_up() -> str:
    """An order id of its own."""
    return f"IR-{uuid4()}"


def _problem(text: str) -> str:
    """Why this cannot be an order id, or nothing."""
    if text.casefold() in _NOTHING or _ZERO.fullmatch(text) or text == _MINUS_ONE:
        return "it is what programs write where there is none. Report the order's own id."
    if text[:1] in _BEGINS_ERROR and _SPREADSHEET_ERROR.fullmatch(text):
        return "it is a spreadsheet's error. Correct the cell and export the file again."
    if ("e" in text or "E" in text) and _EXPONENT.fullmatch(text):
        return "a spreadsheet has rounded it. Format the column as text and export the file again."
    if _has_placeholder(text):
        return "it is a placeholder that was not filled in. Put the order's own id there."
    return ""


def _has_placeholder(text: str) -> bool:
    return not _MARKS.isdisjoint(text) and bool(
        _WHOLE_PLACEHOLDER.fullmatch(text) or (_PLACEHOLDER.search(text) and not _is_guid(text))
    )


def _is_guid(text: str) -> bool:
    """Whether it is a GUID in braces, as some programs write theirs."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
