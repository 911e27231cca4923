"""The API's document describes every field, every error and an example of each, and its examples work."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from actions.api import document as api_document
from actions.api.described import ERRORS, EXAMPLES
from actions.intake.reading import EVENTS
from actions.reports.item_names import ATTRIBUTES, flat_field
from actions.reports.known_names import ALIASES
from actions.reports.parameters import PARAMETERS
from actions.reports.report import NAMES, READERS, parse_report
from actions.reports.spelling import squashed
from partners.models import ActionTracker
from tests.support.api import Caller


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/api/openapi.json").json()
    return found


def test_it_is_made_once(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for it, and making it takes a processor a second."""
    monkeypatch.setattr(api_document, "described", lambda _made: pytest.fail("made again"))
    assert Client().get("/api/openapi.json").json() == document


def test_every_field_is_described(document: dict[str, Any]) -> None:
    report = document["components"]["schemas"]["Report"]
    described = report["properties"]
    assert {*READERS, *ALIASES, *PARAMETERS, "Items", "OrderTax", "UniqueUrl"} <= described.keys()
    assert not [name for name in described if NAMES.meaning(name).use == "unknown"]
    assert all(each["description"] for each in described.values())
    assert not READERS.keys() - {name for name, each in described.items() if each.get("examples")}
    assert described["Items"]["items"]["properties"].keys() == ATTRIBUTES.keys()
    flat = ("ItemSku1", "ItemSubTotal12", "ItemBrand1", "ItemText1_50", "ItemDate3_10", "ItemQuantity")
    for name in flat:
        assert flat_field(squashed(name)) == name
        assert any(re.search(pattern, name) for pattern in report["patternProperties"]), name


def test_every_error_of_every_address_has_a_meaning_and_an_example_in_each_form(document: dict[str, Any]) -> None:
    seen = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) < 400:
                    continue
                seen += 1
                assert response["description"] == ERRORS[int(status)][0], (path, method, status)
                example = response["content"]["application/json"]["example"]
                assert set(example) == {"Status", "Message", "Errors", "errors"}
                if path.startswith("/Advertisers/"):
                    xml = response["content"]["application/xml"]["example"]
                    assert ET.fromstring(xml).findtext("Status") == "ERROR"  # noqa: S314
    assert seen > 40


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_can_be_read(kind: str) -> None:
    for example in EXAMPLES[kind]:
        assert parse_report(example, kind=EVENTS[kind][0]).warnings == ()


def test_an_example_of_a_conversion_is_recorded_in_each_form(
    call: Caller, tracker: ActionTracker, document: dict[str, Any]
) -> None:
    body = document["paths"]["/Advertisers/{account_sid}/Conversions"]["post"]["requestBody"]["content"]
    ids = {"CampaignId": tracker.program_id, "ActionTrackerId": tracker.pk}
    number = 0
    for form, content in body.items():
        for example in content["examples"].values():
            number += 1
            fields = {**example["value"], **ids, "OrderId": f"o-{number}"}
            sent = json.dumps(fields) if form == "application/json" else urlencode(fields)
            assert call.submission(call("POST", "Conversions", sent, form=form))["Result"] == "recorded"
    assert number == 5
