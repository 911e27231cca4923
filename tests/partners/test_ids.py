"""Ids as texts: what is one, and that nothing else reaches the database."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from partners.ids import MAX_ID, read_id, row_of
from partners.models import Partner
from tests.support.factories import make_partner


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), (str(MAX_ID), MAX_ID)])
def test_digits_within_what_the_database_holds_are_an_id(text: str, number: int) -> None:
    assert read_id(text) == number


@pytest.mark.parametrize("text", ["", " 1", "-1", "+1", "1.0", "1e3", "1_0", "\xb2", str(MAX_ID + 1), "9" * 5_000])
def test_anything_else_is_none(text: str) -> None:
    assert read_id(text) is None


@pytest.mark.django_db
def test_a_row_is_found_by_its_id_and_nothing_is_asked_for_what_is_none(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    partner = make_partner()
    with django_assert_num_queries(2):
        assert row_of(Partner.objects.all(), str(partner.pk)) == partner
        assert row_of(Partner.objects.all(), str(MAX_ID)) is None
        assert row_of(Partner.objects.all(), f"{partner.pk} ") is None
