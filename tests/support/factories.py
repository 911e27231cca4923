"""Rows and reports for tests: plain functions with sensible defaults; what a test is about, it passes itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from auditlog.context import disable_auditlog
from django.db.models import Model

from actions.models import ActionEvent
from actions.recording.record import record
from actions.recording.results import Recorded, Result
from actions.reports.report import Report, parse_report
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, ExchangeRate, InAppEvent, Partner, Program
from postbacks.models import Postback

_numbers = itertools.count(1)
_Row = TypeVar("_Row", bound=Model)


def _create(model: type[_Row], **fields: Any) -> _Row:
    """A row that is there when a test begins. The log of changes says nothing of it unless the test uses the fixture
    `history`: writing that takes longer than the row."""
    with disable_auditlog():
        return model._default_manager.create(**fields)


def make_program(**fields: Any) -> Program:
    return _create(Program, **{"name": f"Program {next(_numbers)}", "currency": "USD", **fields})


def make_tracker(program: Program | None = None, *, in_app_events: Sequence[str] = (), **fields: Any) -> ActionTracker:
    """An event type; with `in_app_events` it is a mobile app."""
    kind = ActionTracker.Kind.MOBILE_APP if in_app_events else ActionTracker.Kind.WEB
    defaults = {"program": program or make_program(), "name": f"Event type {next(_numbers)}", "kind": kind}
    tracker = _create(ActionTracker, **{**defaults, **fields})
    for code in in_app_events:
        _create(InAppEvent, action_tracker=tracker, code=code)
    return tracker


def make_partner(**fields: Any) -> Partner:
    return _create(Partner, **{"name": f"Partner {next(_numbers)}", "currency": "USD", **fields})


def make_contract(partner: Partner, program: Program, **fields: Any) -> Contract:
    """A contract that has no end and began before every date in the tests."""
    return _create(Contract, **{"partner": partner, "program": program, "start": date(2020, 1, 1), **fields})


def make_term(
    tracker: ActionTracker, partner: Partner | None = None, payout: str = "8%", **fields: Any
) -> ContractTerm:
    """A term for `tracker` in the partner's contract with its program, which is made if there is none."""
    partner = partner or make_partner()
    contract = fields.pop("contract", None) or Contract.objects.filter(partner=partner, program=tracker.program).first()
    payout_type = ContractTerm.PayoutType.PERCENTAGE if payout.endswith("%") else ContractTerm.PayoutType.FLAT
    return _create(
        ContractTerm,
        contract=contract or make_contract(partner, tracker.program),
        action_tracker=tracker,
        payout_type=payout_type,
        payout=Decimal(payout.removesuffix("%")),
        **fields,
    )


def make_rate(source: str, target: str, rate: str, day: date = date(2020, 1, 1)) -> ExchangeRate:
    return _create(ExchangeRate, from_currency=source, to_currency=target, rate=Decimal(rate), date=day)


def make_media_source(**fields: Any) -> MediaSource:
    return _create(MediaSource, **{"name": f"Network {next(_numbers)}", **fields})


def make_postback(tracker: ActionTracker, owner: Partner | MediaSource, **fields: Any) -> Postback:
    """A GET postback of `owner` for `tracker`."""
    defaults: dict[str, Any] = {
        "partner" if isinstance(owner, Partner) else "media_source": owner,
        "action_tracker": tracker,
        "name": f"Postback {next(_numbers)}",
        "url": "https://receiver.example/in?action={ActionId}",
        "method": Postback.Method.GET,
    }
    return _create(Postback, **{**defaults, **fields})


def report_fields(tracker: ActionTracker, partner: Partner | None = None, **fields: Any) -> dict[str, Any]:
    """The fields of a report of a new action, as a sender writes them; None leaves a field out."""
    defaults = {
        "CampaignId": tracker.program_id,
        "ActionTrackerId": tracker.pk,
        "EventDate": "2026-11-20T10:00:00Z",
        "OrderId": f"ORDER-{next(_numbers)}",
        "MediaPartnerId": partner.pk if partner else None,
    }
    return {name: value for name, value in {**defaults, **fields}.items() if value is not None}


def make_report(tracker: ActionTracker, partner: Partner | None = None, **fields: Any) -> Report:
    return parse_report(report_fields(tracker, partner, **fields))


def record_action(tracker: ActionTracker, partner: Partner | None = None, **fields: Any) -> ActionEvent:
    """Record a new action; its first event."""
    return recorded_event(record([make_report(tracker, partner, **fields)])[0])


def record_change(event: ActionEvent, kind: str, **fields: Any) -> ActionEvent:
    """Record a change of the action of `event`; the event of the change."""
    return recorded_event(record([parse_report({"Event": kind, "ActionId": event.action.action_id, **fields})])[0])


def recorded_event(outcome: Result) -> ActionEvent:
    """The event of a report that was recorded; anything else fails the test."""
    assert isinstance(outcome, Recorded), outcome
    return outcome.event
