"""One action's story without a database: made, changed, priced, and what its events say of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from actions.models import Action, ActionEvent
from actions.recording.action_state import ActionState, Currencies
from actions.recording.changes import work_out
from actions.recording.credit import Credit, Placement
from actions.recording.currency import Rates
from actions.recording.limits import Limits
from actions.recording.new_action import CLEAR_AFTER_DAYS, LOCK_AFTER_DAYS, new_action, template_of, within_limits
from actions.reports.rejected import Rejected
from actions.reports.report import Report, parse_report
from partners.models import ActionTracker, Contract, ContractTerm, Partner, Program

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
RATES = Rates([("EUR", "USD", DAY, Decimal("1.25")), ("GBP", "USD", DAY, Decimal("1.5"))])
TRACKER = ActionTracker(pk=2001, name="Sale", program=Program(pk=1000, name="Summit", currency="USD"))
PARTNER = Partner(pk=3001, name="Compass", currency="GBP")
NOBODY = Credit(no_payout_reason="NO_VALID_ACTION_REF")


def credit(payout: str = "10", **term: Any) -> Credit:
    contract = Contract(pk=1, partner=PARTNER, program=TRACKER.program)
    # No payouts by category; those would be looked up.
    paying = ContractTerm(
        pk=1,
        contract=contract,
        action_tracker=TRACKER,
        payout_type=ContractTerm.PayoutType.PERCENTAGE,
        payout=Decimal(payout),
        **term,
    )
    paying._prefetched_objects_cache = {"category_payouts": ()}  # type: ignore[attr-defined]
    return Credit(PARTNER, paying)


def report_new(**fields: Any) -> Report:
    return parse_report(
        {
            "CampaignId": 1000,
            "ActionTrackerId": 2001,
            "EventDate": "2026-11-20T10:42:38-07:00",
            "OrderId": "SS-1",
            "CurrencyCode": "EUR",
            **fields,
        }
    )


def create(report: Report, credited: Credit, limits: Limits | None = None) -> tuple[ActionState, ActionEvent]:
    state = new_action(158133, report, template_of(Placement(TRACKER, credited, DAY), report), repeat=0, now=NOW)
    kind, standing = work_out(state, report, RATES)
    return state, state.become(kind, within_limits(state, standing, limits or Limits({})))


def change(state: ActionState, event: str, **fields: Any) -> ActionEvent:
    kind, standing = work_out(state, parse_report({"Event": event, "ActionId": "1000.2001.158133", **fields}), RATES)
    return state.become(kind, standing)


def money(event: ActionEvent) -> list[str]:
    names = ("OriginalAmount", "Amount", "DeltaAmount", "Payout", "DeltaPayout")
    return [event.parameters[name] for name in names]


def test_a_new_action_is_priced_from_the_cart_to_the_program_to_the_partner() -> None:
    state, event = create(report_new(Items=[{"Sku": "A", "SubTotal": "100"}, {"Sku": "B", "SubTotal": "20"}]), credit())
    assert (event.kind, event.number) == ("created", 1)
    assert state.currencies == Currencies("EUR", "USD", "GBP")
    assert money(event) == ["120.00", "150.00", "150.00", "10.00", "10.00"]
    assert [line.amount for line in state.lines] == [Decimal("125.00"), Decimal("25.00")]
    assert (state.day, state.new, state.changed) == (DAY, True, True)


def test_a_new_action_that_nobody_is_paid_for_has_the_usual_dates_and_no_partner() -> None:
    state, event = create(report_new(Amount="10"), NOBODY)
    assert money(event) == ["10.00", "12.50", "12.50", "0.00", "0.00"]
    assert (state.currencies.partner, state.paying_term) == ("", None)
    action = state.action
    assert (action.locking_date - action.event_date).days == LOCK_AFTER_DAYS
    assert (action.clearing_date - action.event_date).days == CLEAR_AFTER_DAYS


def test_what_a_limit_forbids_is_noted_and_not_paid_later_either() -> None:
    state, event = create(report_new(Amount="10"), credit(monthly_action_limit=0))
    assert event.parameters["IntendedPayout"] == "0.83"
    assert event.parameters["Payout"] == "0.00"
    assert state.action.no_payout_reason == "OVERLIMIT_ACTIONCAP"
    assert money(change(state, "modified", Amount="20")) == ["20.00", "25.00", "12.50", "0.00", "0.00"]


def test_a_modification_prices_the_merged_lines_and_a_total_leaves_them_as_they_are() -> None:
    state, _ = create(report_new(Items=[{"Sku": "A", "SubTotal": "100"}, {"Sku": "B", "SubTotal": "20"}]), credit())
    assert money(change(state, "modified", Items=[{"Sku": "B", "SubTotalDelta": "-20"}])) == [
        *("100.00", "125.00", "-25.00"),
        *("8.33", "-1.67"),
    ]
    lines = state.lines
    assert money(change(state, "modified", Amount="60"))[:3] == ["60.00", "75.00", "-50.00"]
    assert state.lines == lines


def test_a_reversal_takes_all_back_and_a_restoration_brings_it_again() -> None:
    state, _ = create(report_new(Amount="120"), credit())
    assert money(change(state, "reversed", Reason="CONS_FRAUD")) == ["120.00", "0.00", "-150.00", "0.00", "-10.00"]
    assert (state.action.status, state.action.status_detail) == ("REVERSED", "CONS_FRAUD")
    assert money(change(state, "restored")) == ["120.00", "150.00", "150.00", "10.00", "10.00"]
    assert (state.action.status, state.events) == ("PENDING", 3)


def test_a_modification_to_nothing_is_a_reversal_of_what_had_an_amount() -> None:
    state, _ = create(report_new(Amount="120"), credit())
    assert change(state, "modified", Amount="0").kind == "reversed"
    empty, _ = create(report_new(Amount="0"), credit())
    kind, standing = work_out(empty, parse_report({"ActionId": "1.1.1", "Event": "modified", "Amount": "0"}), RATES)
    assert (kind, standing) == ("modified", empty.standing)


def test_what_is_so_already_is_the_same_standing_and_anything_else_is_not() -> None:
    state, _ = create(report_new(Amount="120", CustomerCity="Lyon"), credit())
    named = {"ActionId": "1000.2001.158133", "Event": "modified"}
    for fields in ({"Amount": "120"}, {"CustomerCity": "Lyon"}):
        assert work_out(state, parse_report({**named, **fields}), RATES)[1] == state.standing
    for fields in ({"Amount": "121"}, {"CustomerCity": "Nice"}, {"Amount": "120", "Reason": "X"}):
        assert work_out(state, parse_report({**named, **fields}), RATES)[1] != state.standing
    assert work_out(state, parse_report({**named, "MediaSourceIds": "7"}), RATES)[1].media_source_ids == [7]


@pytest.mark.parametrize(
    ("status", "fields", "code"),
    [
        (Action.Status.PENDING, {"Event": "restored"}, "ACTION_NOT_REVERSED"),
        (Action.Status.APPROVED, {"Event": "reversed"}, "ACTION_NOT_PENDING"),
        (Action.Status.REVERSED, {"Event": "modified", "Amount": "5"}, "ACTION_NOT_PENDING"),
        (Action.Status.PENDING, {"Event": "modified", "Items": [{"Sku": "B", "Quantity": 2}]}, "MALFORMED"),
        (Action.Status.PENDING, {"Event": "modified", "Amount": "5", "CurrencyCode": "CHF"}, "MALFORMED"),
        (Action.Status.PENDING, {"Event": "modified", "Items": [{"Sku": "A", "QuantityDelta": -9}]}, "MALFORMED"),
    ],
)
def test_a_refused_change_leaves_no_trace(status: str, fields: dict[str, Any], code: str) -> None:
    state, _ = create(report_new(Items=[{"Sku": "A", "SubTotal": "100"}]), credit())
    state.action.status = status
    before = (state.standing, state.events, state.before_reversal)
    with pytest.raises(Rejected) as caught:
        change(state, Reason="X", event=str(fields["Event"]), **{k: v for k, v in fields.items() if k != "Event"})
    assert caught.value.reason_code == code
    assert (state.standing, state.events, state.before_reversal) == before


def test_a_change_without_a_rate_to_the_partners_currency_leaves_no_trace() -> None:
    state, _ = create(report_new(Amount="120"), credit())
    before = state.standing
    with pytest.raises(Rejected, match="no exchange rate between USD and GBP"):
        work_out(
            state,
            parse_report({"ActionId": "1.1.1", "Event": "modified", "Amount": "5"}),
            Rates([("EUR", "USD", DAY, Decimal(1))]),
        )
    assert state.standing == before
