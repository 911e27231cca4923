"""How a condition compares one value of an event with what it asks for, as text, as numbers or as dates.

A *test* takes a value as an event holds it, and returns why the value does not do, as the end of a sentence that begins
with the parameter; empty if it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from actions.reports.dates import read_moment
from actions.reports.parameters import ParameterType
from postbacks.request.template.numbers import plain_number
from postbacks.verdicts.effort import Effort, TooMuchEffortError, TooSlowError
from postbacks.verdicts.regular_expression import parse_regex

Test = Callable[[str, str], str]
"""Takes the value, and the value as a sentence may show it."""

_SHOWN_LENGTH: Final = 60  # Of a value in a sentence.
_DAY: Final = timedelta(days=1)
# Makes no moment of a text that has a time already: how a day alone is told from a moment in every spelling of dates.
_A_TIME: Final = " 01:00:07"


def quoted(value: str) -> str:
    """A value as a sentence shows it, cut short."""
    return f"“{value if len(value) <= _SHOWN_LENGTH else value[: _SHOWN_LENGTH - 1] + '…'}”"


def listed(values: Sequence[str]) -> str:
    return ", ".join(map(quoted, values))


def written(kind: ParameterType, values: Sequence[str]) -> str:
    """What a condition asks for, in a sentence: numbers stand without quotation marks."""
    return ", ".join(value.strip() for value in values) if kind.numeric else listed(values)


def equal_to(kind: ParameterType, values: Sequence[str]) -> Test:
    """The test for being one of `values`: as numbers and dates where the parameter is one, else as text, case counting.

    Raises ValueError with what to write instead of a value that is no number or date.
    """
    found = _one_of(kind, values)
    wanted = f"{'not' if len(values) == 1 else 'none of'} {written(kind, values)}"
    return lambda value, shown: "" if found(value) else f"is {shown}, {wanted}"


def _one_of(kind: ParameterType, values: Sequence[str]) -> Callable[[str], bool]:
    if kind.numeric:
        numbers = frozenset(map(_number, values))
        return lambda value: plain_number(value) in numbers
    if kind is ParameterType.DATE:
        spans = list(map(_span, values))
        return lambda value: _within(_moment(value), spans)
    texts = frozenset(values)
    return lambda value: value in texts


def _within(moment: datetime | None, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    return moment is not None and any(_inside(moment, first, after) for first, after in spans)


def _inside(moment: datetime, first: datetime, after: datetime) -> bool:
    return first <= moment < after or moment == first


def bounded(kind: ParameterType, value: str, *, least: bool) -> Test:
    """The test for being at least, or at most, `value`: as dates where the parameter is one, else as numbers.

    Raises ValueError as above.
    """
    return _dated(value, least=least) if kind is ParameterType.DATE else _counted(value, least=least)


def negated(test: Test, why: str) -> Test:
    """The test that holds where `test` does not."""
    return lambda value, shown: "" if test(value, shown) else why.format(shown)


def containing(part: str) -> Test:
    return lambda value, shown: "" if part in value else f"is {shown} and does not contain {quoted(part)}"


def beginning_with(start: str) -> Test:
    return lambda value, shown: "" if value.startswith(start) else f"is {shown} and does not begin with {quoted(start)}"


def matching(expression: str) -> Test:
    """The test for a regular expression, bare or between slashes with flags behind. Raises ValueError."""
    compiled = parse_regex(expression if expression.startswith("/") else f"/{expression}/", expression)

    def test(value: str, shown: str) -> str:
        try:
            return "" if compiled.found_in(value, Effort()) else f"is {shown} and does not match {expression}"
        except (TooMuchEffortError, TooSlowError):
            return f"took too long to match {expression}: simplify it"

    return test


def empty(value: str, shown: str) -> str:
    return f"is {shown}, not empty" if value else ""


def _counted(wanted: str, *, least: bool) -> Test:
    bound = _number(wanted)

    def test(value: str, shown: str) -> str:
        number = plain_number(value)
        if number is None:
            return f"is {shown}, which is no number"
        if least:
            return "" if number >= bound else f"{shown} is below {wanted.strip()}"
        return "" if number <= bound else f"{shown} is above {wanted.strip()}"

    return test


def _dated(wanted: str, *, least: bool) -> Test:
    first, after = _span(wanted)

    def test(value: str, shown: str) -> str:
        moment = _moment(value)
        if moment is None:
            return f"is {shown}, which is no date"
        if least:
            return "" if moment >= first else f"{shown} is before {wanted.strip()}"
        return "" if moment <= first or moment < after else f"{shown} is after {wanted.strip()}"

    return test


def _number(text: str) -> Decimal:
    number = plain_number(text.strip())
    if number is None:
        raise ValueError(f"{quoted(text)} is not a number. Write plain digits with a dot, such as 50 or 1250.75.")
    return number


def _span(text: str) -> tuple[datetime, datetime]:
    """The moment that is written, twice; of a day alone, which is one of UTC, its midnight and the next one.

    Raises ValueError with what to write.
    """
    try:
        first = read_moment(text.strip())
        return first, first + _DAY if _is_a_day(text.strip()) else first
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{quoted(text)} is not a date. Write a day such as 2026-11-20, which is one of UTC, or a moment such as "
            "2026-11-20T18:00:00+01:00."
        ) from error


def _is_a_day(text: str) -> bool:
    try:
        read_moment(text + _A_TIME)
    except (ValueError, OverflowError):
        return False
    return True


def _moment(value: str) -> datetime | None:
    try:
        return read_moment(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
