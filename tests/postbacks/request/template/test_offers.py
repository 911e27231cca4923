"""What the form offers while a template is typed, and the words that find it."""

from __future__ import annotations

import pytest

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS
from postbacks.request.template import Place, compile_template
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.offers import offers, synonyms


@pytest.mark.parametrize(
    ("word", "inserts"),
    [
        ("order id", ["{Oid}"]),
        ("commission", ["{Payout}"]),
        ("coupon", ["{PromoCode}", "{i.promocode}"]),
        ("revenue", ["{Amount}"]),
        ("hash", ["{CustomerEmail}", FUNCTIONS["sha256"].example, FUNCTIONS["md5"].example]),
        ("click id", ["{RefClickId}"]),
        ("affiliate", ["{MediaPartnerId}"]),
        ("items", ['{join(items, i, "sku{i}={i.sku}", "&", "?")}']),
    ],
)
def test_the_words_of_other_networks_find_a_name(word: str, inserts: list[str]) -> None:
    found = [each.insert for each in offers() if word in each.words.split(", ")]
    assert set(inserts) <= set(found)


def test_each_synonym_is_of_something_that_exists() -> None:
    names = {*PARAMETERS, *(f"i.{name}" for name in ITEM_ATTRIBUTES), *(f"{name}()" for name in FUNCTIONS)}
    assert set(synonyms()) <= names
    words = [word for each in synonyms().values() for word in each]
    assert all(word == word.strip().lower() and word and ":" not in word for word in words)


def test_the_seven_lists_of_items_are_offered_with_what_they_give() -> None:
    joins = [each for each in offers() if each.description.endswith("of every item")]
    assert [each.insert.partition('"')[2].partition("{")[0] for each in joins] == [
        *("sku", "cat", "qty", "amt", "cartamt", "rbt", "name"),
    ]
    assert joins[0].example == "?sku1=GH23&sku2=UT66&sku3=RW87"


def test_whatever_is_offered_compiles_where_it_belongs() -> None:
    for each in offers():
        inside = each.insert.startswith("{i.")
        compile_template(f"{{join(items, i, '{each.insert}')}}" if inside else each.insert, Place.TEXT)
