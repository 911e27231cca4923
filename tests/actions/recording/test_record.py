"""The door: what is refused, what is a repeat, who is credited; whole under concurrency."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from actions.models import Action, ActionEvent
from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult, Repeated, Result
from actions.reports.report import Report, parse_report
from actions.signals import action_events_recorded
from partners.models import ActionTracker, Contract, ContractTerm
from tests.support.factories import (
    make_contract,
    make_partner,
    make_program,
    make_rate,
    make_report,
    make_term,
    make_tracker,
    record_action,
    record_change,
    recorded_event,
)


def at(date: str, order_id: str = "A") -> dict[str, Any]:
    return {"OrderId": order_id, "EventDate": date}


def code(outcome: Result) -> str:
    assert isinstance(outcome, RejectedResult), outcome
    return outcome.reason_code


def in_threads(jobs: list[list[Report]]) -> list[list[Result]]:
    """Record each list of reports in a thread of its own, all at the same moment."""
    barrier = threading.Barrier(len(jobs))
    results: list[list[Result]] = [[] for _ in jobs]

    def run(index: int, reports: list[Report]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            results[index] = record(reports)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def wait_for_blocked_connections(count: int) -> None:
    """Wait until so many connections wait for a lock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] == count:
                return
        time.sleep(0.01)
    raise AssertionError(f"Never were {count} connections blocked.")


@pytest.mark.django_db
def test_an_order_id_repeats_only_within_the_window_of_its_event_type() -> None:
    tracker = make_tracker(dedup_window_days=30)
    first = record_action(tracker, **at("2026-03-01T12:00:00Z"))
    repeats = ["2026-03-31T11:59:59Z", "2026-01-30T12:00:01Z", "2026-03-31T13:59:59+02:00"]
    assert record([make_report(tracker, **at(date)) for date in repeats]) == [Repeated(first.action)] * 3
    fresh = ["2026-03-31T12:00:00Z", "2026-01-30T12:00:00Z"]
    events = [recorded_event(outcome) for outcome in record([make_report(tracker, **at(date)) for date in fresh])]
    assert [event.action.order_repeat for event in events] == [1, 2]
    recorded_event(record([make_report(make_tracker(tracker.program), **at("2026-03-01T12:00:00Z"))])[0])
    assert Action.objects.count() == 4


@pytest.mark.django_db
def test_a_repeat_changes_nothing() -> None:
    tracker = make_tracker()
    record_action(tracker, OrderId="A", Amount="5", Note="first")
    before = list(Action.objects.values())
    record([make_report(tracker, OrderId="A", Amount="9", Note="second")])
    assert list(Action.objects.values()) == before
    assert ActionEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_twenty_reports_of_an_order_at_the_same_moment_one_is_recorded() -> None:
    tracker = make_tracker()
    results = in_threads([[make_report(tracker, OrderId="A")] for _ in range(20)])
    assert Counter(type(outcome) for outcomes in results for outcome in outcomes) == {Recorded: 1, Repeated: 19}
    assert Action.objects.count() == 1
    assert ActionEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_batches_with_the_same_orders_in_opposite_order_do_not_wait_in_a_circle() -> None:
    tracker = make_tracker()
    reports = [make_report(tracker, OrderId=each) for each in "AMZ"]
    results: list[list[Result]] = []

    def run(batch: list[Report]) -> None:
        try:
            results.append(record(batch))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[batch]) for batch in (reports, reports[::-1])]
    with transaction.atomic():
        record([reports[1]])
        for thread in threads:
            thread.start()
        wait_for_blocked_connections(2)  # Each has inserted what comes before the order in the middle.
        transaction.set_rollback(True)
    for thread in threads:
        thread.join(30)
    outcomes = [outcome for result in results for outcome in result]
    assert Counter(type(outcome) for outcome in outcomes) == {Recorded: 3, Repeated: 3}
    assert Action.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_changes_of_an_action_at_the_same_moment_come_one_after_the_other() -> None:
    first = record_action(make_tracker(), Items=[{"Sku": "X", "SubTotal": "100"}])
    change = {"Event": "modified", "ActionId": first.action.action_id, "Items": [{"Sku": "X", "SubTotalDelta": "1"}]}
    in_threads([[parse_report(change)] for _ in range(10)])
    events = list(ActionEvent.objects.order_by("id"))
    assert [event.number for event in events] == list(range(1, 12))
    assert [event.parameters["Amount"] for event in events] == [f"{100 + count}.00" for count in range(11)]
    assert Action.objects.get().amount == Decimal("110.00")


@pytest.mark.django_db(transaction=True)
def test_a_change_holds_the_action_until_it_is_committed() -> None:
    first = record_action(make_tracker(), Amount="5")
    second: list[Result] = []
    change = parse_report({"Event": "modified", "ActionId": first.action.action_id, "Amount": "6"})

    def reverse() -> None:
        try:
            second.extend(record([parse_report({"Event": "reversed", "ActionId": first.action.action_id})]))
        finally:
            connection.close()

    thread = threading.Thread(target=reverse)
    with transaction.atomic():
        modified = recorded_event(record([change])[0])
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(30)
    reversed_event = recorded_event(second[0])
    assert reversed_event.pk > modified.pk
    assert reversed_event.parameters["DeltaAmount"] == "-6.00"


@pytest.mark.django_db
def test_a_refused_report_does_not_undo_the_others() -> None:
    tracker = make_tracker()
    good, also_good = make_report(tracker), make_report(tracker)
    outcomes = record([good, make_report(tracker, CampaignId=999_999), also_good])
    assert [type(outcome) for outcome in outcomes] == [Recorded, RejectedResult, Recorded]
    assert Action.objects.count() == 2


@pytest.mark.django_db
def test_the_same_report_may_stand_in_a_call_more_than_once() -> None:
    tracker = make_tracker()
    good, without_rate = make_report(tracker), make_report(tracker, CurrencyCode="GBP", Amount="1")
    outcomes = record([without_rate, without_rate, good, good])
    assert [type(outcome) for outcome in outcomes] == [RejectedResult, RejectedResult, Recorded, Repeated]


@pytest.mark.django_db
def test_program_and_event_type_must_exist_and_belong_together() -> None:
    tracker, other = make_tracker(), make_program()
    outcomes = record(
        [
            make_report(tracker, CampaignId=999_999),
            make_report(tracker, ActionTrackerId=999_999),
            make_report(tracker, CampaignId=other.pk),
        ]
    )
    assert [code(outcome) for outcome in outcomes] == [
        "CAMPAIGN_NOT_FOUND",
        "ACTIONTRACKER_NOT_FOUND",
        "ACTIONTRACKER_CAMPAIGN_MISMATCH",
    ]
    assert Action.objects.count() == 0


@pytest.mark.django_db
def test_a_mobile_app_takes_its_own_in_app_events_and_installs() -> None:
    tracker = make_tracker(in_app_events=["SALE", "SIGN-UP"])
    outcomes = record([make_report(tracker, EventCode=each) for each in ("SALE", "INSTALL", "sale", None)])
    assert [recorded_event(outcome).parameters["EventCode"] for outcome in outcomes[:2]] == ["SALE", "INSTALL"]
    assert [code(outcome) for outcome in outcomes[2:]] == ["EVENT_CODE_NOT_FOUND"] * 2
    assert isinstance(outcomes[2], RejectedResult)
    assert outcomes[2].message.endswith("expected is one of INSTALL, SALE, SIGN-UP.")


@pytest.mark.django_db
def test_an_action_that_nobody_is_paid_for_is_recorded_with_the_reason() -> None:
    tracker = make_tracker()
    with_term, without_term, without_contract = make_partner(), make_partner(), make_partner()
    make_term(tracker, with_term, "5.00")
    make_contract(without_term, tracker.program)
    reports = [
        make_report(tracker, with_term),
        make_report(tracker, without_term),
        make_report(tracker, without_contract),
        make_report(tracker, MediaPartnerId=999_999),
        make_report(tracker, MediaSourceIds=[4001]),
        make_report(tracker),
    ]
    actions = [recorded_event(outcome).action for outcome in record(reports)]
    assert [(action.no_payout_reason, action.payout) for action in actions] == [
        ("", Decimal("5.00")),
        ("ACTIONTERMS_NOT_FOUND", Decimal("0.00")),
        ("CONTRACT_NOT_FOUND", Decimal("0.00")),
        ("PARTNER_NOT_FOUND", Decimal("0.00")),
        ("UNCLAIMED", Decimal("0.00")),
        ("NO_VALID_ACTION_REF", Decimal("0.00")),
    ]
    assert [action.partner_id for action in actions] == [
        with_term.pk,
        without_term.pk,
        without_contract.pk,
        None,
        None,
        None,
    ]
    assert actions[3].reported == {"MediaPartnerId": "999999"}
    parameters = ActionEvent.objects.get(action=actions[3]).parameters
    assert "MediaPartnerId" not in parameters
    assert "ReferringType" not in parameters
    assert parameters["LockingDate"] == "2026-12-20T10:00:00+00:00"
    assert parameters["ClearedDate"] == "2027-01-04T10:00:00+00:00"


@pytest.fixture
def contract(db: None) -> Contract:
    """A contract for the year 2026 with a term."""
    tracker, partner = make_tracker(), make_partner()
    contract = make_contract(partner, tracker.program, start=date(2026, 1, 1), end=date(2026, 12, 31))
    make_term(tracker, partner, "5.00", contract=contract)
    return contract


@pytest.mark.parametrize(
    ("event_date", "paid"),
    [
        ("2026-01-01T00:00:00Z", True),
        ("2025-12-31T23:59:59Z", False),
        ("2026-12-31T23:59:59Z", True),
        ("2027-01-01T00:00:00Z", False),
        ("2026-12-31T23:30:00-07:00", True),  # The next year in UTC, but its own day is the last one.
        ("2027-01-01T00:30:00+07:00", False),  # Still the old year in UTC.
    ],
)
def test_a_contract_counts_both_its_days_as_the_event_date_was_reported(
    contract: Contract, event_date: str, paid: bool
) -> None:
    action = record_action(ActionTracker.objects.get(), contract.partner, EventDate=event_date).action
    assert action.no_payout_reason == ("" if paid else "CONTRACT_NOT_FOUND")


def test_reports_of_one_partner_that_are_recorded_together_keep_their_own_days_and_currencies(
    contract: Contract,
) -> None:
    tracker = ActionTracker.objects.get()
    make_rate("JPY", "USD", "0.01")
    told = [("2026-06-01", "USD"), ("2027-06-01", "USD"), ("2026-06-01", "JPY"), ("2026-06-01", "USD")]
    reports = [
        make_report(tracker, contract.partner, EventDate=day, CurrencyCode=currency, Amount="500")
        for day, currency in told
    ]
    events = [recorded_event(outcome) for outcome in record(reports)]
    assert [event.action.no_payout_reason for event in events] == ["", "CONTRACT_NOT_FOUND", "", ""]
    assert [event.parameters["OriginalAmount"] for event in events] == ["500.00", "500.00", "500", "500.00"]
    assert [event.parameters["Amount"] for event in events] == ["500.00", "500.00", "5.00", "500.00"]
    assert [event.parameters["OriginalCurrency"] for event in events] == ["USD", "USD", "JPY", "USD"]


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_batch() -> None:
    tracker, partner = make_tracker(), make_partner(currency="EUR")
    make_term(tracker, partner, "5.00")

    def batch(size: int) -> list[Report]:
        items = [{"Sku": "X", "SubTotal": "1"}, {"Sku": "Y", "SubTotal": "2"}]
        return [make_report(tracker, partner, Items=items) for _ in range(size)]

    record(batch(1))  # What is kept of the set-up is read now.
    counts = []
    for size in (20, 60):  # Fewer rows go together.
        with CaptureQueriesContext(
            connection,
        ) as created:
            events = [recorded_event(outcome) for outcome in record(batch(size))]
        changes = [
            parse_report(
                {"Event": "modified", "ActionId": each.action.action_id, "Items": [{"Sku": "X", "SubTotal": 3}]}
            )
            for each in events
        ]
        with CaptureQueriesContext(connection) as changed:
            record(changes)
        counts.append((len(created), len(changed)))
    assert counts[0] == counts[1]
    assert Action.objects.filter(amount=5).count() == 80


@pytest.fixture
def signals() -> Iterator[list[list[ActionEvent]]]:
    received: list[list[ActionEvent]] = []

    def receive(*, events: list[ActionEvent], **_: object) -> None:
        received.append(events)

    action_events_recorded.connect(receive)
    yield received
    action_events_recorded.disconnect(receive)


@pytest.mark.django_db
def test_the_events_of_a_call_are_announced_once_in_their_order(signals: list[list[ActionEvent]]) -> None:
    tracker = make_tracker()
    reports = [make_report(tracker, OrderId=each) for each in ("B", "A", "B", "C")]
    record([*reports, parse_report({"Event": "modified", "ActionTrackerId": tracker.pk, "OrderId": "A", "Note": "x"})])
    (events,) = signals
    assert [event.parameters["Oid"] for event in events] == ["B", "A", "C", "A"]
    assert [event.pk for event in events] == sorted(event.pk for event in events)
    record([reports[0]])
    record([])
    assert len(signals) == 1


@pytest.mark.django_db
def test_a_receiver_that_fails_undoes_the_recording() -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("no")

    action_events_recorded.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            record([make_report(make_tracker())])
    finally:
        action_events_recorded.disconnect(fail)
    assert Action.objects.count() == 0


class TestLimits:
    """Monthly limits of a term."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_beyond_the_action_limit_the_payout_is_zero_and_the_intended_one_tells(self) -> None:
        tracker, partner = make_tracker(), make_partner()
        make_term(tracker, partner, "12.00", monthly_action_limit=2)
        dates = ["2026-11-01T00:00:00Z", "2026-11-30T23:59:00-07:00", "2026-11-30T23:59:00Z", "2026-12-01T00:00:00Z"]
        events = [record_action(tracker, partner, EventDate=each) for each in dates]
        assert [event.parameters["Payout"] for event in events] == ["12.00", "12.00", "0.00", "12.00"]
        assert [event.parameters["IntendedPayout"] for event in events] == ["12.00"] * 4
        assert events[2].action.no_payout_reason == "OVERLIMIT_ACTIONCAP"
        assert events[2].action.contract_term is not None
        changed = record_change(events[2], "modified", Amount="50")
        assert changed.parameters["Payout"] == "0.00"

    def test_a_reversed_action_gives_its_place_back(self) -> None:
        tracker, partner = make_tracker(), make_partner()
        make_term(tracker, partner, "12.00", monthly_action_limit=1)
        record_change(record_action(tracker, partner), "reversed")
        assert record_action(tracker, partner).action.payout == Decimal("12.00")

    def test_the_payout_limit_is_not_passed(self) -> None:
        tracker, partner = make_tracker(), make_partner()
        make_term(tracker, partner, "10%", monthly_payout_limit=Decimal("10.00"))
        outcomes = record([make_report(tracker, partner, Amount=each) for each in ("60", "50", "40")])
        actions = [recorded_event(outcome).action for outcome in outcomes]
        assert [action.payout for action in actions] == [Decimal("6.00"), Decimal("0.00"), Decimal("4.00")]
        assert actions[1].no_payout_reason == "OVERLIMIT_BUDGET"

    def test_recordings_at_the_same_moment_do_not_pass_a_limit_together(self) -> None:
        tracker, partner = make_tracker(), make_partner()
        make_term(tracker, partner, "1.00", monthly_action_limit=5)
        in_threads([[make_report(tracker, partner)] for _ in range(12)])
        assert Action.objects.filter(payout=1).count() == 5
        assert Action.objects.count() == 12


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_set_up_counts_from_its_commit_on() -> None:
    tracker, partner = make_tracker(), make_partner()

    def payout() -> Decimal:
        found: Decimal = recorded_event(record([make_report(tracker, partner, Amount="100.00")])[0]).action.payout
        return found

    assert payout() == 0, "no contract"
    term = make_term(tracker, partner, "8")
    assert payout() == 8
    ContractTerm.objects.filter(pk=term.pk).update(payout="9")
    assert payout() == 9
    with transaction.atomic():
        ContractTerm.objects.filter(pk=term.pk).update(payout="10")
        assert payout() == 10, "the transaction sees its own change"
        transaction.set_rollback(True)
    assert payout() == 9, "and nobody sees it after it was taken back"
    Contract.objects.update(start=date(2001, 1, 1), end=date(2001, 1, 2))
    assert payout() == 0
