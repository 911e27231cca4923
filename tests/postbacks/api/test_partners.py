"""Partners and contracts over the management API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from partners.models import ActionTracker, CategoryPayout, Partner
from tests.support.api_calls import ApiCaller
from tests.support.factories import make_contract, make_partner, make_program, make_term, make_tracker

pytestmark = pytest.mark.django_db
PARTNERS, CONTRACTS = "/api/v1/partners", "/api/v1/contracts"


def test_partners_are_listed_and_read(manager: ApiCaller, partner: Partner, tracker: ActionTracker) -> None:
    other = make_partner(currency="EUR")
    assert manager("GET", f"{PARTNERS}/{other.pk}").json() == {"id": other.pk, "name": other.name, "currency": "EUR"}
    first = manager("GET", f"{PARTNERS}?limit=1").json()
    assert [each["id"] for each in first["partners"]] == [partner.pk]
    second = manager("GET", first["next"]).json()
    assert ([each["id"] for each in second["partners"]], second["next"]) == ([other.pk], None)
    found = manager.get(PARTNERS, program=tracker.program_id).json()["partners"]
    assert [each["id"] for each in found] == [partner.pk]


def test_a_contract_is_read_with_its_terms_as_a_file_writes_them(
    manager: ApiCaller, partner: Partner, tracker: ActionTracker
) -> None:
    contract = partner.contracts.get()
    scheduled = make_term(tracker, partner, "2.5", start=date(2026, 12, 1), monthly_payout_limit=Decimal(100))
    CategoryPayout.objects.create(
        contract_term=scheduled, category="Tents", payout_type="percentage", payout=Decimal(3)
    )
    told = manager("GET", f"{CONTRACTS}/{contract.pk}").json()
    assert (told["partner"], told["program"], told["end"]) == (partner.pk, tracker.program_id, None)
    usual, december = told["terms"]
    assert (usual["payout"], usual["start"], usual["category_payouts"]) == ("8%", None, [])
    assert (december["payout"], december["start"], december["monthly_payout_limit"]) == ("2.50", "2026-12-01", "100.00")
    assert december["category_payouts"] == [{"category": "Tents", "payout": "3%"}]


def test_contracts_are_listed_by_partner_and_program(manager: ApiCaller, partner: Partner) -> None:
    other = make_contract(partner, make_program())
    make_contract(make_partner(), other.program)
    found = manager.get(CONTRACTS, partner=partner.pk, program=other.program_id).json()["contracts"]
    assert [each["id"] for each in found] == [other.pk]
    assert len(manager.get(CONTRACTS, partner=partner.pk).json()["contracts"]) == 2


def test_a_bound_token_sees_the_contracts_of_its_program_only(tracker: ActionTracker, partner: Partner) -> None:
    other = make_tracker(make_program())
    make_term(other, partner)  # A contract of the same partner.
    stranger = make_partner()
    make_term(other, stranger)
    call = ApiCaller(tracker.program, scopes=["read"])
    assert [each["id"] for each in call("GET", PARTNERS).json()["partners"]] == [partner.pk]
    assert {each["program"] for each in call("GET", CONTRACTS).json()["contracts"]} == {tracker.program_id}
    assert call.get(PARTNERS, program=other.program_id).json()["partners"] == []
    assert call.get(CONTRACTS, partner=stranger.pk).json()["contracts"] == []
    assert call("GET", f"{PARTNERS}/{stranger.pk}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_partners_and_contracts_are_only_read(manager: ApiCaller, partner: Partner, method: str) -> None:
    for path in (PARTNERS, f"{PARTNERS}/{partner.pk}", CONTRACTS):
        answer = manager(method, path, {})
        assert (answer.status_code, answer.json()["Status"]) == (405, "ERROR")
    assert manager("GET", "/api/v1/nothing").json()["Status"] == "ERROR"
