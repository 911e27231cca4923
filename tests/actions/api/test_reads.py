"""What is told of actions, updates, items and submissions: the documented names, and empty texts for what is absent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from actions.api import documented
from actions.api.documented import ACTION, PERSONAL, UPDATE
from actions.api.reading import Reader
from actions.models import Action, ActionEvent, Submission
from actions.recording.maturing import mature
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import make_partner, make_term, make_tracker, record_action, record_change, report_fields

pytestmark = pytest.mark.django_db

REPORTED: dict[str, Any] = {
    "CustomerId": "C-4711",
    "CallerId": "+1 555 0100",
    "IpAddress": "203.0.113.24",
    "CustomerArea": "501",
    "CustomerCity": "São Paulo",
    "ReferringDate": "2026-11-20T09:45:07-07:00",
    "ReferringType": "CLICK_COOKIE",
    "SharedId": "dc|banner",
    "Amount": "100",
}


def xml(response: Any) -> ET.Element:
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
    root = ET.fromstring(response.content)  # noqa: S314 -- our own answer
    assert root.tag == "ImpactRadiusResponse"
    return root


def test_an_action_has_every_documented_field(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner())
    action = record_action(tracker, partner, OrderId="o-1", **REPORTED).action
    shown = call("GET", f"Actions/{action.action_id}").json()
    assert list(ACTION) == [name for name in shown if name in ACTION]
    assert call("GET", "Actions").json()["Actions"] == [shown]
    named = {name: shown[name] for name in ("Id", "Oid", "State", "Payout", "ClientCost", "CustomerId", "CallerId")}
    assert named == {
        "Id": action.action_id,
        "Oid": "o-1",
        "State": "PENDING",
        "Payout": "8.00",
        "ClientCost": "8.00",
        "CustomerId": "C-4711",
        "CallerId": "+1 555 0100",
    }
    assert (shown["CustomerArea"], shown["ReferringType"]) == ("501", "CLICK_COOKIE")
    assert shown["ReferringDate"] == "2026-11-20T09:45:07-07:00"
    assert shown["Uri"] == f"/Advertisers/{call.token.account_sid}/Actions/{action.action_id}"
    assert (shown["ClearedDate"], shown["AdId"], shown["EventCode"]) == ("", "", "")
    assert shown["ClearingDate"] == "2027-01-04T10:00:00+00:00"
    assert call("GET", shown["Uri"].split("/", 3)[3]).json() == shown


def test_an_address_is_a_hash_that_tells_equal_ones(call: Caller, tracker: ActionTracker) -> None:
    for oid, address in (("a", "203.0.113.24"), ("b", "203.0.113.24"), ("c", "203.0.113.25"), ("d", None)):
        record_action(tracker, OrderId=oid, IpAddress=address)
    hashes = {each["Oid"]: each["IpAddress"] for each in call("GET", "Actions").json()["Actions"]}
    assert hashes["a"] == hashes["b"] != hashes["c"]
    assert hashes["d"] == ""
    assert len(bytes.fromhex(hashes["a"])) == 16


def test_without_the_right_personal_values_are_empty(tracker: ActionTracker) -> None:
    event = record_action(tracker, **REPORTED)
    for personal in (True, False):
        reader = Reader("/Advertisers/PPx", personal=personal)
        for shown in (*reader.actions([event.action_id]), *reader.updates([event.pk])):
            filled = {name for name in PERSONAL & shown.keys() if shown[name]}
            assert (filled >= {"CustomerId", "CallerId", "IpAddress", "CustomerArea", "CustomerCity"}) == personal
            assert bool(filled) == personal
            assert shown["Amount"] == "100.00"


@pytest.mark.parametrize("date", ["soon", "1763632958", "2026-13-01"])
def test_a_referring_date_that_is_none_is_left_out(call: Caller, tracker: ActionTracker, date: str) -> None:
    record_action(tracker, ReferringDate=date)
    assert call("GET", "Actions").json()["Actions"][0]["ReferringDate"] == ""


def test_a_cleared_action_says_when(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner(), lock_after_days=0, clear_after_days=0)
    action = record_action(tracker, partner, EventDate="2026-10-01T00:00:00Z").action
    assert mature(5) == 2
    action.refresh_from_db()
    assert action.cleared_at
    shown = call("GET", f"Actions/{action.action_id}").json()
    assert shown["State"] == "APPROVED"
    assert shown["ClearedDate"] == action.cleared_at.replace(microsecond=0).isoformat()


def test_an_update_has_every_documented_field(call: Caller, tracker: ActionTracker) -> None:
    item: dict[str, Any] = {"ItemSku1": "GH23", "ItemCategory1": "Watches", "ItemQuantity1": "3", "ItemSubTotal1": "30"}
    event = record_action(tracker, OrderId="o-1", CustomerId="C-4711", **item)
    changed = record_change(event, "modified", ItemSku1="GH23", ItemSubTotal1="20", Reason="ITEM_RETURNED")
    ActionEvent.objects.update(recorded_at=timezone.now() - timedelta(seconds=11))
    first, second = call("GET", "ActionUpdates").json()["ActionUpdates"]
    account, action_id = f"/Advertisers/{call.token.account_sid}", event.action.action_id
    assert list(UPDATE) == [name for name in second if name in UPDATE]
    expected = {
        "Id": f"{action_id}.2",
        "ActionId": action_id,
        "EventTypeId": str(tracker.pk),
        "EventTypeName": "Online Sale",
        "UpdateType": "MODIFIED",
        "State": "PENDING",
        "StateDetail": "ITEM_RETURNED",
        "StateDetailDescription": "Item returned",
        "Disposition": "ITEM_RETURNED",
        "DeltaAmount": "-10.00",
        "Sku": "GH23",
        "Category": "Watches",
        "Quantity": "3",
        "ActionDate": "2026-11-20T10:00:00+00:00",
        "ClearingDate": "2027-01-04T10:00:00+00:00",
        "CustomerId": "C-4711",
        "Oid": "o-1",
        "ActionUri": f"{account}/Actions/{action_id}",
        "Uri": f"{account}/ActionUpdates/{action_id}.2",
    }
    assert {name: second[name] for name in expected} == expected
    assert [each["sku"] for each in second["Items"]] == ["GH23"]
    assert (first["Id"], first["StateDetail"], first["Disposition"]) == (f"{action_id}.1", "", "")
    assert call("GET", second["Uri"].split("/", 3)[3]).json() == second
    assert changed.number == 2


def test_an_update_of_several_items_names_none(call: Caller, tracker: ActionTracker) -> None:
    event = record_action(tracker, ItemSku1="A", ItemSubTotal1="1", ItemSku2="B", ItemSubTotal2="1")
    shown = call("GET", f"ActionUpdates/{event.action.action_id}.1").json()
    assert (shown["Sku"], shown["Category"], shown["Quantity"], len(shown["Items"])) == ("", "", "", 2)


def test_locking_is_no_update(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner(), lock_after_days=0)
    action = record_action(tracker, partner, EventDate="2026-10-01T00:00:00Z").action
    assert mature(5)
    action_id = action.action_id
    assert call("GET", f"ActionUpdates/{action_id}.1").status_code == 200
    for missing in (
        f"{action_id}.2",
        f"{action_id}.9",
        action_id,
        f"{action_id}.",
        "1.2.3.1",
        f"{action_id}.{'9' * 30}",
    ):
        assert call("GET", f"ActionUpdates/{missing}").status_code == 404, missing


def test_the_items_of_an_action_are_read_as_they_are_now(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner())
    event = record_action(
        tracker, partner, ItemSku1="A", ItemName1="Tent", ItemSubTotal1="30", ItemTotalDiscount1="2", ItemSku2="B",
        ItemSubTotal2="5",
    )  # fmt: skip
    record_change(event, "modified", ItemSku1="B", ItemSubTotal1="4", ItemQuantity1="2")
    page = call("GET", f"Actions/{event.action.action_id}/Items").json()
    assert page["@total"] == "2"
    tent, other = page["ActionItems"]
    expected = {"Sku": "A", "ItemName": "Tent", "Quantity": "1", "SaleAmount": "28.00", "Rebate": "2.00"}
    assert {name: tent[name] for name in expected} == expected
    assert (other["Sku"], other["Quantity"], other["SaleAmount"], other["Rebate"]) == ("B", "2", "4.00", "")
    assert (tent["SaleAmountCurrency"], tent["RebateCurrency"], other["PayoutCurrency"]) == ("USD", "USD", "USD")
    assert call("GET", "Actions/1.2.3/Items").status_code == 404


def test_a_submission_tells_what_it_was_about(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner())
    told = call.submission(call.form("POST", "Conversions", **report_fields(tracker, partner, OrderId="o-1")))
    expected = {
        "BatchId": told["Id"],
        "AccountId": "1",
        "CampaignId": str(tracker.program_id),
        "ActionTrackerId": str(tracker.pk),
        "MediaPartnerId": str(partner.pk),
        "OrderId": "o-1",
        "Type": "Conversion",
        "Status": "Complete",
        "ErrorType": "",
        "Payload": "",
        "Uri": f"/Advertisers/{call.token.account_sid}/APISubmissions/{told['Id']}",
    }
    assert {name: told[name] for name in expected} == expected
    assert told["SubmissionDate"] <= told["CompletionDate"]


def test_a_refused_submission_shows_what_was_reported(call: Caller, tracker: ActionTracker) -> None:
    fields = report_fields(tracker, oid="o-1", CampaignId=999_999, CustomerCity="São Paulo", OrderId=None)
    told = call.submission(call.json("POST", "Conversions", **fields))
    assert (told["ErrorType"], told["ErrorReason"]) == ("Validation", "CAMPAIGN_NOT_FOUND")
    assert (told["CampaignId"], told["OrderId"]) == ("999999", "o-1")
    payload = parse_qs(told["Payload"])
    assert (payload["CustomerCity"], payload["OrderId"]) == (["São Paulo"], ["o-1"])


def test_an_action_that_no_contract_pays_for_is_a_contract_error(call: Caller, tracker: ActionTracker) -> None:
    told = call.submission(call.form("POST", "Conversions", **report_fields(tracker, make_partner())))
    assert (told["Result"], told["ErrorType"], told["ErrorReason"]) == (
        "recorded",
        "Contract Error",
        "CONTRACT_NOT_FOUND",
    )


def test_a_change_is_a_modification(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner())
    call.form("POST", "Conversions", **report_fields(tracker, partner, OrderId="o-1", Amount="1"))
    told = call.submission(call.form("PUT", "Actions", ActionTrackerId=tracker.pk, OrderId="o-1", Amount="2"))
    assert (told["Type"], told["ErrorType"]) == ("Modification", "")


def test_submissions_are_listed_the_newest_first(call: Caller, tracker: ActionTracker) -> None:
    for number in range(3):
        call.form("POST", "Conversions", **report_fields(tracker, OrderId=f"o-{number}"))
    call("DELETE", "Actions?ActionId=1.2.3&DispositionCode=OTHER")
    page = call("GET", "APISubmissions?PageSize=3").json()
    assert [each["Type"] for each in page["APISubmission"]] == ["Reversal", "Conversion", "Conversion"]
    rest = call("GET", page["@nextpageuri"].split("/", 3)[3]).json()
    assert [each["OrderId"] for each in rest["APISubmission"]] == ["o-0"]
    assert Submission.objects.count() == int(page["@total"]) == 4


def test_a_batch_in_progress_is_not_complete(call: Caller) -> None:
    running = Submission.objects.create(kind=Submission.Kind.BATCH, result=Submission.Result.RUNNING)
    told = call("GET", f"APISubmissions/{running.public_id}").json()
    assert (told["Type"], told["Status"], told["CompletionDate"], told["OrderId"]) == ("Batch", "In Progress", "", "")


def test_xml_has_the_elements_and_attributes_that_are_documented(call: Caller, tracker: ActionTracker) -> None:
    note = 'a < b & "c" ]]> é\r\n\x0b'
    event = record_action(tracker, Note=note, ItemSku1="A", ItemSubTotal1="1", ItemSku2="B", ItemSubTotal2="1")
    record_action(tracker)
    ActionEvent.objects.update(recorded_at=timezone.now() - timedelta(seconds=11))
    call.form("POST", "Conversions", **report_fields(tracker))
    for path, several, one, entries in (
        ("Actions", "Actions", "Action", "3"),
        ("ActionUpdates", "ActionUpdates", "ActionUpdate", "2"),
        ("APISubmissions", "APISubmissions", "APISubmission", "1"),
        ("Campaigns", "Campaigns", "Campaign", "1"),
        ("MediaPartners", "MediaPartners", "MediaPartner", "0"),
        (f"Campaigns/{tracker.program_id}/Contracts", "Contracts", "Contract", "0"),
        (f"Actions/{event.action.action_id}/Items", "ActionItems", "ActionItem", "2"),
    ):
        root = xml(call("GET", f"{path}?PageSize=5", accept="application/xml"))
        page = root.find(several)
        assert page is not None, path
        assert root.attrib == {}
        assert len(root.findall(f"{several}/{one}")) == int(entries) == len(page), path
        assert (page.attrib["page"], page.attrib["total"], page.attrib["nextpageuri"]) == ("1", entries, "")
        assert page.attrib["uri"].endswith(f"{path}?PageSize=5")
        assert root.find("NextPageUri") is not None
    shown = xml(call("GET", f"Actions/{event.action.action_id}", accept="application/xml"))
    assert shown.findtext("Action/Note") == note.replace("\x0b", "\N{REPLACEMENT CHARACTER}")
    assert [each.text for each in shown.findall("Action/Items/Item/sku")] == ["A", "B"]
    assert xml(call("GET", "CompanyInformation", accept="*/*")).findtext("CompanyInformation/CompanyName") == "Summit"
    one = f"APISubmissions/{Submission.objects.get().public_id}"
    assert xml(call("GET", one, accept="")).find("APISubmission") is not None


def test_an_event_type_may_have_a_code(call: Caller, tracker: ActionTracker) -> None:
    ActionTracker.objects.filter(pk=tracker.pk).update(code="SALE")
    app = make_tracker(in_app_events=["INSTALL"])
    record_action(tracker, OrderId="web")
    record_action(app, OrderId="app", EventCode="INSTALL")
    codes = {each["Oid"]: each["EventCode"] for each in call("GET", "Actions").json()["Actions"]}
    assert codes == {"web": "SALE", "app": "INSTALL"}


def test_the_document_describes_every_field_and_filter() -> None:
    document = Client().get("/api/openapi.json").json()
    shapes = document["components"]["schemas"]
    for name in ("Action", "ActionUpdate", "ActionItem", "APISubmission", "Campaign", "MediaPartner", "Contract"):
        for field, described in shapes[name]["properties"].items():
            assert described.get("description") or described.get("examples") or {"items", "$ref"} & described.keys(), (
                name,
                field,
            )
    for path, operations in document["paths"].items():
        operation = operations.get("get")
        if operation is None or not path.startswith("/Advertisers/"):
            continue
        assert "401" in operation["responses"]
        if "501" in operation["responses"]:
            continue
        asked = {each["name"]: each for each in operation["parameters"] if each["in"] == "query"}
        assert "IrVersion" in asked, path
        assert all(each["description"] for each in asked.values())
    pages = {name for name, shape in shapes.items() if "@numpages" in shape["properties"]}
    assert pages == {
        *("Actions", "ActionUpdates", "ActionItems", "APISubmissions", "Campaigns", "MediaPartners", "Contracts")
    }
    assert set(documented.ENVELOPE) <= shapes["Actions"]["properties"].keys()


def test_an_action_without_events_is_not_shown(tracker: ActionTracker) -> None:
    action = record_action(tracker).action
    ActionEvent.objects.all().delete()
    assert list(Reader("/Advertisers/PPx", personal=True).actions([action.pk, 10**12])) == []
    assert Action.objects.count() == 1
