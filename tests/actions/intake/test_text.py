"""What is written of a report is read back exactly: each number as it stood, each text with all its characters."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.api.submission_fields import queued_submission, shown_submission
from actions.api.tokens import create_token
from actions.intake.text import from_text, to_text
from actions.reports.files import json_object
from tests.support.queued import queued

TEXTS = st.text(st.characters(codec=None), max_size=8)  # Half surrogate pairs and NUL too.
POINTED = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda number: not str(number).lstrip("-").isdigit()
)
NUMBERS = POINTED | st.integers()
PLAIN = st.none() | st.booleans() | TEXTS | NUMBERS
FIELDS = st.dictionaries(TEXTS, PLAIN | st.lists(st.dictionaries(TEXTS, PLAIN, max_size=3), max_size=3), max_size=5)


def exactly(value: Any) -> Any:
    """With the type of each value: 1 is not 1.0, and 5.0 not 5.00."""
    if isinstance(value, dict):
        return {name: exactly(each) for name, each in value.items()}
    if isinstance(value, list):
        return [exactly(each) for each in value]
    return type(value).__name__, str(value)


@given(FIELDS)
def test_all_fields_come_back(fields: dict[str, Any]) -> None:
    text = to_text(fields)
    text.encode()  # PostgreSQL takes only what is UTF-8.
    assert "\0" not in text
    assert exactly(from_text(text)) == exactly(fields)


@pytest.mark.parametrize("number", ["5.25", "5.250", "-0.0", "1E+22", "0.30000000000000004", str(2**70)])
def test_a_number_of_json_stays_as_it_was_written(number: str) -> None:
    fields = json_object(f'{{"Amount": {number}, "Items": [{{"Price": {number}}}]}}'.encode(), "body")
    read = from_text(to_text(fields))
    assert exactly(read) == exactly(fields)
    assert str(read["Amount"]) == str(read["Items"][0]["Price"]) == number


@pytest.mark.django_db
def test_what_is_queued_is_shown_with_its_numbers_as_they_were_written() -> None:
    token, _ = create_token("shop")
    row = queued(
        token, "change", OrderId="o-1", ActionTrackerId="1", EventCode=Decimal("5.250"), Amount=Decimal("9.10")
    )
    found = queued_submission(token, str(row.id))
    assert found is not None
    shown = shown_submission(found, token, "")
    assert (shown["OrderId"], shown["EventCode"]) == ("o-1", "5.250")


def test_it_is_json_that_others_can_read() -> None:
    assert json.loads(to_text({"a": Decimal("5.25"), "b": "\ud800", "c": [2**70, Decimal("1E+3")]})) == {
        "a": 5.25,
        "b": "\ud800",
        "c": [2**70, 1000.0],
    }
