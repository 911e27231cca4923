"""How the condition of an `if` compares two values.

As numbers, if one of them is declared a number and both are; else as text. Less and greater between a number and
what is none are false.
"""

from collections.abc import Callable
from typing import Final

from postbacks.request.template.numbers import plain_number


def _equal(left: str, right: str, numeric: bool) -> bool:
    if numeric:
        left_number, right_number = plain_number(left), plain_number(right)
        if left_number is not None and right_number is not None:
            return left_number == right_number
    return left == right


def _less(left: str, right: str, numeric: bool) -> bool:
    if not numeric:
        return left < right
    left_number, right_number = plain_number(left), plain_number(right)
    return left_number is not None and right_number is not None and left_number < right_number


COMPARE: Final[dict[str, Callable[[str, str, bool], bool]]] = {
    "==": _equal,
    "!=": lambda left, right, numeric: not _equal(left, right, numeric),
    "<": _less,
    ">": lambda left, right, numeric: _less(right, left, numeric),
    "contains": lambda left, right, _numeric: right in left,
}
"""Each takes both values, and whether one of them is declared a number."""
