"""Who is credited with a new action, and by which contract term."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from actions.reports.rejected import Rejected
from actions.reports.report import Report
from partners import setup_version
from partners.models import ActionTracker, Contract, ContractTerm, InAppEvent, Partner, Program

ContractAndTerms = tuple[Contract, list[ContractTerm]]


@dataclass(frozen=True, slots=True)
class Credit:
    """The partner and the term that pays it, or the reason code why nobody is paid."""

    partner: Partner | None = None
    term: ContractTerm | None = None
    no_payout_reason: str = ""


class Placement(NamedTuple):
    """Where a new action belongs: its event type, and who is credited with it."""

    tracker: ActionTracker
    credit: Credit
    day: date  # Of its event date, as reported.


@dataclass(slots=True)
class Engagements:
    """What reports refer to: programs, event types, partners and the contracts between them, as far as read."""

    programs: dict[int, Program] = field(default_factory=dict)
    trackers: dict[int, ActionTracker] = field(default_factory=dict)
    partners: dict[int, Partner] = field(default_factory=dict)
    contracts: dict[tuple[int, int], list[ContractAndTerms]] = field(default_factory=dict)  # Of (partner, program).

    def place_all(self, reports: Sequence[Report]) -> list[Placement | Rejected]:
        """Where the new action of each report belongs, or why nowhere. Those that belong together share a placement."""
        found: dict[tuple[Any, ...], Placement] = {}
        placed: list[Placement | Rejected] = []
        for report in reports:
            # All that `place` looks at.
            key = (
                *(report.campaign_id, report.action_tracker_id, report.partner_id, report.event_code),
                *(report.event_date and report.event_date.date(), bool(report.media_source_ids), report.programs),
            )
            placement = found.get(key)
            if placement is None:
                try:
                    placement = found[key] = self.place(report)
                except Rejected as refusal:
                    placed.append(refusal)
                    continue
            placed.append(placement)
        return placed

    def place(self, report: Report) -> Placement:
        """Where the new action of `report` belongs.

        Raises:
            Rejected: as `tracker_of`.
        """
        if report.event_date is None:
            raise ValueError("A new action has an event date.")
        day = report.event_date.date()
        tracker = self.tracker_of(report)
        return Placement(tracker, self.credit(report, tracker, day), day)

    def tracker_of(self, report: Report) -> ActionTracker:
        """The event type of a new action, with its program.

        Raises:
            Rejected: program or event type do not exist or do not belong together, the event type is not active, or the
            in-app event is unknown.
        """
        program = self.programs.get(report.campaign_id or 0)
        if program is None:
            raise Rejected("CAMPAIGN_NOT_FOUND", f"There is no program {report.campaign_id}.", "CampaignId")
        tracker = self.trackers.get(report.action_tracker_id or 0)
        if tracker is None or (report.programs is not None and tracker.program_id not in report.programs):
            raise Rejected(
                "ACTIONTRACKER_NOT_FOUND", f"There is no event type {report.action_tracker_id}.", "ActionTrackerId"
            )
        if tracker.program_id != program.pk:
            raise Rejected(
                "ACTIONTRACKER_CAMPAIGN_MISMATCH",
                f"The event type {tracker.pk} belongs to the program {tracker.program_id}, not to {program.pk}.",
                "ActionTrackerId",
            )
        if not tracker.active:
            raise Rejected(
                "ACTIONTRACKER_NOT_ACTIVE",
                f"The event type {tracker.pk} is not active, so it takes no new actions. Activate it and report again.",
                "ActionTrackerId",
            )
        if tracker.is_mobile_app:
            _check_event_code(tracker, report.event_code)
        return tracker

    def credit(self, report: Report, tracker: ActionTracker, day: date) -> Credit:
        """Who is paid for an action of `tracker` on `day`, the day of its event date as reported."""
        if report.partner_id is None:
            return Credit(no_payout_reason="UNCLAIMED" if report.media_source_ids else "NO_VALID_ACTION_REF")
        partner = self.partners.get(report.partner_id)
        contracts = self.contracts.get((partner.pk, tracker.program_id), []) if partner else []
        # A sender that may report in some programs only does not learn which partners the others have.
        if partner is None or (report.programs is not None and not contracts):
            return Credit(no_payout_reason="PARTNER_NOT_FOUND")
        return credited(partner, contracts, tracker, day)


def credited(partner: Partner, contracts: Sequence[ContractAndTerms], tracker: ActionTracker, day: date) -> Credit:
    """What the partner gets for an action of `tracker` on `day`, by its contracts with the program."""
    if not partner.active:
        return Credit(partner, no_payout_reason="PARTNER_NOT_ACTIVE")
    for contract, terms in contracts:
        if contract.start <= day and (contract.end is None or day <= contract.end):
            holding = [term for term in terms if term.action_tracker_id == tracker.pk and term.holds_on(day)]
            if not holding:
                return Credit(partner, no_payout_reason="ACTIONTERMS_NOT_FOUND")
            # A scheduled one, of which there is one a day at most, before the usual one.
            return Credit(partner, max(holding, key=lambda term: term.start is not None))
    return Credit(partner, no_payout_reason="CONTRACT_NOT_FOUND")


def _check_event_code(tracker: ActionTracker, code: str) -> None:
    """An app tells its events apart by code, and every app has installs."""
    known = {InAppEvent.INSTALL, *(each.code for each in tracker.in_app_events.all())}
    if code not in known:
        codes = ", ".join(sorted(known))
        problem = f"{code!r} is no in-app event of {tracker.name}" if code else "a mobile app's action needs one"
        raise Rejected("EVENT_CODE_NOT_FOUND", f"EventCode: {problem}; expected is one of {codes}.", "EventCode")


_kept = setup_version.PerVersion(Engagements)


def load_trackers(ids: Collection[int], version: int) -> dict[int, ActionTracker]:
    """These event types, and all that are kept, with their programs; no query for what is kept."""
    kept = _kept.at(version)
    missing = set(ids) - kept.trackers.keys()
    if missing:
        found = ActionTracker.objects.select_related("program").prefetch_related("in_app_events")
        kept.trackers.update(found.in_bulk(missing))
    return kept.trackers


def load_engagements(reports: Sequence[Report], version: int) -> Engagements:
    """Everything that the new actions among `reports` refer to; five queries or fewer, none for what is kept.

    `version` is the set-up's, read in this transaction before.
    """
    kept = _kept.at(version)
    programs = {report.campaign_id for report in reports} - {None, *kept.programs}
    if programs:
        kept.programs.update(Program.objects.in_bulk(programs))
    load_trackers({report.action_tracker_id for report in reports if report.action_tracker_id is not None}, version)
    partners = {report.partner_id for report in reports} - {None, *kept.partners}
    if partners:
        kept.partners.update(Partner.objects.in_bulk(partners))
    pairs = {(report.partner_id, report.campaign_id) for report in reports} - kept.contracts.keys()
    asked = [(partner, program) for partner, program in pairs if partner in kept.partners and program in kept.programs]
    if asked:
        _load_contracts(kept, asked)
    return kept


def _load_contracts(kept: Engagements, pairs: Sequence[tuple[int | None, int | None]]) -> None:
    found: dict[tuple[int, int], list[ContractAndTerms]] = {
        (partner, program): [] for partner, program in pairs if partner is not None and program is not None
    }
    of_any = Contract.objects.filter(
        partner__in={partner for partner, _ in found}, program__in={program for _, program in found}
    )
    for contract in of_any.select_related("partner").prefetch_related("terms__category_payouts"):
        if (contract.partner_id, contract.program_id) in found:
            found[contract.partner_id, contract.program_id].append((contract, list(contract.terms.all())))
    kept.contracts.update(found)
