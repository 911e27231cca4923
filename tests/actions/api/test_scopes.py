"""Tokens with scopes and programs: what each may do, and that it sees nothing of other programs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from actions.api.submit import process_again
from actions.api.tokens import create_token, find_token
from actions.models import Action, ActionEvent, ApiToken, Submission
from partners.models import ActionTracker, AttributionRule
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_partner,
    make_program,
    make_term,
    make_tracker,
    record_action,
    report_fields,
)

pytestmark = pytest.mark.django_db
PERSONAL = "customer-71@home.example"


@pytest.fixture
def elsewhere(db: None) -> ActionTracker:
    """An event type of another program."""
    return make_tracker(make_program(name="Elsewhere"), name="Elsewhere sale")


def settle() -> None:
    """All updates are old enough to be told."""
    ActionEvent.objects.update(recorded_at=timezone.now() - timedelta(minutes=1))


def shape(response: Any, *told: object) -> tuple[int, str]:
    """An answer without what the request itself named."""
    text = response.content.decode()
    for name in told:
        text = text.replace(str(name), "…")
    return response.status_code, text


# Scopes.


def test_a_token_has_the_scopes_that_all_had_before_and_never_manage(db: None) -> None:
    token, text = create_token("shop")
    assert (token.scopes, token.program_ids) == (["report", "read", "personal"], None)
    found = find_token(token.account_sid, text)
    assert found is not None
    assert (found.scopes, found.program_ids) == (["report", "read", "personal"], None)


def test_a_token_that_the_previous_release_makes_has_the_same(db: None) -> None:
    """It inserts rows without the columns."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO actions_apitoken (account_sid, name, token_sha256) VALUES ('PPx', 'old', 'abc')")
    token = ApiToken.objects.get(token_sha256="abc")
    assert (token.scopes, token.program_ids) == (["report", "read", "personal"], None)


@pytest.mark.parametrize("scopes", [["report"], ["read"], ["personal"], ["manage"], []], ids=str)
def test_each_scope_opens_its_addresses_and_no_others(scopes: list[str], tracker: ActionTracker) -> None:
    call = ApiCaller(scopes=scopes)
    event = record_action(tracker)
    needed = {
        ("POST", "Conversions"): {"report"},
        ("PUT", "Actions"): {"report"},
        ("DELETE", "Actions"): {"report"},
        ("POST", "Conversions/Batch"): {"report"},
        ("GET", "Actions"): {"read"},
        ("GET", f"Actions/{event.action.action_id}"): {"read"},
        ("GET", "ActionUpdates"): {"read"},
        ("GET", "APISubmissions/A-1"): {"read", "report"},
    }
    for (method, path), any_of in needed.items():
        answer = call.account(method, path, "" if method == "GET" else "{}")
        assert (answer.status_code == 403) is any_of.isdisjoint(scopes), (method, path, answer.content)
        if answer.status_code == 403:
            assert "lacks the scope" in answer.json()["Message"]
    assert Submission.objects.count() == (3 if scopes == ["report"] else 0)


def test_without_the_scope_personal_values_are_empty(tracker: ActionTracker) -> None:
    event = record_action(tracker, CustomerCity="Ulm-71", CustomerPostCode="1234", Text1="kept")
    settle()
    for scopes, shown in ((["read", "personal"], "Ulm-71"), (["read"], "")):
        call = ApiCaller(scopes=scopes)
        one = call.account("GET", f"Actions/{event.action.action_id}").json()
        listed = call.account("GET", "Actions").json()["Actions"][0]
        update = call.account("GET", "ActionUpdates").json()["ActionUpdates"][0]
        assert {each["CustomerCity"] for each in (one, listed, update)} == {shown}
        assert {each["Text1"] for each in (one, listed, update)} == {"kept"}


def test_texts_that_quote_a_report_are_for_its_sender_and_who_sees_personal_data(tracker: ActionTracker) -> None:
    shop, warehouse, support = ApiCaller(), ApiCaller(scopes=["read"]), ApiCaller(scopes=["read", "personal"])
    shop.account("POST", "Conversions", report_fields(tracker, EventDate=PERSONAL))
    path = f"APISubmissions/{Submission.objects.get().public_id}"
    assert PERSONAL in shop.account("GET", path).json()["Message"]
    assert PERSONAL in support.account("GET", path).json()["Message"]
    told = warehouse.account("GET", path).json()
    assert (told["Message"], told["Notes"], told["ErrorReason"]) == ("", [], "MALFORMED")


def test_a_token_that_only_reports_follows_its_own_reports(tracker: ActionTracker) -> None:
    shop, other = ApiCaller(scopes=["report"]), ApiCaller(scopes=["report"])
    uri = shop.account("POST", "Conversions", report_fields(tracker)).json()["QueuedUri"]
    assert shop.get(uri).json()["Result"] == "recorded"
    missing = other.get(uri.replace("A-", "A-9"))
    assert shape(other.get(uri), uri.rpartition("/")[2]) == shape(missing, uri.rpartition("/")[2].replace("A-", "A-9"))
    assert missing.status_code == 404


# Programs.


def test_a_bound_token_reads_only_its_program(tracker: ActionTracker, elsewhere: ActionTracker) -> None:
    own, other = record_action(tracker), record_action(elsewhere)
    settle()
    call, all_of_them = ApiCaller(tracker.program), ApiCaller()
    for path, name in (("Actions", "Actions"), ("ActionUpdates", "ActionUpdates")):
        told = call.account("GET", path).json()[name]
        assert {each["CampaignId"] for each in told} == {str(tracker.program_id)}
        assert len(all_of_them.account("GET", path).json()[name]) == 2
    assert call.account("GET", f"Actions?CampaignId={elsewhere.program_id}").json()["Actions"] == []
    assert call.account("GET", f"Actions?OrderId={other.action.order_id}").json()["Actions"] == []
    for path in ("Actions/{}", "ActionUpdates?ActionId={}"):
        hidden, absent = other.action.action_id, f"{elsewhere.program_id}.{elsewhere.pk}.{other.action_id + 999}"
        answers = [shape(call.account("GET", path.format(each)), each) for each in (hidden, absent)]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
        assert call.account("GET", path.format(own.action.action_id)).status_code == 200


def test_a_token_of_several_programs_reads_them(tracker: ActionTracker, elsewhere: ActionTracker) -> None:
    third = make_tracker()
    for each in (tracker, elsewhere, third):
        record_action(each)
    told = ApiCaller(tracker.program, elsewhere.program).account("GET", "Actions").json()["Actions"]
    assert {each["CampaignId"] for each in told} == {str(tracker.program_id), str(elsewhere.program_id)}


@pytest.mark.parametrize("exists", [True, False], ids=["existing", "absent"])
def test_a_report_for_another_program_is_refused_with_a_clear_sentence(
    tracker: ActionTracker, elsewhere: ActionTracker, exists: bool
) -> None:
    call = ApiCaller(tracker.program)
    program = elsewhere.program_id if exists else elsewhere.program_id + 999_999
    event = record_action(elsewhere)
    action = event.action.action_id if exists else f"{program}.1.1"
    for method, path, fields in (
        ("POST", "Conversions", report_fields(elsewhere, CampaignId=program)),
        ("PUT", "Actions", {"ActionId": action, "Amount": "1"}),
        ("DELETE", "Actions", {"ActionId": action}),
    ):
        answer = call.account(method, path, fields)
        assert answer.status_code == 403
        field = "CampaignId" if method == "POST" else "ActionId"
        assert answer.json()["Message"] == (
            f"{field}: this token cannot report for the program {program}; expected is one of {tracker.program_id}."
        )
        assert answer.json()["errors"][0]["code"] == "PROGRAM_NOT_ALLOWED"
    assert Action.objects.count() == 1
    assert ActionEvent.objects.count() == 1


def test_what_another_program_has_is_for_a_report_not_there(tracker: ActionTracker, elsewhere: ActionTracker) -> None:
    """An event type, an order or a partner of another program is answered like one that does not exist."""
    call, absent = ApiCaller(tracker.program), 999_999_999
    order = record_action(elsewhere).action.order_id
    stranger = make_partner()
    make_term(elsewhere, stranger)

    def told(method: str, path: str, fields: dict[str, Any], *names: object) -> tuple[str, ...]:
        content = call.account(method, path, fields).json()
        found = call.get(content["QueuedUri"]).json()
        text = found["Message"]
        for name in names:
            text = text.replace(str(name), "…")
        return found["Result"], found["ErrorReason"], text

    trackers = [
        told("POST", "Conversions", report_fields(tracker, ActionTrackerId=each), each)
        for each in (elsewhere.pk, absent)
    ]
    assert trackers[0] == trackers[1]
    assert trackers[0][1] == "ACTIONTRACKER_NOT_FOUND"
    orders = [
        told("PUT", "Actions", {"ActionTrackerId": each, "OrderId": order, "Amount": "1"}, each)
        for each in (elsewhere.pk, absent)
    ]
    assert orders[0] == orders[1]
    assert orders[0][1] == "ACTION_NOT_FOUND"
    partners = [
        told("POST", "Conversions", report_fields(tracker, MediaPartnerId=each), each) for each in (stranger.pk, absent)
    ]
    assert partners[0] == partners[1]
    assert partners[0][:2] == ("recorded", "PARTNER_NOT_FOUND")
    assert not Action.objects.filter(action_tracker=tracker, partner__isnull=False).exists()


def test_a_rule_does_not_reveal_a_partner_of_another_program(tracker: ActionTracker, elsewhere: ActionTracker) -> None:
    stranger = make_partner()
    make_term(elsewhere, stranger)
    AttributionRule.objects.create(key=AttributionRule.Key.PROMO_CODE, value="tent", partner=stranger)
    ApiCaller(tracker.program).account("POST", "Conversions", report_fields(tracker, OrderPromoCode="TENT"))
    action = Action.objects.get()
    assert (action.partner, action.no_payout_reason) == (None, "PARTNER_NOT_FOUND")


def test_lines_of_a_batch_for_another_program_are_refused(tracker: ActionTracker, elsewhere: ActionTracker) -> None:
    call = ApiCaller(tracker.program)
    fields = [report_fields(elsewhere), report_fields(tracker), report_fields(elsewhere, CampaignId=tracker.program_id)]
    body = "".join(json.dumps(each) + "\n" for each in fields)
    answer = call.account("POST", "Conversions/Batch", body, form="application/x-ndjson")
    told = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert [each.get("ErrorReason") for each in told] == ["PROGRAM_NOT_ALLOWED", None, "ACTIONTRACKER_NOT_FOUND"]
    assert Action.objects.get().program == tracker.program


def test_a_refused_report_is_processed_again_within_the_programs_of_its_token(
    tracker: ActionTracker, elsewhere: ActionTracker
) -> None:
    call = ApiCaller(tracker.program)
    call.account("POST", "Conversions", report_fields(elsewhere))
    refusal = process_again(Submission.objects.get())
    assert refusal is not None
    assert refusal.reason_code == "PROGRAM_NOT_ALLOWED"
    call.token.program_ids = sorted([tracker.program_id, elsewhere.program_id])
    call.token.save()
    assert process_again(Submission.objects.get()) is None
    assert Action.objects.get().program == elsewhere.program


def test_submissions_of_another_program_do_not_exist(tracker: ActionTracker, elsewhere: ActionTracker) -> None:
    bound, every = ApiCaller(tracker.program), ApiCaller()
    uris = {
        "own program": every.account("POST", "Conversions", report_fields(tracker)).json()["QueuedUri"],
        "other program": every.account("POST", "Conversions", report_fields(elsewhere)).json()["QueuedUri"],
        "refused of all": every.account("POST", "Conversions", report_fields(elsewhere, ActionTrackerId=1)).json()[
            "QueuedUri"
        ],
        "own refused": bound.account("POST", "Conversions", report_fields(tracker, ActionTrackerId=1)).json()[
            "QueuedUri"
        ],
    }
    assert [each for each, uri in uris.items() if every.get(uri).status_code == 200] == list(uris)
    assert [each for each, uri in uris.items() if bound.get(uri).status_code == 200] == ["own program", "own refused"]
