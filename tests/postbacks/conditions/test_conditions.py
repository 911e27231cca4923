"""Conditions: what they say of values, and what is refused. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from actions.reports.parameters import sample_values
from postbacks.conditions.judging import compile_conditions, condition_errors, in_words, unmet
from postbacks.conditions.lines import read_lines, write_lines

VALUES: dict[str, Any] = {
    "Amount": "12.00",
    "Oid": "SS-50",
    "Text1": "five",
    "Numeric1": "0012",
    "EventDate": "2026-11-20T23:30:00-07:00",  # The 21st in UTC.
    "CustomerCity": "São Paulo",
    "macAddress": "0a:1b:2c:3d:4e:5f",
    "ActionEvent": "modified",
    "items": [{"sku": "GH23", "cat": "Watches", "qty": "3"}, {"sku": "UT66", "cat": "Shoes"}],
}


def said_of(text: str, values: dict[str, Any] = VALUES, *, match: str = "all", hidden: tuple[str, ...] = ()) -> str:
    """Why the values do not meet the conditions of a text; empty if they do."""
    stored = read_lines(text)
    assert condition_errors(stored) == []
    return unmet(compile_conditions(stored, match, hidden), values) or ""


@pytest.mark.parametrize(
    "text",
    [
        "Amount is 12",
        "Amount at least 12",
        "Amount at most 12.000",
        "Amount one of 50, 12.0",
        "Amount is not 50",
        "Numeric1 is 12",
        "Oid is SS-50",
        "Oid one of A, SS-50",
        "Oid contains S-5",
        "Oid begins with SS",
        "Oid matches ^SS-\\d+$",
        "CustomerCity matches /são/i",
        "Note is empty",
        "Note is not Gift",
        "Oid is not empty",
        "EventDate is 2026-11-21",
        "EventDate is 2026-11-21T07:30:00+01:00",
        "EventDate at least 2026-11-21",
        "EventDate at most 2026-11-21",
        "EventDate at most 21 Nov 2026",
        "ActionEvent is modified",
        "macAddressUpper is 0A:1B:2C:3D:4E:5F",
        "items.cat is Shoes",
        "any items.cat is not Shoes",
        "items.qty at least 3",
        "every items.sku is not empty",
    ],
)
def test_a_condition_that_holds(text: str) -> None:
    assert said_of(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Amount at least 50.00", "Amount 12.00 is below 50.00"),
        ("Amount at most 11.99", "Amount 12.00 is above 11.99"),
        ("Amount is 50", "Amount is 12.00, not 50"),
        ("Amount one of 1, 2", "Amount is 12.00, none of 1, 2"),
        ("Amount is not 12", "Amount is 12.00"),
        ("Text1 at least 5", "Text1 is “five”, which is no number"),
        ("Money1 at least 0", "Money1 is empty, which is no number"),
        ("Date1 at most 2026-11-20", "Date1 is empty, which is no date"),
        ("Oid is ss-50", "Oid is “SS-50”, not “ss-50”"),
        ("Oid contains s", "Oid is “SS-50” and does not contain “s”"),
        ("Oid begins with 50", "Oid is “SS-50” and does not begin with “50”"),
        ("Oid matches ^\\d", "Oid is “SS-50” and does not match ^\\d"),
        ("Oid is empty", "Oid is “SS-50”, not empty"),
        ("Note is not empty", "Note is empty"),
        ("EventDate is 2026-11-20", "EventDate is “2026-11-20T23:30:00-07:00”, not “2026-11-20”"),
        ("EventDate at most 2026-11-20", "EventDate “2026-11-20T23:30:00-07:00” is after 2026-11-20"),
        ("EventDate at least 2026-11-22", "EventDate “2026-11-20T23:30:00-07:00” is before 2026-11-22"),
        ("items.cat is Hats", "no item's cat is “Hats”"),
        ("every items.cat is not Shoes", "items.cat of item 2 is “Shoes”"),
        ("every items.qty at least 1", "items.qty of item 2 is empty, which is no number"),
    ],
)
def test_a_condition_that_does_not_hold_says_why(text: str, reason: str) -> None:
    assert said_of(text) == reason


@pytest.mark.parametrize("quantifier", ["any", "every"])
def test_an_event_without_items_counts_as_one_item_without_values(quantifier: str) -> None:
    assert said_of(f"{quantifier} items.sku is empty", {}) == ""
    assert said_of(f"{quantifier} items.sku is GH23", {})


def test_all_or_any_whatever_the_order_of_the_rows() -> None:
    rows = ["Amount at least 50", "Oid is SS-50"]
    for text in ("\n".join(rows), "\n".join(reversed(rows))):
        assert said_of(text) == "Amount 12.00 is below 50"
        assert said_of(text, match="any") == ""
    neither = said_of("Amount at least 50\nOid is X", match="any")
    assert neither == "none of the conditions holds: Amount 12.00 is below 50; Oid is “SS-50”, not “X”"


def test_a_hidden_parameter_is_refused_and_counts_as_empty_once_saved() -> None:
    stored = read_lines("macAddressUpper is not empty")
    (error,) = condition_errors(stored, {"macAddress"})
    assert error.startswith("Condition 1: The event type hides macAddressUpper")
    assert said_of("macAddressUpper is not empty", hidden=("macAddress",)) == "macAddressUpper is empty"


def test_personal_values_are_left_out_of_the_words_where_asked() -> None:
    conditions = compile_conditions(read_lines("CustomerCity is Berlin"), "all")
    assert "Paulo" in (unmet(conditions, VALUES) or "")
    assert unmet(conditions, VALUES, personal=False) == "CustomerCity is (hidden), not “Berlin”"
    assert unmet(conditions, {}, personal=False) == "CustomerCity is empty, not “Berlin”"


def test_a_condition_that_cannot_be_read_lets_nothing_through() -> None:
    later = [{"parameter": "Amount", "operator": "sounds like", "values": ["12"]}]
    for match in ("all", "any"):
        assert "“sounds like” is no operator" in (unmet(compile_conditions(later, match), VALUES) or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Amount at least fifty", "“fifty” is not a number. Write plain digits"),
        ("Amount at least 1,000", "“1,000” is not a number"),
        ("Amount is a", "“a” is not a number"),
        ("Text1 at most x", "“x” is not a number"),
        ("EventDate at least soon", "“soon” is not a date. Write a day such as"),
        ("EventDate at least 20/11/2026", "is not a date"),
        ("OrderId is 1", "“OrderId” is not a parameter. Did you mean Oid?"),
        ("Items.Sku is 1", "Did you mean items.sku?"),
        ("items.category is 1", "Did you mean items.cat?"),
        ("DeliveryId is 1", "known only to a delivery"),
        ("Oid is", "takes one value"),
        ("Oid one of", "needs at least one value"),
        ("Oid is empty now", "takes no value"),
        ("every Oid is 1", "goes with attributes of items only"),
        ("Oid matches (a+)+", "repeats a group that itself repeats"),
        ("Oid matches /a", "opens a regular expression that is not closed"),
        ('Oid is "\\u0000"', "cannot be stored"),
        ('Oid is "\\ud800"', "cannot be stored"),
        (f"Oid is {'x' * 1_001}", "1,001 characters"),
        (f"Oid one of {','.join(map(str, range(1_001)))}", "1,001 values"),
    ],
    ids=lambda value: value[:40],
)
def test_what_cannot_be_a_condition_is_refused_with_what_to_write(text: str, said: str) -> None:
    (error,) = condition_errors(read_lines(text))
    assert said in error


@pytest.mark.parametrize(
    "stored",
    [
        {},
        "Amount",
        [1],
        [{"parameter": "Amount"}],
        [{"parameter": 1, "operator": "is", "values": ["1"]}],
        [{"parameter": "Oid", "operator": "is", "values": [None]}],
        [{"parameter": "Oid", "operator": "is", "not": "x"}],
        [{"parameter": "items.sku", "operator": "is", "values": ["1"], "items": "some"}],
        [{}] * 51,
    ],
    ids=str,
)
def test_what_is_of_another_shape_is_refused(stored: Any) -> None:
    assert condition_errors(stored)


def test_lines_are_read_back_as_they_were_written() -> None:
    values = ["plain", "a, b", " edges ", 'say "so"', "not x", "empty", "two\nlines", "\u2028", "é", "1 is 2"]
    stored: list[dict[str, Any]] = [
        {"parameter": "Oid", "operator": operator, "values": [value]}
        for operator in ("is", "is not", "one of", "contains", "matches")
        for value in values
    ]
    stored += [
        {"parameter": "Oid", "operator": "one of", "values": values},
        {"parameter": "Oid", "operator": "is not empty", "values": []},
        {"parameter": "items.sku", "operator": "is", "values": ["x"], "items": "any"},
        {"parameter": "items.sku", "operator": "is", "values": ["x"], "items": "every"},
    ]
    text = write_lines(stored)
    assert len(text.splitlines()) == len(stored)
    assert read_lines(text) == stored


@pytest.mark.parametrize("line", ["Amount", "Amount 50", "at least 50", "every", "Amount >= 50", "Amount isn't 5"])
def test_a_line_that_is_no_condition_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"^Line 2 is not a condition\..*at least"):
        read_lines(f"Oid is 1\n{line}")


def test_conditions_in_words() -> None:
    stored = read_lines("Amount at least 50\nevery items.cat is not Shoes\nOid one of A, B")
    assert in_words(compile_conditions(stored, "all")) == (
        "Amount is at least 50 and every item's cat is not “Shoes” and Oid is one of “A”, “B”"
    )


def test_every_parameter_and_attribute_can_be_judged() -> None:
    names = [name for name in sample_values() if name not in ("items", "DeliveryId", "Attempt")]
    stored = read_lines("\n".join(f"{name} is not empty" for name in names[:50]))
    assert unmet(compile_conditions(stored, "all"), sample_values()) is None
