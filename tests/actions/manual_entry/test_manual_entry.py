"""Reporting and changing actions on the screens: through the same door, with the same refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.roles.table import Role
from accounts.roles.users import create_user
from actions.models import Action, ActionEvent
from partners.models import ActionTracker
from postbacks.models import Delivery
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_term,
    record_action,
    report_fields,
)

pytestmark = pytest.mark.django_db

ITEMS = [
    {"Sku": "A", "Quantity": 2, "SubTotal": "20.00"},
    {"Sku": "B", "SubTotal": "5.00"},
    {"Sku": "A", "SubTotal": "3"},
]


@pytest.fixture
def operator(client: Client) -> Client:
    create_user("ada", Role.OPERATOR)
    client.force_login(User.objects.get())
    return client


def report(client: Client, text: str = "", *, button: str = "record", **more: Any) -> str:
    response = client.post(reverse("admin:actions_action_report_by_hand"), {"text": text, button: "1", **more})
    assert response.status_code == 200
    return response.content.decode()


def change(client: Client, of: ActionEvent, /, **fields: Any) -> Any:
    """The form as the browser has it, with some fields changed."""
    address = reverse("admin:actions_action_change_by_hand", args=[of.action_id])
    form = client.get(address).context["form"]
    typed = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    return client.post(address, {**typed, **fields})


def test_a_pasted_report_is_recorded_and_fires(operator: Client, tracker: ActionTracker) -> None:
    make_postback(tracker, make_media_source())
    shown = report(operator, json.dumps(report_fields(tracker, OrderId="A", Amount="5"), indent=2))
    assert "1 recorded, 0 repeated, 0 rejected." in shown
    assert Action.objects.get().amount == Decimal("5.00")
    assert Delivery.objects.count() == 1


def test_check_only_says_what_would_be_and_records_nothing(operator: Client, tracker: ActionTracker) -> None:
    lines = [json.dumps(report_fields(tracker, Nte="x")), '{"CampaignId": 1}', "{bad"]
    shown = report(operator, "\r\n".join(lines), button="check")
    assert "Nothing is recorded yet. It would be: 1 recorded, 0 repeated, 2 rejected." in shown
    assert "OID_MISSING" in shown
    assert "Expecting property name enclosed in double quotes at column 2." in shown
    assert "Line 1: Nte is no known field" in shown
    assert not Action.objects.exists()


def test_a_file_of_csv_is_taken(operator: Client, tracker: ActionTracker) -> None:
    text = f"CampaignId,ActionTrackerId,EventDate,OrderId\n{tracker.program_id},{tracker.pk},NOW,A\n"
    shown = report(operator, file=SimpleUploadedFile("a.csv", text.encode()))
    assert "1 recorded, 0 repeated, 0 rejected." in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  ", "There is nothing to report: paste reports, or choose a file."),
        ("a,a\n", "The first line names a more than once."),
        ('{"a":1}\n' * 10_001, "More than 10,000 lines. Use import_actions"),
        ("{" + " " * (10 * 1024 * 1024), "at most 10,485,760 are taken here. Use import_actions"),
    ],
)
def test_what_cannot_be_read_is_told(operator: Client, text: str, message: str) -> None:
    assert message in report(operator, file=SimpleUploadedFile("a", text.encode()))


def test_items_amount_and_reason_are_changed(operator: Client, tracker: ActionTracker) -> None:
    partner = make_partner()
    make_term(tracker, partner, "10%")
    event = record_action(tracker, partner, Items=ITEMS)
    response = change(operator, event, sub_total_3="4.00", reason="PRICE")
    assert response.headers["Location"] == reverse("admin:actions_action_change", args=[event.action_id])
    latest = ActionEvent.objects.filter(action=event.action).latest("id")
    assert (latest.number, latest.kind, latest.parameters["StatusDetail"]) == (2, "modified", "PRICE")
    assert (latest.parameters["Amount"], latest.parameters["DeltaPayout"]) == ("29.00", "0.10")
    assert [item["amt"] for item in latest.parameters["items"]] == ["20.00", "5.00", "4.00"]

    change(operator, event, event="reversed", reason="RETURNED")
    assert Action.objects.get().status == "REVERSED"
    assert change(operator, event).status_code == 302
    action = Action.objects.get()
    assert (action.status, action.amount) == ("PENDING", Decimal("29.00"))
    assert [each.kind for each in ActionEvent.objects.order_by("number")] == [
        "created",
        "modified",
        "reversed",
        "restored",
    ]
    change(operator, event, amount="7.00")
    action.refresh_from_db()
    assert (action.amount, action.payout) == (Decimal("7.00"), Decimal("0.70"))


def test_a_change_without_a_change_is_told(operator: Client, tracker: ActionTracker) -> None:
    event = record_action(tracker, Items=ITEMS)
    shown = change(operator, event).content.decode()
    assert "NO_ITEM: The modification changes nothing" in shown
    assert change(operator, event, quantity_1="-1").context["form"].errors == {
        "quantity_1": ["Ensure this value is greater than or equal to 0."]
    }
    assert ActionEvent.objects.count() == 1


def test_a_locked_action_takes_no_change(operator: Client, tracker: ActionTracker) -> None:
    event = record_action(tracker)
    Action.objects.update(status="APPROVED")
    address = reverse("admin:actions_action_change_by_hand", args=[event.action_id])
    assert "An approved action takes no change any more." in operator.get(address).content.decode()
    assert operator.post(address, {"event": "modified", "amount": "5"}).status_code == 200
    assert ActionEvent.objects.count() == 1
    assert operator.get(reverse("admin:actions_action_change_by_hand", args=[event.action_id + 1])).status_code == 404


def test_a_viewer_may_neither_report_nor_change(client: Client, tracker: ActionTracker) -> None:
    event = record_action(tracker)
    create_user("vic", Role.VIEWER)
    client.force_login(User.objects.get())
    for address in (
        reverse("admin:actions_action_report_by_hand"),
        reverse("admin:actions_action_change_by_hand", args=[event.action_id]),
    ):
        assert client.get(address).status_code == 403
        assert client.post(address, {"text": "{}", "record": "1", "event": "reversed"}).status_code == 403
    assert "report" not in client.get(reverse("admin:actions_action_changelist")).content.decode().lower().split(
        "/report"
    )
    assert ActionEvent.objects.count() == 1
