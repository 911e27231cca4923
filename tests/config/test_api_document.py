"""The API's document: it is kept as a file, and requests made from it are answered as it says."""

from __future__ import annotations

import base64
import io
import json
import os
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings

from actions.api.tokens import create_token
from environment.variables import BASE_DIR
from portal.api.mounting import ROOT as PARTNERS
from postbacks.egress.failures import LATE_ANSWER
from tests.support.two_programs import Rows, make_rows

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))  # Of each operation; `make fuzz` tries more.


def test_the_file_is_the_document_of_the_code() -> None:
    printed = io.StringIO()
    call_command("api_document", stdout=printed)
    kept = (BASE_DIR / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert kept == printed.getvalue(), "Write it anew: manage.py api_document > docs/openapi.json"


def test_each_address_names_the_scopes_that_it_needs() -> None:
    document = json.loads((BASE_DIR / "docs" / "openapi.json").read_text(encoding="utf-8"))
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if path.startswith(f"{PARTNERS}/"):
                assert told["security"] == [{"LinkToken": []}]
                continue
            scopes = {scope for each in told["security"] for scope in each["AccountToken"]}
            assert scopes, (method, path)
            assert scopes <= {"read", "report", "manage"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_redis")
def test_no_request_makes_the_management_api_fail_or_answer_what_its_document_does_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.support.from_document import operations

    monkeypatch.setattr("postbacks.test_send.send", lambda _request: LATE_ANSWER)
    rows = make_rows("Own")
    token, text = create_token("test", scopes=["read", "personal", "manage"])
    basic = base64.b64encode(f"{token.account_sid}:{text}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "If-Match": "*"}
    found = operations("^/api/v1/(?!partner/)")
    assert len(found) == 21
    for operation in found:
        _try(operation, rows, headers)


def _try(operation: Any, rows: Rows, headers: dict[str, str]) -> None:
    """Requests with ids as generated, and with those of rows that exist; what would end a row is left for last."""
    from tests.support.from_document import CHECKS

    names = [name for name in rows.ids if f"{{{name}}}" in operation.path]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
    )
    def requests(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)
        if not names and isinstance(case.body, dict):
            given = case.body.get("postback", case.body)
            if isinstance(given, dict):
                given |= {"partner": rows.partner.pk, "action_tracker": rows.tracker.pk, "media_source": None}
                case.call_and_validate(headers=headers, checks=CHECKS)
        if names and case.method != "DELETE":
            case.path_parameters = {name: rows.ids[name] for name in names}
            case.call_and_validate(headers=headers, checks=CHECKS)

    requests()
