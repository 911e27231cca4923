"""An event type that reports name by its code, over HTTP and in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.models import Action, ActionEvent
from actions.recording.record import record
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import make_program, make_report, make_tracker, report_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Caller:
    return Caller()


@pytest.fixture
def sale(db: None) -> ActionTracker:
    """An event type with the code SALE."""
    return make_tracker(code="SALE")


def by_code(tracker: ActionTracker, **fields: Any) -> dict[str, Any]:
    """The fields of a new action whose event type is named by its code alone."""
    named = {**report_fields(tracker, ActionTrackerId=None), "EventTypeCode": tracker.code, **fields}
    return {name: value for name, value in named.items() if value is not None}


def test_a_code_names_the_event_type_for_new_actions_and_changes(call: Caller, sale: ActionTracker) -> None:
    assert call.submission(call.form("POST", "Conversions", **by_code(sale, OrderId="o", Amount="9")))["Result"] == (
        "recorded"
    )
    named = {"EventTypeCode": "SALE", "OrderId": "o", "CampaignId": sale.program_id}
    assert call.submission(call.form("PUT", "Actions", **named, Amount="7"))["Result"] == "recorded"
    assert call.submission(call.form("DELETE", "Actions", **named, DispositionCode="OTHER"))["Result"] == "recorded"
    action = Action.objects.get()
    assert (action.action_tracker, action.status) == (sale, "REVERSED")
    assert action.reported == {}


def test_a_file_names_the_event_type_by_its_code(sale: ActionTracker, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(f"CampaignId,Event Type Code,OrderId,EventDate,Amount\n{sale.program_id},SALE,o,NOW,9\n")
    call_command("import_actions", str(path), jobs=1)
    path.write_text("event_type_code,OrderId,Amount\nSALE,o,7\n")
    call_command("import_actions", str(path), event="modified", jobs=1)
    assert list(ActionEvent.objects.order_by("id").values_list("kind", flat=True)) == ["created", "modified"]


@pytest.mark.parametrize("name", ["ActionTrackerId", "EventTypeId"])
def test_a_code_beside_the_id_of_the_same_event_type_is_taken(call: Caller, sale: ActionTracker, name: str) -> None:
    fields = by_code(sale, **{name: sale.pk})
    assert call.submission(call.form("POST", "Conversions", **fields))["Result"] == "recorded"


def test_a_code_and_an_id_that_differ_are_refused_by_name(call: Caller, sale: ActionTracker) -> None:
    other, coded = make_tracker(sale.program), make_tracker(sale.program, code="LEAD")
    for fields in (
        by_code(sale, ActionTrackerId=other.pk),  # The code is another one's.
        by_code(sale, ActionTrackerId=coded.pk),
        by_code(sale, ActionTrackerId=coded.pk, EventTypeCode="NOBODY"),  # The id's own code is another.
        by_code(sale, ActionTrackerId=99_999),
    ):
        response = call.form("POST", "Conversions", **fields)
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "EventTypeCode"
        assert "ActionTrackerId" in response.json()["Message"]
        assert call.form("PUT", "Actions", **{**fields, "Reason": "OTHER"}).status_code == 400
    assert not Action.objects.exists()


def test_beside_an_id_a_code_that_nobody_has_set_up_says_nothing(call: Caller, tracker: ActionTracker) -> None:
    fields = report_fields(tracker, EventTypeCode="whatever")
    assert call.submission(call.form("POST", "Conversions", **fields))["Result"] == "recorded"


def test_without_a_program_a_code_is_enough_where_one_program_has_it(call: Caller, sale: ActionTracker) -> None:
    fields = by_code(sale, CampaignId=None, OrderId="o")
    assert call.submission(call.form("POST", "Conversions", **fields))["Result"] == "recorded"
    twin = make_tracker(make_program(), code="SALE")
    change = {"EventTypeCode": "SALE", "OrderId": "o", "Text1": "x"}
    for response in (call.form("POST", "Conversions", **fields), call.form("PUT", "Actions", **change)):
        assert response.status_code == 400
        assert response.json()["Message"] == (
            f"EventTypeCode: 'SALE' is an event type of more than one program ({sale.program_id}, {twin.program_id}); "
            "report CampaignId too."
        )
    action = Action.objects.get()
    told = call.submission(call.form("PUT", "Actions", **change, CampaignId=sale.program_id))
    assert told["ActionId"] == action.action_id
    named = {"EventTypeCode": "SALE", "ActionId": action.action_id, "Text1": "y"}  # It names the program.
    assert call.submission(call.form("PUT", "Actions", **named))["Result"] == "recorded"
    assert call.submission(call.form("POST", "Conversions", **by_code(twin, OrderId="o")))["Result"] == "recorded"
    assert set(Action.objects.values_list("action_tracker", flat=True)) == {sale.pk, twin.pk}


def test_a_code_that_the_program_has_not_is_rejected(call: Caller, sale: ActionTracker) -> None:
    for fields, code in (
        (by_code(sale, EventTypeCode="sale"), "ACTIONTRACKER_NOT_FOUND"),
        (by_code(sale, CampaignId=make_program().pk), "ACTIONTRACKER_CAMPAIGN_MISMATCH"),
    ):
        told = call.submission(call.form("POST", "Conversions", **fields))
        assert (told["Result"], told["ErrorReason"]) == ("rejected", code)
        assert "'SALE'" in told["Message"] or "'sale'" in told["Message"]


def test_a_code_is_at_most_64_characters(call: Caller, sale: ActionTracker) -> None:
    assert call.form("POST", "Conversions", **by_code(sale, EventTypeCode="x" * 65)).status_code == 400


def test_a_code_is_one_event_types_in_its_program(sale: ActionTracker) -> None:
    with pytest.raises(ValidationError, match="Another event type of the program has this code"):
        ActionTracker(program=sale.program, name="Another", code="SALE").full_clean()
    ActionTracker(program=make_program(), name="Another", code="SALE").full_clean()
    ActionTracker(program=sale.program, name="Another").full_clean()
    ActionTracker(program=sale.program, name="A third").full_clean()


def test_a_batch_asks_for_codes_once(sale: ActionTracker) -> None:
    by_id = [make_report(sale, OrderId=f"o-{number}") for number in range(3)]
    coded = [
        make_report(sale, OrderId=f"c-{number}", ActionTrackerId=None, EventTypeCode="SALE") for number in range(3)
    ]
    record(by_id[:1])  # Reads the set-up.
    with CaptureQueriesContext(connection) as without:
        record(by_id[1:])
    with CaptureQueriesContext(connection) as with_codes:
        record(coded)
    assert len(with_codes) == len(without) + 1
