"""Every address of the API, as its document lists them: each asks for a scope and keeps to the token's programs.

Those of partners have other tokens, and `tests/portal/api/test_others.py`.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from portal.api.mounting import ROOT
from tests.support.api_calls import ApiCaller
from tests.support.api_document import paths
from tests.support.two_programs import SIGN, Rows, absent, make_rows

pytestmark = pytest.mark.django_db
SCOPES = ["report", "read", "personal", "manage"]
# What they show belongs to no program.
OF_THE_ACCOUNT = {"/Advertisers/{account_sid}/CompanyInformation"}

Operation = tuple[str, str]


def operations() -> list[Operation]:
    """Method and path of each that does something; what is only told not to be offered is left out."""
    account = {path: found for path, found in paths().items() if not path.startswith(f"{ROOT}/")}
    each = [(method, path, told) for path, found in account.items() for method, told in found.items()]
    return sorted((method.upper(), path) for method, path, told in each if not {"501", 501} & set(told["responses"]))


def objects_in(path: str) -> list[str]:
    """The parameters of a path that name a row."""
    return [name for name in re.findall(r"\{(\w+)\}", path) if name != "account_sid"]


OF_ONE = [each for each in operations() if objects_in(each[1])]
LISTS = [each for each in operations() if each[0] == "GET" and each not in OF_ONE and each[1] not in OF_THE_ACCOUNT]
OTHERS = [each for each in operations() if each[0] != "GET" and each not in OF_ONE]


def fields_naming(rows: Rows, ids: dict[str, str]) -> dict[Operation, dict[str, Any]]:
    """For each address that takes its objects from the body: a body that names those of `ids`, with own others."""
    action = {"ActionId": f"{rows.tracker.program_id}.{rows.tracker.pk}.{ids['action_id'].rpartition('.')[2]}"}
    account = "/Advertisers/{account_sid}"
    report = {"ActionTrackerId": rows.tracker.pk, "EventDate": "NOW", "OrderId": "o-1", "CampaignId": ids["program_id"]}
    postback = {"name": "New", "url": "https://own.invalid/", "partner": int(ids["partner_id"])}
    postback["action_tracker"] = rows.tracker.pk
    return {
        ("POST", "/api/v1/postbacks"): postback,
        ("POST", "/api/v1/postbacks/preview"): {"postback": postback},
        ("POST", "/api/v1/postbacks/test"): {"postback": postback},
        ("POST", f"{account}/Conversions"): report,
        ("POST", f"{account}/Conversions/Batch"): report,
        ("PUT", f"{account}/Actions"): action,
        ("DELETE", f"{account}/Actions"): action,
    }


@pytest.fixture
def own(db: None) -> Rows:
    return make_rows("Own")


@pytest.fixture
def other(db: None) -> Rows:
    return make_rows(SIGN)


def ask(call: ApiCaller, operation: Operation, ids: dict[str, str], body: Any = None) -> Any:
    method, path = operation
    form = "application/x-ndjson" if path.endswith("/Batch") else "application/json"
    sent = "" if method == "GET" else body or {}
    return call(method, path.format(account_sid=call.sid, **ids), sent, form=form)


def told(call: ApiCaller, answer: Any, *names: str) -> tuple[int, str]:
    """What an answer says, and what became of the report that it queued, without what the request named."""
    text = b"".join(answer).decode() if answer.streaming else answer.content.decode()
    if '"QueuedUri"' in text:
        text = call.get(answer.json()["QueuedUri"]).content.decode()
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "…")
    return answer.status_code, re.sub(r'\bA-\d+"|"\d{4}-\d\d-\d\dT[^"]*"', "…", text)


def test_the_addresses_are_known() -> None:
    assert len(OF_ONE) >= 2
    assert len(LISTS) >= 2
    assert len(OTHERS) >= 7
    assert {path.split("/")[3] for _, path in operations() if path.startswith("/api/v1/")} == {
        "contracts",
        "deliveries",
        "partners",
        "postbacks",
    }


@pytest.mark.parametrize("operation", operations(), ids=" ".join)
def test_every_address_asks_for_a_scope(operation: Operation, own: Rows) -> None:
    answer = ask(ApiCaller(scopes=[]), operation, own.ids)
    assert answer.status_code == 403
    assert "lacks the scope" in answer.json()["Message"]
    assert ask(ApiCaller(scopes=SCOPES), operation, own.ids).status_code != 403


@pytest.mark.parametrize("operation", operations(), ids=" ".join)
def test_every_address_that_changes_something_asks_for_more_than_reading(operation: Operation, own: Rows) -> None:
    answer = ask(ApiCaller(scopes=["read", "personal"]), operation, own.ids)
    assert (answer.status_code == 403) is (operation[0] != "GET")


@pytest.mark.parametrize("operation", OF_ONE, ids=" ".join)
def test_an_object_of_another_program_answers_like_one_that_does_not_exist(
    operation: Operation, own: Rows, other: Rows
) -> None:
    call = ApiCaller(own.tracker.program, scopes=SCOPES)
    hidden = told(call, ask(call, operation, other.ids), *other.ids.values())
    missing = told(call, ask(call, operation, absent(other)), *absent(other).values())
    assert hidden == missing
    assert hidden[0] == 404
    assert ask(call, operation, own.ids).status_code != 404
    assert ask(ApiCaller(scopes=SCOPES), operation, other.ids).status_code != 404


@pytest.mark.parametrize("operation", LISTS, ids=" ".join)
def test_a_list_leaves_out_other_programs(operation: Operation, own: Rows, other: Rows) -> None:
    call = ApiCaller(own.tracker.program, scopes=SCOPES)
    assert SIGN not in ask(call, operation, {}).content.decode().upper()
    assert SIGN in ask(ApiCaller(scopes=SCOPES), operation, {}).content.decode().upper()


@pytest.mark.parametrize("operation", OTHERS, ids=" ".join)
def test_a_body_that_names_another_programs_object_is_answered_like_one_that_does_not_exist(
    operation: Operation, own: Rows, other: Rows
) -> None:
    call = ApiCaller(own.tracker.program, scopes=SCOPES)
    answers = []
    for ids in (other.ids, absent(other)):
        body = fields_naming(own, ids)[operation]
        named = body.get("postback", body).values()
        answers.append(told(call, ask(call, operation, {}, body), *map(str, named)))
    assert answers[0] == answers[1]
