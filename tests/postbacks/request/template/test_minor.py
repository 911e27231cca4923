"""Money in whole minor units of its currency: from the snapshot's currencies, never by stripping the dot."""

from __future__ import annotations

from typing import Any

import pytest

from actions.reports.parameters import (
    ITEM_ATTRIBUTES,
    PARAMETERS,
    ParameterType,
    sample_values,
)
from postbacks.request.template import Place, TemplateError, compile_template

VALUES: dict[str, Any] = {
    "Amount": "1234.50",
    "DeltaAmount": "-0.50",
    "Currency": "USD",
    "OriginalAmount": "380.105",
    "OriginalCurrency": "KWD",
    "Payout": "99",
    "DeltaPayout": "-12",
    "PayoutCurrency": "JPY",
    "Money1": "0.099",
    "Text1": "0.99",
    "Text2": "eur",
    "items": [{"amt": "1.05", "cartamt": "0.320", "rbt": "0.001"}, {"amt": "2.00", "cartamt": "0.610"}],
}


def written(template: str, values: dict[str, Any] = VALUES, place: Place = Place.TEXT) -> str:
    return compile_template(template, place).render(values)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{minor(Amount)}", "123450"),
        ("{minor(DeltaAmount)}", "-50"),
        ("{minor(OriginalAmount)}", "380105"),
        ("{minor(Payout)}", "99"),
        ("{minor(DeltaPayout)}", "-12"),
        ("{minor(Money1)}", "99"),
        ('{join(items, i, "{minor(i.amt)}:{minor(i.cartamt)}:{minor(i.rbt)}", ",")}', "105:320:1,200:610:"),
        # The currency of what a function is made of, or the one that is named.
        ("{minor(default(DeltaPayout, Payout))}", "-12"),
        ('{minor(if(Status == "x", OriginalAmount, Money1))}', "99"),
        ('{minor(Text1, "EUR")}', "99"),
        ("{minor(Text1, Text2)}", "99"),
        ('{minor("0.5", "KWD")}', "500"),
        ("{minor(Amount, PayoutCurrency)}", "1234"),
        ("{number(minor(Amount), 2)}", "123450.00"),
        # Half even, without the sign of a zero; what is not there stays absent.
        ('{minor("0.125", "EUR")}', "12"),
        ('{minor("-0.004", "EUR")}', "0"),
        ("{minor(Money2)}", ""),
        ('{minor("1,000.00", "EUR")}', ""),
        ('{minor(Amount, "")}', ""),
        ('{minor("' + "9" * 30 + "." + "9" * 30 + '", "CLF")}', "1" + "0" * 34),
    ],
)
def test_money_is_written_in_whole_units_of_its_currency(template: str, expected: str) -> None:
    assert written(template) == expected


def test_an_event_from_before_the_partners_currency_was_kept_gives_nothing_by_guess() -> None:
    before = {name: value for name, value in VALUES.items() if name != "PayoutCurrency"}
    assert written("{minor(Payout)}|{minor(Amount)}|{PayoutCurrency}", before) == "|123450|"


def test_it_is_a_bare_number_in_json() -> None:
    assert written('{"a":{minor(Amount)},"b":{minor(Money2)},"c":"{minor(Amount)}"}', place=Place.JSON) == (
        '{"a":123450,"b":null,"c":"123450"}'
    )


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{minor(Text1)}", "minor(…) of what has no currency of its own at column 2"),
        ('{minor("12.50")}', "minor(…) of what has no currency of its own at column 2"),
        ("{minor(default(DeltaPayout, Amount))}", "minor(…) of values in two currencies at column 2"),
        ("{minor()}", "minor with no argument at column 2"),
    ],
)
def test_a_value_without_one_currency_needs_it_named(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(template, Place.TEXT)
    assert message in str(caught.value)


def test_an_unknown_parameter_is_one_mistake() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template("{minor(Amuont)}", Place.TEXT)
    assert "minor(…)" not in str(caught.value)


def test_a_hidden_currency_still_says_how_amounts_are_written() -> None:
    request = compile_template("{minor(Amount)}|{Currency}", Place.TEXT, frozenset({"Currency"}))
    assert request.render(VALUES) == "123450|"


def test_all_money_names_its_currency() -> None:
    currencies = [each.currency for each in PARAMETERS.values() if each.type is ParameterType.MONEY]
    currencies += [each.currency for each in ITEM_ATTRIBUTES.values() if each.type is ParameterType.MONEY]
    assert len(currencies) == 30
    assert set(currencies) == {"Currency", "OriginalCurrency", "PayoutCurrency"} <= PARAMETERS.keys()
    assert written("{PayoutCurrency}", sample_values()) == "USD"
