"""The European Central Bank's documents: read whole or not at all; which rates are taken, and which are held."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from partners.published_rates.document import Sheet, UnreadableDocumentError, read_document
from partners.published_rates.judging import Known, judge
from tests.support.ecb import BEGIN, END, day_of, document

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
GOOD = document((TUESDAY, {"USD": "1.0850", "JPY": "160.35"}))


def test_the_days_of_a_document_come_in_their_order() -> None:
    text = document((TUESDAY, {"USD": "1.0850", "JPY": "160.35"}), (MONDAY, {"USD": "1.0801"}))
    assert read_document(text.encode()) == [
        Sheet(MONDAY, {"USD": "1.0801"}),
        Sheet(TUESDAY, {"USD": "1.0850", "JPY": "160.35"}),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Line 1: it is not XML: no element found"),
        (b"<!DOCTYPE html><html><body>Sorry</body></html>", "Line 1: a document type is not accepted"),
        (b"<html><body>Sorry</body></html>", "it begins with <html>, not with the bank's envelope"),
        (b"<rss version='2.0'/>", "it begins with <rss>"),
        (GOOD.encode()[:-30], "it is not XML"),
        (GOOD.encode()[:350], "it is not XML"),
        (b"\x00\x01\x02", "it is not XML"),
        (BEGIN.replace("UTF-8", "EBCDIC-0").encode() + END.encode(), "Its encoding cannot be read."),
        (
            GOOD.replace("<gesmes:E", '<!DOCTYPE a [<!ENTITY b "1">]><gesmes:E', 1).encode(),
            "a document type is not accepted",
        ),
        (GOOD.replace("160.35", "&b;").encode(), "it is not XML: undefined entity"),
        ((BEGIN + END).encode(), "It has no day of rates."),
        (document((MONDAY, {})).encode(), "It has no rate for 2026-11-23."),
        ((BEGIN + day_of("2026-11-23", {"USD": "1"}) * 2 + END).encode(), "Line 11: the day 2026-11-23 comes twice"),
        ((BEGIN + day_of("2026-02-30", {"USD": "1"}) + END).encode(), "'2026-02-30' is no day"),
        ((BEGIN + day_of("20261123", {"USD": "1"}) + END).encode(), "'20261123' is no day"),
        (GOOD.replace("JPY", "USD").encode(), "USD comes twice for 2026-11-24"),
        (GOOD.replace("JPY", "jpy").encode(), "'jpy' is no currency"),
        (GOOD.replace("JPY", "EUR").encode(), "'EUR' is no currency that has a rate of a euro"),
        (GOOD.replace("currency='JPY' ", "").encode(), "'' is no currency"),
        ((BEGIN + "<Cube currency='USD' rate='1'/>" + END).encode(), "the rate of 'USD' belongs to no day"),
    ],
    ids=range(20),
)
def test_what_is_no_such_document_is_refused_whole(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableDocumentError) as problem:
        read_document(content)
    assert said in str(problem.value)


BEFORE = {"USD": Known(MONDAY, Decimal("1.08")), "JPY": Known(MONDAY, Decimal(160))}


def judged(rates: dict[str, str], **stored: str) -> tuple[dict[str, Decimal], dict[str, str]]:
    found = judge(Sheet(TUESDAY, rates), BEFORE, {name: Decimal(rate) for name, rate in stored.items()}, 10)
    return dict(found.taken), {odd.currency: odd.reason for odd in found.odd}


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.0000",
        "-1.08",
        "NaN",
        "Infinity",
        "1.08E0",
        "1e3",
        "1,08",
        "1 .08",
        "",
        "N/A",
        "٣",
        "1.123456789",
        "1" * 11,
    ],
    ids=range(14),
)
def test_what_is_no_rate_is_held_and_the_others_are_taken(text: str) -> None:
    taken, held = judged({"USD": text, "JPY": "161"})
    assert taken == {"JPY": Decimal(161)}
    assert held == {"USD": f"{text!r} is not a number above 0 with at most 8 decimals."}


@pytest.mark.parametrize(("rate", "is_taken"), [("1.188", True), ("1.1881", False), ("0.9819", True), ("0.98", False)])
def test_a_rate_that_differs_by_more_than_the_bound_is_held_in_either_direction(rate: str, is_taken: bool) -> None:
    taken, held = judged({"USD": rate, "JPY": "161"})
    assert ("USD" in taken, "USD" in held) == (is_taken, not is_taken)
    assert is_taken or "from 1.08 of 2026-11-23; up to 10 % are taken." in held["USD"]


def test_a_stored_rate_stays_and_one_that_is_published_again_with_another_value_is_held() -> None:
    assert judged({"USD": "1.09", "JPY": "161"}, USD="1.09", JPY="161") == ({}, {})
    assert judged({"USD": "1.0900", "JPY": "162"}, USD="1.09", JPY="161") == (
        {},
        {"JPY": "For this day, 161 has been published before."},
    )


def test_a_missing_and_a_new_currency_are_named() -> None:
    found = judge(Sheet(TUESDAY, {"USD": "1.09", "XAF": "655.96"}), BEFORE, {}, 10)
    assert (found.missing, found.first) == (["JPY"], ["XAF"])
    assert found.taken["XAF"] == Decimal("655.96")
    later = BEFORE | {"USD": Known(TUESDAY, Decimal("1.09"))}
    assert judge(Sheet(date(2026, 11, 25), {"USD": "1.09"}), later, {}, 10).missing == [], "named on its first day only"
