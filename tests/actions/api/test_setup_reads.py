"""The account, its programs, partners and contracts as readers find them, and what is not offered."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from partners.models import CategoryPayout, Pays
from tests.support.api import Caller
from tests.support.factories import make_contract, make_partner, make_program, make_term, make_tracker

pytestmark = pytest.mark.django_db

PAST, FUTURE = date(2020, 1, 1), date(2099, 1, 1)


def names(call: Caller, path: str, key: str, name: str = "Name") -> list[str]:
    response = call("GET", path)
    assert response.status_code == 200, response.content
    return [each[name] for each in response.json()[key]]


def test_the_account_is_its_programs(call: Caller) -> None:
    assert call("GET", "CompanyInformation").json()["CompanyName"] == "Partner Postbacks"
    make_program(name="Summit")
    company = call("GET", "CompanyInformation").json()
    assert (company["CompanyName"], company["Currency"]) == ("Summit", "USD")
    assert company["Uri"] == f"/Advertisers/{call.token.account_sid}/CompanyInformation"
    assert call("GET", "CompanyInformation?PageSize=20000").json() == company  # As one of the readers asks.
    make_program(name="Harbor", currency="EUR")
    company = call("GET", "CompanyInformation").json()
    assert (company["CompanyName"], company["Currency"]) == ("Summit, Harbor", "")


def test_programs_are_listed_and_found(call: Caller) -> None:
    first, second = make_program(name="Summit"), make_program(name="Harbor")
    assert names(call, "Campaigns", "Campaigns") == ["Summit", "Harbor"]
    assert names(call, "Campaigns?PageSize=1&Page=2", "Campaigns") == ["Harbor"]
    assert names(call, "Campaigns?Name=RBO&State=active", "Campaigns") == ["Harbor"]
    shown = call("GET", f"Campaigns/{second.pk}").json()
    assert shown == call("GET", "Campaigns").json()["Campaigns"][1]
    assert (shown["Id"], shown["State"], shown["Currency"]) == (str(second.pk), "ACTIVE", "USD")
    assert shown["Uri"] == f"/Advertisers/{call.token.account_sid}/Campaigns/{second.pk}"
    for missing in (first.pk + 1000, "x", "1.0", "%00", "9" * 40):
        for below in ("", "/Contracts", "/Contracts/1"):
            assert call("GET", f"Campaigns/{missing}{below}").status_code == 404


def test_partners_are_listed_and_found(call: Caller) -> None:
    program, other = make_program(name="Summit"), make_program()
    related, former, stranger = (make_partner(name=name) for name in ("Related", "Former", "Stranger"))
    contract = make_contract(related, program)
    make_contract(former, other, end=PAST)
    assert names(call, "MediaPartners", "MediaPartners") == ["Related", "Former", "Stranger"]
    assert names(call, f"MediaPartners?CampaignId={program.pk}", "MediaPartners") == ["Related"]
    assert names(call, f"MediaPartners?Id={former.pk},{stranger.pk}", "MediaPartners") == ["Former", "Stranger"]
    assert names(call, "MediaPartners?RelationshipState=ACTIVE", "MediaPartners") == ["Related"]
    assert names(call, "MediaPartners?relationshipstate=inactive", "MediaPartners") == ["Former", "Stranger"]
    assert names(call, "MediaPartners", "MediaPartners", "RelationshipState") == ["ACTIVE", "INACTIVE", "INACTIVE"]
    shown = call("GET", f"MediaPartners/{related.pk}").json()
    assert shown["Campaigns"] == [
        {
            "Id": str(program.pk),
            "Name": "Summit",
            "ContractId": str(contract.pk),
            "JoinDate": "2020-01-01T00:00:00+00:00",
            "ExpirationDate": "",
        }
    ]
    assert call("GET", "MediaPartners/999999").status_code == 404


@pytest.mark.parametrize(
    ("version", "key"), [("14", "Partners"), ("15", "Partners"), ("13", "MediaPartners"), ("x", "MediaPartners")]
)
def test_partners_have_the_name_of_the_version_that_is_asked_for(call: Caller, version: str, key: str) -> None:
    make_partner(name="Compass")
    listed: Any = call("GET", "MediaPartners", **{"IR-Version": version}).json()[key]
    assert [each["Name"] for each in listed] == ["Compass"]
    if version != "x":
        assert call("GET", f"MediaPartners?IrVersion={version}").json()[key] == listed


def test_contracts_are_listed_with_what_they_pay(call: Caller) -> None:
    tracker = make_tracker(name="Online Sale")
    partner = make_partner(name="Compass", currency="EUR")
    term = make_term(tracker, partner, "8%", monthly_action_limit=10)
    CategoryPayout.objects.create(
        contract_term=term, category="Watches", payout_type=Pays.PayoutType.FLAT, payout=Decimal("0.50")
    )
    make_term(tracker, partner, "9.5%", start=FUTURE)
    (shown,) = call("GET", f"Campaigns/{tracker.program_id}/Contracts").json()["Contracts"]
    assert (shown["Status"], shown["PartnerId"], shown["EndDate"]) == ("ACTIVE", str(partner.pk), "")
    assert shown["TemplateTerms"]["Currency"] == "EUR"
    (payout,) = shown["TemplateTerms"]["EventPayouts"]
    expected = {
        "EventTypeId": str(tracker.pk),
        "EventTypeName": "Online Sale",
        "PayoutLevel": "ITEM",
        "DefaultPayout": "",
        "DefaultPayoutRate": "8",
        "MonthlyActionLimit": "10",
        "MonthlyPayoutLimit": "",
    }
    assert {name: payout[name] for name in expected} == expected
    (group,) = payout["PayoutGroups"]
    assert (group["Payout"], group["PayoutRate"], group["Rules"][0]["Values"]) == ("0.5", "", ["Watches"])
    (scheduled,) = shown["ScheduledTerms"]
    assert (scheduled["Status"], scheduled["StartDate"]) == ("UPCOMING", "2099-01-01T00:00:00+00:00")
    assert scheduled["EventPayouts"][0]["DefaultPayoutRate"] == "9.5"
    assert call("GET", shown["Uri"].split("/", 3)[3]).json() == shown


def test_contracts_are_found_by_partner_and_status(call: Caller) -> None:
    program, partner, other = make_program(), make_partner(), make_partner()
    over = make_contract(partner, program, end=PAST)
    now = make_contract(other, program)
    coming = make_contract(partner, program, start=FUTURE)
    path = f"Campaigns/{program.pk}/Contracts"
    for query, found in (
        ("", [now]),
        ("?Status=ACTIVE", [now]),
        ("?Status=EXPIRED", [over]),
        ("?status=upcoming", [coming]),
        (f"?PartnerId={partner.pk}", []),
        (f"?MediaPartnerId={other.pk}", [now]),
    ):
        assert names(call, path + query, "Contracts", "Id") == [str(each.pk) for each in found], query
    elsewhere = make_program()
    assert call("GET", f"Campaigns/{elsewhere.pk}/Contracts/{now.pk}").status_code == 404
    assert call("GET", f"Campaigns/{elsewhere.pk}/Contracts").json()["Contracts"] == []


@pytest.mark.parametrize(
    "path", ["Reports", "Reports/x/MetaData", "ReportExport/adv_action", "Invoices", "Invoices/7?Page=1"]
)
def test_what_is_not_offered_says_so(call: Caller, path: str) -> None:
    response = call("GET", path)
    assert response.status_code == 501
    content = response.json()
    assert content["Status"] == "ERROR"
    assert content["Message"].startswith(f"{path.split('/', maxsplit=1)[0]} are not offered; ")
    assert content["Message"].count(".") == 1
