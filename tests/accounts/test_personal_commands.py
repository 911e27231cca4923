"""export_person and erase_person: everything of one customer, nothing of another, money and deliveries kept."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.admin.models import CHANGE
from django.contrib.admin.models import LogEntry as AdminMessage
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.personal.erase import StillSendingError, erase
from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.models import Action, ActionEvent, Submission
from actions.reports.identifiers import sha1
from partners.models import AttributionRule
from postbacks.models import Attempt, Delivery
from tests.support.factories import (
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
    report_fields,
)
from tests.support.queued import queued

pytestmark = pytest.mark.django_db

MARK = "zq7-personal"
OTHER = "another-customer"
CUSTOMER = f"{MARK}-id"

SENDING: dict[str, Any] = {"state": Delivery.State.SENDING, "owner": 1, "lease_until": timezone.now()}
SENT: dict[str, Any] = {"state": Delivery.State.DELIVERED, "owner": None, "lease_until": None}


@pytest.fixture
def customers_action() -> Action:
    """The customer's, with a sent delivery, a refused report and a rule; and the like of another customer."""
    tracker, partner = make_tracker(), make_partner(name="Compass")
    make_term(tracker, partner)
    make_postback(tracker, partner, name="Sales")
    token, _ = create_token("Shop")
    events = {}
    for mark in (MARK, OTHER):
        customer = {"CustomerId": f"{mark}-id", "CustomerEmail": sha1(mark), "IpAddressPlain": mark, "Text50": mark}
        items = [{"Sku": "TENT-2", "Quantity": 1, "SubTotal": "219.00"}]
        events[mark] = record_action(tracker, partner, **customer, macAddress=mark, PromoCode="HARBOR10", Items=items)
        delivery = Delivery.objects.get(event=events[mark])
        Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.DELIVERED, parameters={"deviceIp": mark})
        Attempt.objects.create(
            delivery=delivery,
            number=1,
            started_at=timezone.now(),
            duration_ms=12,
            succeeded=True,
            reason="Status 200",
            method="POST",
            url=f"https://receiver.example/{mark}?ip={mark}",
            request_headers=f"X: {mark}",
            request_body=mark,
            status=200,
            response_headers=f"Y: {mark}",
            response_body=mark,
        )
        submit(token, Submission.Kind.CONVERSION, {**customer, "CampaignId": make_program().pk})
        AttributionRule.objects.create(key="customer_id", value=f"{mark}-id", partner=partner)
    return events[MARK].action


def run(*arguments: str) -> str:
    printed = StringIO()
    call_command(*arguments, stdout=printed)
    return printed.getvalue()


def rows_with(text: str) -> dict[str, int]:
    """Each table of the database with how many of its rows hold the text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" each WHERE each::text LIKE %s', [f"%{text}%"])  # noqa: S608
            if number := cursor.fetchone()[0]:
                found[table] = number
    return found


def test_the_export_has_everything_of_the_customer_and_nothing_of_others(customers_action: Action) -> None:
    text = run("export_person", CUSTOMER)

    exported: dict[str, Any] = json.loads(text)
    (exported_action,) = exported["actions"]
    (event,) = exported_action["events"]
    (delivery,) = event["deliveries"]
    assert OTHER not in text
    assert exported["customer_id"] == CUSTOMER
    assert (exported_action["action_id"], exported_action["amount"]) == (customers_action.action_id, "219.00")
    assert exported_action["reported"]["CustomerEmail"] == sha1(MARK)
    assert exported_action["items"] == [{"sku": "TENT-2", "name": "", "category": "", "quantity": 1}]
    assert event["parameters"]["IpAddressPlain"] == MARK
    assert (delivery["to"], delivery["state"]) == ("Compass: Sales", "delivered")
    assert delivery["attempts"][0]["request"].startswith(f"POST https://receiver.example/{MARK}?ip={MARK}\nX: {MARK}")
    assert exported["submissions"][0]["fields"]["CustomerEmail"] == sha1(MARK)
    assert exported["attribution_rules"] == [{"key": "customer_id", "value": CUSTOMER, "partner": "Compass"}]


def test_the_export_goes_to_a_new_file_that_only_its_owner_reads(customers_action: Action, tmp_path: Path) -> None:
    path = tmp_path / "person.json"

    run("export_person", CUSTOMER, "--output", str(path))

    assert json.loads(path.read_text())["customer_id"] == CUSTOMER
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="Name a new file"):
        run("export_person", CUSTOMER, "--output", str(path))


def test_without_yes_nothing_is_erased(customers_action: Action) -> None:
    before = rows_with(MARK)

    said = run("erase_person", CUSTOMER)

    assert "actions 1, events 1, attempts 1, submissions 1; attribution rules deleted: 1" in said
    assert "Add --yes to remove it" in said
    assert rows_with(MARK) == before
    assert before["actions_action"] == 1


def test_erasing_leaves_no_trace_in_any_table_and_the_money_as_it_was(customers_action: Action) -> None:
    rule = AttributionRule.objects.get(value=CUSTOMER)
    AdminMessage.objects.create(
        user=User.objects.create_user("ada"),
        content_type=ContentType.objects.get_for_model(AttributionRule),
        object_id=str(rule.pk),
        object_repr=str(rule),
        action_flag=CHANGE,
        change_message="",
    )
    others, amount = (
        rows_with(OTHER),
        Action.objects.values("amount", "payout", "status", "order_id").get(pk=customers_action.pk),
    )

    said = run("erase_person", CUSTOMER, "--yes")

    assert "Personal data was removed: actions 1, events 1, attempts 1, submissions 1" in said
    assert rows_with(MARK) == rows_with(sha1(MARK)) == {}
    assert rows_with(OTHER) == others
    assert Action.objects.values("amount", "payout", "status", "order_id").get(pk=customers_action.pk) == amount
    customers_action.refresh_from_db()
    assert customers_action.reported == {"PromoCode": "HARBOR10"}
    event = ActionEvent.objects.get(action=customers_action)
    assert (event.parameters["PromoCode"], event.parameters["Amount"]) == ("HARBOR10", "219.00")
    delivery = Delivery.objects.get(event=event)
    attempt = delivery.attempts.get()
    assert (delivery.state, attempt.status, attempt.url) == ("delivered", 200, "https://receiver.example")
    assert LogEntry.objects.filter(content_type__model="attributionrule", action=LogEntry.Action.DELETE).count() == 1


def test_erasing_again_finds_nobody(customers_action: Action) -> None:
    run("erase_person", CUSTOMER, "--yes")

    assert run("erase_person", CUSTOMER, "--yes") == f"There is no data about a customer {CUSTOMER}.\n"
    with pytest.raises(CommandError, match="There is no data"):
        run("export_person", CUSTOMER)


@pytest.mark.parametrize("name", ["customerId", "customer_id", "CUSTOMERID", "Customer Id"])
def test_a_customer_is_found_under_every_spelling(customers_action: Action, name: str) -> None:
    """As names were spelt: earlier releases kept those of refused reports so, and of actions what they did not know."""
    Action.objects.filter(pk=customers_action.pk).update(reported={name: CUSTOMER, "IpAddressPlain": MARK})
    Submission.objects.filter(fields__CustomerId=CUSTOMER).update(fields={name: CUSTOMER, "CustomerCity": MARK})
    Delivery.objects.filter(action=customers_action).update(**SENDING)

    exported = json.loads(run("export_person", CUSTOMER))
    assert len(exported["actions"]) == len(exported["submissions"]) == 1
    with pytest.raises(StillSendingError):
        erase(CUSTOMER, lambda _seconds: None)
    customers_action.refresh_from_db()
    assert customers_action.reported == {name: CUSTOMER}
    Delivery.objects.filter(action=customers_action).update(**SENT)
    erase(CUSTOMER)
    assert rows_with(MARK) == {}


def test_a_refused_report_keeps_the_customer_under_the_fields_name(customers_action: Action) -> None:
    token, _ = create_token("Till")
    for name, value in (("customerId", "C-7"), ("customer_id", 7), ("CustomerID", "7 ")):
        submit(token, Submission.Kind.CONVERSION, {name: value, "Oid": "o-1"})
    kept = Submission.objects.filter(token=token).order_by("pk").values_list("fields", flat=True)
    assert list(kept) == [{"CustomerId": value, "OrderId": "o-1"} for value in ("C-7", 7, "7 ")]
    assert "submissions 2" in run("erase_person", "7", "--yes")
    assert [each for each in kept.all() if each] == [{"CustomerId": "C-7", "OrderId": "o-1"}]


def test_what_waits_goes_out_without_personal_values(customers_action: Action) -> None:
    Delivery.objects.update(state=Delivery.State.READY)

    run("erase_person", CUSTOMER, "--yes")

    delivery = Delivery.objects.get(action=customers_action)
    assert (delivery.state, delivery.parameters) == ("ready", {})
    assert rows_with(MARK) == {}


def test_what_is_being_sent_is_waited_for_and_its_text_goes_too(customers_action: Action) -> None:
    delivery = Delivery.objects.get(action=customers_action)
    Delivery.objects.filter(pk=delivery.pk).update(**SENDING)

    def sleep(_seconds: float) -> None:
        """Meanwhile the request comes back, and is recorded."""
        Attempt.objects.filter(delivery=delivery).update(response_body=f"seen {MARK}")
        Delivery.objects.filter(pk=delivery.pk).update(**SENT)

    erase(CUSTOMER, sleep)

    assert rows_with(MARK) == {}


def test_what_never_comes_back_is_told_and_the_customer_can_be_found_again(customers_action: Action) -> None:
    Delivery.objects.filter(action=customers_action).update(**SENDING)

    with pytest.raises(StillSendingError, match="Run the command again in a minute"):
        erase(CUSTOMER, lambda _seconds: None)

    customers_action.refresh_from_db()
    assert customers_action.reported == {"PromoCode": "HARBOR10", "CustomerId": CUSTOMER}
    Delivery.objects.filter(action=customers_action).update(**SENT)
    erase(CUSTOMER)
    assert rows_with(MARK) == {}


def test_what_was_answered_and_is_not_recorded_yet_is_exported_and_erased(customers_action: Action) -> None:
    token, tracker = create_token("Till")[0], make_tracker()
    queued(token, "conversion", **report_fields(tracker, OrderId="o-q", CustomerId=CUSTOMER, Text50=MARK))
    assert len(json.loads(run("export_person", CUSTOMER))["actions"]) == 2
    queued(token, "conversion", **report_fields(tracker, OrderId="o-r", CustomerId=CUSTOMER, Text50=MARK))
    assert "actions 3" in run("erase_person", CUSTOMER, "--yes")
    assert rows_with(MARK) == {}


def test_what_cannot_be_recorded_yet_is_told_and_all_else_erased(
    customers_action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(create_token("Till")[0], "conversion", **report_fields(make_tracker(), CustomerId=CUSTOMER, Text50=MARK))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("actions.intake.catch_up.record_queued", lambda _found: {})  # Others hold its rows.
        with pytest.raises(CommandError, match="1 reports were answered and cannot be recorded yet"):
            run("erase_person", CUSTOMER, "--yes")
    assert rows_with(MARK) == {"actions_queuedreport": 1}
    run("erase_person", CUSTOMER, "--yes")
    assert rows_with(MARK) == {}
