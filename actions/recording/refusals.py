"""What the database or an encoder refuses: found by halving, so that one bad row costs itself and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import django.db
import orjson
import psycopg2
from django.db import DataError, IntegrityError, transaction

from actions.reports.rejected import Rejected

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")

# What reading, encoding or computing with a value raises that no check has foreseen.
UNREADABLE: Final = (ValueError, ArithmeticError, RecursionError)
REFUSALS: Final = (django.db.Error, orjson.JSONEncodeError, *UNREADABLE)
"""The exceptions that may say that a row is at fault; `is_refusal` tells."""

_PROGRAM_LIMIT = "54"  # The class of SQLSTATEs for what is too large or too deep; Django files it under operations.
_MAX_TOLD = 200  # Of the database's own words, which quote the value.


def is_refusal(error: BaseException) -> bool:
    """Whether a row is at fault, and not the database that cannot be reached or is in trouble."""
    if isinstance(error, django.db.Error):
        return isinstance(error, (DataError, IntegrityError)) or sqlstate(error).startswith(_PROGRAM_LIMIT)
    return isinstance(error, REFUSALS)


def concerns_one(error: BaseException) -> bool:
    """Whether a row is at fault, or meets an error of ours, and not the database in trouble.

    For what nobody is told the end of, and what is tried again: there is no answer to put the error into.
    """
    trouble = (django.db.Error, psycopg2.OperationalError, psycopg2.InterfaceError)  # Those that Django has not seen.
    return is_refusal(error) or not isinstance(error, trouble)


def sqlstate(error: BaseException) -> str:
    """The code that PostgreSQL gives the error; empty if it comes from elsewhere."""
    return getattr(error.__cause__, "pgcode", None) or ""


def refusal_of(error: BaseException) -> Rejected:
    """The refusal of the one report that has raised `error`."""
    if isinstance(error, Rejected):
        return error
    return Rejected("MALFORMED", f"The report cannot be stored: {_problem(error)}. Correct it and send it again.")


def named(error: BaseException) -> str:
    """The error in a log: its kind and code, without the values that it quotes."""
    return " ".join(filter(None, (type(error).__name__, sqlstate(error))))


def taken_apart(
    rows: Sequence[Row],
    take: Callable[[Sequence[Row]], list[Outcome]],
    refuse: Callable[[Row, Exception], Outcome],
    at_fault: Callable[[Exception], bool] = is_refusal,
) -> list[Outcome]:
    """The outcomes of rows: of all that `take` can take, as many as it can at once; of the others from `refuse`.

    Runs in a transaction of the caller's. `at_fault` tells the errors that one row is to blame for; others end this.

    Raises:
        django.db.Error: the database failed; no row is at fault.
    """
    try:
        with transaction.atomic():
            return take(rows)
    except Exception as error:
        if not at_fault(error) or starts_over(error):
            raise
        if len(rows) == 1:
            return [refuse(rows[0], error)]
    middle = len(rows) // 2
    return [row for half in (rows[:middle], rows[middle:]) for row in taken_apart(half, take, refuse, at_fault)]


ORDER_ID_CONSTRAINT: Final = "order_id_once_per_window"
_DEADLOCK = "40P01"


def starts_over(error: BaseException) -> bool:
    """Whether another transaction is in the way at this moment, so that the same may succeed from the beginning.

    Another one has recorded the same order, or the two waited for each other's rows.
    """
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) == ORDER_ID_CONSTRAINT or sqlstate(error) == _DEADLOCK


def _problem(error: BaseException) -> str:
    match error:
        case RecursionError():
            return "it is nested too deeply"
        case UnicodeError():
            return "it holds text that is not valid Unicode"
        case DataError():
            told = getattr(getattr(error.__cause__, "diag", None), "message_primary", None) or "a value is out of range"
            return f"the database refuses it ({told[:_MAX_TOLD]})"
        case django.db.Error():
            return "the database refuses it"
    return "a value is out of range or cannot be written"
