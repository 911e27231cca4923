"""The form of answers, and the spellings of addresses that callers use."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import URLPattern

from actions.api.endpoints import api
from actions.api.negotiation import prefers_json
from actions.models import Action
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import report_fields

XML = "application/xml; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("application/*", False),
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ("text/json", True),
        ("application/vnd.shop+json", True),
        ("application/json, text/plain, */*", True),
        ("application/json, text/javascript, */*; q=0.01", True),
        ("application/xml, application/json", True),
        ("application/json;q=0.5, application/xml", False),
        ("application/json ; q=0.9 , application/xml;q=0.5", True),
        ("application/json;q=0.5, */*;q=0.8", False),
        ("application/json;q=0", False),
        ("application/xml;q=0, */*", True),
        ("application/json;q=high", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        (",;;=/+", False),
    ],
)
def test_accept_weighs_json_against_xml(accept: str, json: bool) -> None:
    assert prefers_json(accept) is json


@pytest.mark.parametrize("path", ["Conversions", "Conversions/", "Conversions.json", "Conversions.JSON/"])
def test_an_address_means_the_same_with_a_suffix_or_a_slash(call: Caller, tracker: ActionTracker, path: str) -> None:
    told = call.submission(call.form("POST", path, **report_fields(tracker)))
    assert told["Result"] == "recorded"
    assert Action.objects.count() == 1


@pytest.mark.parametrize(
    ("suffix", "accept", "content_type"),
    [
        (".json", "application/xml", "application/json"),
        (".xml", "application/json", XML),
        (".xml/", "application/json", XML),
        ("/", "application/json", "application/json"),
        ("", "application/xml", XML),
    ],
)
def test_a_suffix_decides_before_accept(call: Caller, suffix: str, accept: str, content_type: str) -> None:
    for path, status in (("Actions", 200), ("Actions/1.2.3", 404), ("APISubmissions/A-9", 404), ("Nothing", 404)):
        response = call("GET", f"{path}{suffix}", accept=accept)
        assert (response.status_code, response.headers["Content-Type"]) == (status, content_type), path


def test_the_next_page_comes_in_the_same_form(call: Caller, tracker: ActionTracker) -> None:
    for number in range(2):
        call.form("POST", "Conversions", **{**report_fields(tracker), "OrderId": f"o-{number}"})
    first = call("GET", "Actions.json?PageSize=1", accept="*/*").json()
    following = first["NextPageUri"].partition(f"/{call.token.account_sid}/")[2]
    second = call("GET", following, accept="*/*").json()
    assert [page["Actions"][0]["Oid"] for page in (first, second)] == ["o-1", "o-0"]


def addresses() -> list[Any]:
    """Every address of the API that reads, with something in each of its places."""
    patterns = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
    paths = [str(pattern.pattern).partition("<account_sid>/")[2] for pattern in patterns]
    return [path.partition("<")[0] + "1" * ("<" in path) for path in paths if path]


def test_every_address_has_suffixes_and_a_slash(call: Caller) -> None:
    found = addresses()
    assert len(found) > 5
    for path in found:
        plain = call("GET", path)
        for spelling in (f"{path}.json", f"{path}/", f"{path}.json/"):
            assert call("GET", spelling).status_code == plain.status_code, spelling
