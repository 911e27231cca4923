"""The text that COPY reads: PostgreSQL reads back what was written, whatever stands in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.db import connection

from actions.recording.copying import copy_text

Row = tuple[Any, ...]


def read_back(rows: list[Row]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (number numeric, first text, second text) ON COMMIT DROP")
        cursor.copy_expert("COPY copied FROM STDIN", BytesIO(copy_text(rows)))
        cursor.execute("SELECT number, first, second FROM copied ORDER BY number")
        return list(cursor.fetchall())


@pytest.mark.django_db
def test_what_ends_a_cell_or_stands_for_nothing_is_read_back_as_text() -> None:
    texts = [
        "a\tb",
        "a\nb",
        "a\r\nb",
        "\\",
        "\\N",
        "\\.",
        "\\t",
        "None",
        "",
        None,
        'Deck "Pro"',
        "São Paulo\\\n",
        "\x01",
    ]
    rows = [(Decimal(place), text, texts[-1 - place]) for place, text in enumerate(texts)]
    assert read_back(rows) == rows


@pytest.mark.django_db
def test_columns_without_anything_to_escape_are_read_back() -> None:
    rows = [(Decimal("1.50"), "GH23", None), (Decimal("2.00"), None, "UT66")]
    assert read_back(rows) == rows


def test_what_is_the_same_in_all_rows_is_escaped_too() -> None:
    rows = [("a\tb", None, 1), ("a\tb", None, 2)]
    assert copy_text(rows) == b"a\\tb\t\\N\t1\na\\tb\t\\N\t2\n"


def test_half_a_surrogate_pair_is_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        copy_text([("\ud800",)])


def test_no_rows_are_no_text() -> None:
    assert copy_text([]) == b""


@pytest.mark.django_db
@pytest.mark.parametrize("last", [datetime(2026, 11, 20, 10, 42, 38, 5, tzinfo=UTC), None], ids=["moment", "none"])
def test_moments_are_read_back(last: datetime | None) -> None:
    moments = [
        datetime(2026, 11, 20, 10, 42, 38, tzinfo=timezone(timedelta(hours=-7))),
        datetime(2026, 11, 20, 10, 42, 38, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        last,
    ]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (number integer, moment timestamptz) ON COMMIT DROP")
        cursor.copy_expert("COPY copied FROM STDIN", BytesIO(copy_text(list(enumerate(moments)))))
        cursor.execute("SELECT moment FROM copied ORDER BY number")
        assert [moment for (moment,) in cursor.fetchall()] == moments
