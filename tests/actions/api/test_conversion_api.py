"""The conversion API: the documented requests, each refusal, both forms and both answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone

from actions.api.tokens import create_token, find_token, revoke
from actions.models import Action, ActionEvent, ApiToken, BatchPart, Submission
from partners.models import ActionTracker
from postbacks.models import Delivery
from tests.support.api import FORM, Caller, lines, results
from tests.support.factories import (
    make_partner,
    make_postback,
    make_program,
    make_rate,
    make_term,
    report_fields,
)

pytestmark = pytest.mark.django_db


def test_a_conversion_by_form_is_recorded_paid_and_sent(call: Caller, tracker: ActionTracker) -> None:
    partner = make_partner()
    make_term(tracker, partner)
    make_postback(tracker, partner)
    fields = report_fields(tracker, partner)
    told = call.submission(
        call.form("POST", "Conversions", **fields, ItemSku1="A-1", ItemSubTotal1="40", ItemQuantity1=2)
    )
    action = Action.objects.get()
    assert told["Result"] == "recorded"
    assert told["ActionId"] == action.action_id
    assert (told["Status"], told["ErrorType"], told["ErrorReason"]) == ("Complete", "", "")
    assert action.partner == partner
    assert Delivery.objects.count() == 1
    assert Submission.objects.get().fields == {}  # What was recorded is with the action.


def test_the_answer_is_xml_unless_json_is_asked_for(call: Caller, tracker: ActionTracker) -> None:
    response = call("POST", "Conversions", json.dumps(report_fields(tracker)), form="application/json", accept="*/*")
    assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
    root = ET.fromstring(response.content)  # noqa: S314 -- our own answer
    assert root.tag == "ImpactRadiusResponse"
    assert root.findtext("Status") == "QUEUED"
    submission = call("GET", root.findtext("QueuedUri", "").split("/", 3)[3], accept="application/xml")
    assert ET.fromstring(submission.content).findtext("APISubmission/Result") == "recorded"  # noqa: S314


def test_items_come_as_a_list_too(call: Caller, tracker: ActionTracker) -> None:
    fields = report_fields(tracker) | {"Items": [{"Sku": "A", "SubTotal": "10.50"}, {"Sku": "B", "SubTotal": "2"}]}
    call.submission(call.json("POST", "Conversions", **fields))
    assert list(Action.objects.get().items.values_list("sku", flat=True)) == ["A", "B"]


def test_an_unknown_field_is_kept_and_named(call: Caller, tracker: ActionTracker) -> None:
    told = call.submission(call.json("POST", "Conversions", **report_fields(tracker), CouponColor="red"))
    assert told["Result"] == "recorded"
    assert any("CouponColor" in note for note in told["Notes"])
    assert Action.objects.get().reported["CouponColor"] == "red"


def test_an_action_is_changed_reversed_and_restored(call: Caller, tracker: ActionTracker) -> None:
    call.form("POST", "Conversions", **report_fields(tracker), Amount="100")
    action = Action.objects.get()
    assert (
        call.submission(call.form("PUT", "Actions", ActionId=action.action_id, Amount="80", Reason="ITEM_RETURNED"))[
            "Result"
        ]
        == "recorded"
    )
    assert (
        call.submission(call("DELETE", f"Actions?ActionId={action.action_id}&DispositionCode=CONS_FRAUD"))["Result"]
        == "recorded"
    )
    assert (
        call.submission(call.form("PUT", "Actions", ActionId=action.action_id, Event="restored"))["Result"]
        == "recorded"
    )
    kinds = ActionEvent.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["created", "modified", "reversed", "restored"]
    shown = call("GET", f"Actions/{action.action_id}").json()
    assert (shown["Id"], shown["State"], shown["Amount"]) == (action.action_id, "PENDING", "80.00")
    updates = call("GET", f"ActionUpdates?ActionId={action.action_id}").json()["ActionUpdates"]
    assert [(each["UpdateType"], each["DeltaAmount"]) for each in updates] == [
        ("CREATED", "100.00"),
        ("MODIFIED", "-20.00"),
        ("REVERSED", "-80.00"),
        ("RESTORED", "80.00"),
    ]


def test_a_repeat_changes_nothing_and_says_so(call: Caller, tracker: ActionTracker) -> None:
    fields = report_fields(tracker)
    call.form("POST", "Conversions", **fields)
    told = call.submission(call.form("POST", "Conversions", **fields))
    assert (told["Result"], told["ErrorType"], told["ErrorReason"]) == ("repeated", "Validation", "CONV_DUPLICATE")
    assert ActionEvent.objects.count() == 1


def no_campaign(fields: dict[str, Any]) -> None:
    fields["CampaignId"] = 999_999


def no_tracker(fields: dict[str, Any]) -> None:
    fields["ActionTrackerId"] = 999_999


def other_program(fields: dict[str, Any]) -> None:
    fields["CampaignId"] = make_program().pk


def no_rate(fields: dict[str, Any]) -> None:
    fields |= {"CurrencyCode": "JPY", "Amount": "100"}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (no_campaign, "CAMPAIGN_NOT_FOUND"),
        (no_tracker, "ACTIONTRACKER_NOT_FOUND"),
        (other_program, "ACTIONTRACKER_CAMPAIGN_MISMATCH"),
        (no_rate, "EXCHANGE_RATE_NOT_FOUND"),
    ],
)
def test_what_the_data_does_not_allow_is_queued_and_rejected(
    call: Caller, tracker: ActionTracker, spoil: Callable[[dict[str, Any]], None], code: str
) -> None:
    fields = report_fields(tracker)
    spoil(fields)
    told = call.submission(call.form("POST", "Conversions", **fields))
    assert (told["Result"], told["ErrorType"], told["ErrorReason"]) == ("rejected", "Validation", code)
    assert told["Message"]
    assert not Action.objects.exists()


def test_a_partner_that_holds_no_contract_is_recorded_with_the_reason(call: Caller, tracker: ActionTracker) -> None:
    told = call.submission(call.form("POST", "Conversions", **report_fields(tracker, make_partner())))
    assert (told["Result"], told["ErrorReason"]) == ("recorded", "CONTRACT_NOT_FOUND")


@pytest.mark.parametrize(
    ("request_line", "fields", "refusal"),
    [
        ("POST Conversions", {"OrderId": ""}, ("OID_MISSING", "OrderId")),
        ("POST Conversions", {"EventDate": "yesterday"}, ("MALFORMED", "EventDate")),
        ("POST Conversions", {"Event": "reversed", "ActionId": "1.2.3"}, ("MALFORMED", "Event")),
        ("PUT Actions", {}, ("MALFORMED", "")),
        ("DELETE Actions", {"ActionId": "12"}, ("MALFORMED", "ActionId")),
    ],
)
def test_a_wrong_request_is_told_at_once_and_kept(
    call: Caller, tracker: ActionTracker, request_line: str, fields: dict[str, Any], refusal: tuple[str, str]
) -> None:
    method, path = request_line.split()
    code, field = refusal
    sent = {**report_fields(tracker), **fields} if method == "POST" else fields
    response = call.json(method, path, **sent)
    assert response.status_code == 400
    content = response.json()
    assert content["Status"] == "ERROR"
    assert content["errors"] == [{"field": field, "level": "ERROR", "message": content["Message"], "code": code}]
    assert Submission.objects.get().reason_code == code


@pytest.mark.parametrize("path", ["Conversions", "Actions"])
def test_a_body_that_cannot_be_read_is_refused(call: Caller, path: str) -> None:
    method = "POST" if path == "Conversions" else "PUT"
    for body, form in (
        ("{", "application/json"),
        ("[]", "application/json"),
        (b"OrderId=\xff", FORM),
        ("OrderId=1&OrderId=2", FORM),
        ("<a/>", "text/xml"),
    ):
        response = call(method, path, body, form=form)
        assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "MALFORMED"), body
    assert call(method, path, "a=" + "x" * 1024 * 1024).status_code == 413


def test_a_change_of_an_action_that_is_not_there_is_rejected(call: Caller) -> None:
    told = call.submission(call.form("PUT", "Actions", ActionId="1.2.3", Amount="1"))
    assert (told["Result"], told["ErrorReason"]) == ("rejected", "ACTION_NOT_FOUND")


def test_a_rejected_one_is_processed_again_once_the_cause_is_mended(
    call: Caller, tracker: ActionTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    before = timezone.now()
    fields = {**report_fields(tracker), "CurrencyCode": "JPY", "Amount": "100", "EventDate": "NOW"}
    told = call.submission(call.json("POST", "Conversions", **fields))
    received = Submission.objects.get().received_at
    make_rate("JPY", tracker.program.currency, "0.5")
    call_command("process_submissions", told["Id"])
    assert capsys.readouterr().out.strip() == "1 recorded or repeated, 0 refused again."
    action = Action.objects.get()
    assert str(action.amount) == "50.00"
    assert before.replace(microsecond=0) <= action.event_date <= received  # NOW is when it came first.
    submission = Submission.objects.get()
    assert (submission.result, submission.fields) == ("recorded", {})


def test_without_a_token_in_force_nothing_is_told(call: Caller) -> None:
    plain = Client()
    path = f"/Advertisers/{call.token.account_sid}/Actions"
    for response in (plain.get(path), plain.get(path, headers={"Authorization": "Basic eDp5"})):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic")
    assert call("GET", "Actions").status_code == 200
    assert ApiToken.objects.get().last_used_at is not None
    revoke(call.token)
    assert call("GET", "Actions").status_code == 401


def test_a_token_is_kept_by_its_hash_only(call: Caller) -> None:
    assert call.text not in json.dumps(list(ApiToken.objects.values()), default=str)
    another, _ = create_token("warehouse")
    assert another.account_sid == call.token.account_sid


def test_another_accounts_address_is_refused(call: Caller) -> None:
    basic = base64.b64encode(f"{call.token.account_sid}:{call.text}".encode()).decode()
    response = Client().get("/Advertisers/PPother/Actions", headers={"Authorization": f"Basic {basic}"})
    assert response.status_code == 401


def test_addresses_and_methods_that_are_not_there_answer_in_the_same_shape(call: Caller) -> None:
    for response, status in (
        (call("GET", "Nothing"), 404),
        (call("PATCH", "Actions"), 405),
        (call("GET", "Conversions"), 405),
        (call("GET", "Actions/1.2.3"), 404),
        (call("GET", "Actions/nonsense"), 404),
        (call("GET", "APISubmissions/A-99999999999999999999999"), 404),
        (call("GET", "Actions?PageSize=0"), 400),
        (call("GET", "Actions?StartDate=soon"), 400),
    ):
        assert response.status_code == status
        assert response.json()["Status"] == "ERROR"
        assert response.json()["errors"][0]["message"]


@override_settings(API_REQUESTS_PER_SECOND=3)
def test_a_token_that_asks_too_often_is_told_when_to_go_on(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.api.rate.time.time", lambda: 1_800_000_000.0 + call.token.pk)
    answers = [call("GET", "Actions") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"3"}
    assert answers[3].headers["X-RateLimit-Reset"] == "1"


def test_actions_are_listed_by_pages_and_filters(call: Caller, tracker: ActionTracker) -> None:
    for number in range(5):
        call.form("POST", "Conversions", **{**report_fields(tracker), "OrderId": f"o-{number}"})
    seen, path = [], "Actions?PageSize=2&State=PENDING"
    while path:
        page = call("GET", path).json()
        seen += [each["Oid"] for each in page["Actions"]]
        path = page["NextPageUri"].partition(f"/{call.token.account_sid}/")[2]
    assert seen == ["o-4", "o-3", "o-2", "o-1", "o-0"]
    assert [each["Oid"] for each in call("GET", "Actions?OrderId=o-3").json()["Actions"]] == ["o-3"]
    assert call("GET", "Actions?State=REVERSED").json()["Actions"] == []


def test_updates_are_read_on_from_the_last_one(call: Caller, tracker: ActionTracker) -> None:
    call.form("POST", "Conversions", **report_fields(tracker))
    page = call("GET", "ActionUpdates").json()
    assert page["ActionUpdates"] == []  # What is still being recorded beside it may have a lower id.
    ActionEvent.objects.update(recorded_at=timezone.now() - timedelta(seconds=11))
    page = call("GET", page["NextPageUri"].partition(f"/{call.token.account_sid}/")[2]).json()
    assert [each["UpdateType"] for each in page["ActionUpdates"]] == ["CREATED"]
    assert call("GET", page["NextPageUri"].partition(f"/{call.token.account_sid}/")[2]).json()["ActionUpdates"] == []


def batch(call: Caller, body: str, **headers: str) -> Any:
    return call("POST", "Conversions/Batch", body, form="application/x-ndjson", **headers)


def test_a_batch_answers_each_line(call: Caller, tracker: ActionTracker) -> None:
    first = {**report_fields(tracker), "OrderId": "o-1", "Amount": "10"}
    change = {"Event": "modified", "ActionTrackerId": tracker.pk, "OrderId": "o-1", "Amount": "7"}
    response = batch(call, lines(first, first, change, {**first, "OrderId": "o-2", "CampaignId": 9}) + "nonsense\n\n")
    told = results(response)
    assert [(each["Line"], each["Result"]) for each in told] == [
        (1, "recorded"),
        (2, "repeated"),
        (3, "recorded"),
        (4, "rejected"),
        (5, "rejected"),
    ]
    assert told[3]["ErrorReason"] == "CAMPAIGN_NOT_FOUND"
    assert call("GET", f"APISubmissions/{told[3]['Submission']}").json()["Result"] == "rejected"
    whole = call("GET", response.headers["Content-Location"].split("/", 3)[3]).json()
    assert (whole["Result"], whole["Recorded"], whole["Repeated"], whole["Rejected"]) == ("complete", 2, 1, 2)
    assert str(Action.objects.get().amount) == "7.00"


def test_a_batch_with_a_key_is_recorded_once(call: Caller, tracker: ActionTracker) -> None:
    change = {
        "Event": "modified",
        "ActionTrackerId": tracker.pk,
        "OrderId": "o-0",
        "ItemSku1": "A",
        "ItemSubTotalDelta1": "-1",
    }
    created = [
        {**report_fields(tracker), "OrderId": f"o-{n}", "ItemSku1": "A", "ItemSubTotal1": "10"} for n in range(600)
    ]
    body = lines(*created, change)
    first = results(batch(call, body, **{"Idempotency-Key": "monday"}))
    assert results(batch(call, body, **{"Idempotency-Key": "monday"})) == first
    assert (len(first), Action.objects.count(), ActionEvent.objects.count()) == (601, 600, 601)
    # One that broke off after its first part does the rest.
    BatchPart.objects.filter(number=1).delete()
    again = results(batch(call, body, **{"Idempotency-Key": "monday"}))
    assert [each["Result"] for each in again[500:-1]] == ["repeated"] * 100
    other = batch(call, body + body, **{"Idempotency-Key": "monday"})
    assert other.status_code == 422
    assert "another body" in other.json()["Message"]


def test_a_batch_that_is_too_large_records_nothing(call: Caller, tracker: ActionTracker) -> None:
    line = lines(report_fields(tracker))
    assert batch(call, line * 10_001).status_code == 413
    assert batch(call, line + '{"OrderId": "' + "x" * 1024 * 1024).status_code == 413
    assert call("POST", "Conversions/Batch", line, form="text/csv").status_code == 415
    assert batch(call, line, **{"Idempotency-Key": "x" * 256}).status_code == 400
    assert not Action.objects.exists()


def test_the_document_and_its_page_come_without_a_network() -> None:
    document = Client().get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        f"/Advertisers/{{account_sid}}/{path}"
        for path in (
            "Conversions",
            "Conversions/Batch",
            "Actions",
            "Actions/{action_id}",
            "Actions/{action_id}/Items",
            "ActionUpdates",
            "ActionUpdates/{update_id}",
            "APISubmissions",
            "APISubmissions/{submission_id}",
            "CompanyInformation",
            "Campaigns",
            "Campaigns/{campaign_id}",
            "Campaigns/{campaign_id}/Contracts",
            "Campaigns/{campaign_id}/Contracts/{contract_id}",
            "MediaPartners",
            "MediaPartners/{partner_id}",
            *(f"{name}{below}" for name in ("Reports", "ReportExport", "Invoices") for below in ("", "/{rest}")),
        )
    }
    page = Client().get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "//cdn" not in page
    assert "https://" not in page


def test_an_administrator_makes_a_token_that_is_shown_once_and_revokes_it(admin_client: Client) -> None:
    page = admin_client.post("/admin/actions/apitoken/add/", {"name": "shop"}, follow=True)
    token = ApiToken.objects.get()
    found = re.search(r"<code>([\w-]{43})</code>", page.content.decode())
    assert found
    text = found[1]
    assert find_token(token.account_sid, text) == token
    for path in ("/admin/actions/apitoken/", f"/admin/actions/apitoken/{token.pk}/change/"):
        assert text not in admin_client.get(path).content.decode()
    chosen = {"action": "revoke_tokens", "_selected_action": [token.pk]}
    admin_client.post("/admin/actions/apitoken/", chosen)
    assert find_token(token.account_sid, text) is None


def test_an_operator_processes_a_refused_submission_again(
    admin_client: Client, call: Caller, tracker: ActionTracker
) -> None:
    refused = {**report_fields(tracker), "CurrencyCode": "JPY", "Amount": "100"}
    call.submission(call.json("POST", "Conversions", **refused))
    submission = Submission.objects.get()
    chosen = {"action": "process_refused", "_selected_action": [submission.pk]}
    page = admin_client.post("/admin/actions/submission/", chosen, follow=True)
    assert "EXCHANGE_RATE_NOT_FOUND" in page.content.decode()
    make_rate("JPY", tracker.program.currency, "0.5")
    admin_client.post("/admin/actions/submission/", chosen)
    submission.refresh_from_db()
    assert (submission.result, submission.action) == ("recorded", Action.objects.get())


def test_a_refused_report_is_kept_whatever_its_numbers(call: Caller, tracker: ActionTracker) -> None:
    number = 10**40
    response = call.json("POST", "Conversions", **report_fields(tracker, CampaignId=999_999, Money1="x", Note=number))
    assert response.status_code == 400
    assert Submission.objects.get().fields["Note"] == number
