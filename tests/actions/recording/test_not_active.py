"""Partners and event types that are switched off: what that means for new and for recorded actions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from actions.models import Action, Submission
from partners.models import ActionTracker, AttributionRule, Partner
from postbacks.models import Delivery, Postback
from postbacks.replay.selection import Selection, candidates
from tests.support.api import Caller
from tests.support.factories import make_media_source, make_postback, record_action, record_change, report_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Caller:
    return Caller()


def switch(row: Partner | ActionTracker, *, active: bool) -> None:
    row.active = active
    row.save(update_fields=["active"])


def test_a_partner_that_is_not_active_is_credited_and_paid_nothing(
    call: Caller, tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    network = make_postback(tracker, make_media_source())
    switch(partner, active=False)
    told = call.submission(call.form("POST", "Conversions", **report_fields(tracker, partner, Amount="100")))
    assert (told["Result"], told["ErrorReason"]) == ("recorded", "PARTNER_NOT_ACTIVE")
    action = Action.objects.get()
    assert (action.partner, action.payout, action.amount) == (partner, 0, 100)
    assert call("GET", f"Actions/{action.action_id}").json()["NoPayoutReason"] == "PARTNER_NOT_ACTIVE"
    assert set(Delivery.objects.values_list("postback", flat=True)) == {network.pk}
    switch(partner, active=True)
    call.form("PUT", "Actions", ActionId=action.action_id, Amount="50")
    action.refresh_from_db()
    assert (action.payout, action.amount) == (0, 50)  # As it was agreed when it was recorded.
    call.submission(call.form("POST", "Conversions", **report_fields(tracker, partner, Amount="100")))
    assert Action.objects.latest("id").payout == 8


def test_recorded_actions_of_a_partner_that_is_not_active_any_more_go_on(
    tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    event = record_action(tracker, partner, Amount="100")
    switch(partner, active=False)
    switch(tracker, active=False)
    assert record_change(event, "modified", Amount="50").parameters["Payout"] == "4.00"
    assert record_change(event, "reversed").parameters["Payout"] == "0.00"
    assert record_change(event, "restored").parameters["Payout"] == "4.00"
    assert Delivery.objects.filter(postback=postback).count() == 4


def test_a_rule_that_leads_to_a_partner_that_is_not_active_decides(
    call: Caller, tracker: ActionTracker, partner: Partner
) -> None:
    other = Partner.objects.create(name="Another", currency="USD")
    AttributionRule.objects.create(key="promo_code", value="HARBOR10", partner=partner)
    AttributionRule.objects.create(key="customer_id", value="c-1", partner=other)
    switch(partner, active=False)
    fields = report_fields(tracker, PromoCode="harbor10", CustomerId="c-1")
    assert call.submission(call.form("POST", "Conversions", **fields))["ErrorReason"] == "PARTNER_NOT_ACTIVE"
    assert Action.objects.get().partner == partner


def test_an_event_type_that_is_not_active_takes_no_new_actions(
    call: Caller, tracker: ActionTracker, tmp_path: Path, root: Client
) -> None:
    switch(tracker, active=False)
    fields = report_fields(tracker, OrderId="o")
    told = call.submission(call.form("POST", "Conversions", **fields))
    assert (told["Result"], told["ErrorReason"]) == ("rejected", "ACTIONTRACKER_NOT_ACTIVE")
    path = tmp_path / "sales.jsonl"
    path.write_text(json.dumps(fields))
    with pytest.raises(CommandError, match="1 of the lines were rejected"):
        call_command("import_actions", str(path), jobs=1)
    page = root.post("/admin/actions/action/report/", {"text": json.dumps(fields), "record": "1"})
    assert "ACTIONTRACKER_NOT_ACTIVE" in page.content.decode()
    assert not Action.objects.exists()
    switch(tracker, active=True)
    call_command("process_submissions", told["Id"])
    assert Submission.objects.get().action == Action.objects.get()


def test_a_replay_sends_what_was_recorded_whatever_is_active_now(tracker: ActionTracker, partner: Partner) -> None:
    before = record_action(tracker, partner, Amount="100")
    switch(partner, active=False)
    record_action(tracker, partner, Amount="100")
    later = make_postback(tracker, partner)
    switch(tracker, active=False)
    text, parameters = candidates(Selection(to_postback=later.pk))
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        assert [row[2] for row in cursor.fetchall()] == [before.pk]


def test_the_switches_are_in_the_admin_and_the_configuration_file(
    root: Client, tracker: ActionTracker, partner: Partner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root.post(f"/admin/partners/partner/{partner.pk}/change/", {"name": "Compass", "currency": "USD"} | NO_CONTRACTS)
    partner.refresh_from_db()
    assert not partner.active
    call_command("dump_config")
    dumped = capsys.readouterr().out
    assert dumped.count("active: false") == 1
    path = tmp_path / "config.yaml"
    named = "name: Online Sale"
    path.write_text(dumped.replace("active: false", "active: true").replace(named, f"{named}\n        active: false"))
    call_command("load_config", str(path))
    partner.refresh_from_db()
    tracker.refresh_from_db()
    assert (partner.active, tracker.active) == (True, False)


NO_CONTRACTS = {"contracts-TOTAL_FORMS": "0", "contracts-INITIAL_FORMS": "0"}
