"""Whom an action is credited to and why, or why nobody; as it was decided when it came, and as it would be today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

from actions.models import Action, ActionEvent
from actions.recording.attribution import Rule, key_values, load_rules
from actions.recording.credit import ContractAndTerms, credited
from actions.recording.snapshot import as_reported
from actions.reports.known_names import ATTRIBUTION_FIELDS
from actions.reports.personal import HIDDEN, without_personal
from partners.models import AttributionRule, Contract, ContractTerm, Partner
from postbacks.why.changes import latest_change, when_and_who

_LIMITS = {
    "OVERLIMIT_ACTIONCAP": "It pays nothing, because the month's limit of actions of its contract term was reached. "
    "Postbacks fire all the same.",
    "OVERLIMIT_BUDGET": "It pays nothing, because the month's payout limit of its contract term was reached. "
    "Postbacks fire all the same.",
}
_MOST_CONTRACTS = 5  # Named; a partner has one or two with a program.


@dataclass(slots=True)
class Link:
    """A page of the admin by the name of its URL, its arguments and its query; who may open it is not decided here."""

    text: str
    permission: str
    url: str
    key: int | None = None
    query: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Told:
    """Sentences about an action's credit. `partner` is who is credited; `today` is empty where nothing has changed."""

    partner: Partner | None
    reasons: list[str] = field(default_factory=list)
    today: str = ""
    links: list[Link] = field(default_factory=list)


def credit_of(action: Action, *, personal: bool) -> Told:
    """About the credit of an action with its program, event type, partner and term loaded.

    Without `personal`, values that tell of a customer are hidden.
    """
    told = Told(action.partner)
    if action.partner is not None:
        _credited(told, action, action.partner, personal=personal)
    elif action.no_payout_reason == "PARTNER_NOT_FOUND":
        _unknown_partner(told, action)
    else:
        _nobody(told, action, personal=personal)
    return told


def hidden_among(action: Action, events: Iterable[ActionEvent]) -> list[str]:
    """A sentence about parameters that these events have and the event type hides; none if there are none."""
    values = [event.parameters for event in events]
    hidden = [name for name in action.action_tracker.hidden_parameters if any(each.get(name) for each in values)]
    return [f"The event type hides {', '.join(hidden)}: postbacks carry them empty."] if hidden else []


def _credited(told: Told, action: Action, partner: Partner, *, personal: bool) -> None:
    told.reasons.append(f"Credited to {partner}{_by_what(action, personal=personal)}.")
    code = action.no_payout_reason
    if code in _LIMITS:
        told.reasons.append(_LIMITS[code])
    elif code:
        told.reasons.append(_no_term(told, action, partner, code))


def _by_what(action: Action, *, personal: bool) -> str:
    referring_type = action.reported.get("ReferringType")
    if not referring_type:  # A rule that finds the partner notes one.
        return ", whom the report named"
    pairs = key_values(action.reported)
    rules = load_rules(set(pairs))
    for pair in pairs:
        if any(rule.partner_id == action.partner_id and _holds(rule, action) for rule in rules.get(pair, ())):
            return f", whom an attribution rule knows by the {_named(pair, personal=personal)}"
    return f" with the referring type {referring_type}"


def _holds(rule: Rule, action: Action) -> bool:
    return rule.holds(action.program_id, _day(action))


def _named(pair: tuple[str, str], *, personal: bool) -> str:
    """Such as `promo code HARBOR10`."""
    key, value = pair
    name = ATTRIBUTION_FIELDS[key]
    shown = value if personal else without_personal({name: value})[name]
    label = AttributionRule.Key(key).label
    return f"{label[:1].lower()}{label[1:]} {'' if shown == HIDDEN else shown}".rstrip()


def _day(action: Action) -> date:
    return as_reported(action.event_date, action.event_utc_offset_minutes).date()


def _unknown_partner(told: Told, action: Action) -> None:
    named = str(action.reported.get("MediaPartnerId", ""))
    told.reasons.append(
        f"Nobody is credited: the report named the partner {named}, who did not exist or has no contract."
    )
    now = Partner.objects.filter(pk=int(named)).first() if named.isdecimal() and len(named) < 19 else None
    if now is not None:
        made = latest_change(Partner, [now.pk], ["name"], action.created_at)
        told.today = f"Today {now} exists{f', since a change {when_and_who(made)}' if made else ''}."


def _nobody(told: Told, action: Action, *, personal: bool) -> None:
    pairs = key_values(action.reported)
    if not pairs:
        what = "click id, promo code, unique URL or customer"
        told.reasons.append(f"Nobody is credited: the report named no partner, and no {what} to know one by.")
        days: int = settings.PERSONAL_DATA_KEPT_DAYS
        if days and action.created_at < timezone.now() - timedelta(days=days):
            told.reasons.append(f"If it named a customer, that is not known any more: it is kept {days} days.")
        return
    told.reasons.append("Nobody is credited: the report named no partner, and no attribution rule found one.")
    rules = load_rules(set(pairs))
    ids = {rule.partner_id for found in rules.values() for rule in found}
    partners = Partner.objects.in_bulk(ids)
    for pair in pairs:
        known = rules.get(pair, [])
        named = _named(pair, personal=personal)
        holding = next((rule for rule in known if _holds(rule, action)), None)
        if holding is not None:
            told.today = told.today or f"Today a rule gives the {named} to {partners[holding.partner_id]}."
        elif known:
            others = "; ".join(_span(rule, partners) for rule in known[:_MOST_CONTRACTS])
            told.reasons.append(f"The {named} is known, but not for this program and day: {others}.")
        else:
            told.reasons.append(f"No rule knows the {named}.")
    told.links.append(Link("Add a rule", "partners.add_attributionrule", "admin:partners_attributionrule_add"))


def _span(rule: Rule, partners: dict[int, Partner]) -> str:
    begin = f" from {rule.start}" if rule.start else ""
    end = f" to {rule.end}" if rule.end else ""
    program = f" in the program {rule.program_id}" if rule.program_id else ""
    return f"{partners[rule.partner_id]}{program}{begin}{end}"


def _no_term(told: Told, action: Action, partner: Partner, code: str) -> str:
    contracts = _contracts(partner, action)
    today = credited(partner, contracts, action.action_tracker, _day(action))
    if code == "PARTNER_NOT_ACTIVE":
        off = latest_change(Partner, [partner.pk], ["active"])
        on = off is not None and partner.active
        if on and off is not None:
            told.today = f"Today the partner is active: it was activated {when_and_who(off)}."
        told.links.append(Link("The partner", "partners.view_partner", "admin:partners_partner_change", partner.pk))
        since = f" It was switched off {when_and_who(off)}." if off is not None and not on else ""
        return f"The partner was not active, so its postbacks did not fire.{since}"
    if today.term is not None:
        told.today = _covered_today(action, today.term)
    if code == "ACTIONTERMS_NOT_FOUND":
        return _no_term_for_event_type(told, action, contracts)
    return _no_contract(told, action, partner, contracts)


def _contracts(partner: Partner, action: Action) -> list[ContractAndTerms]:
    found = Contract.objects.filter(partner=partner, program=action.program_id).select_related("partner", "program")
    return [(each, list(each.terms.all())) for each in found.prefetch_related("terms")]


def _covered_today(action: Action, term: ContractTerm) -> str:
    changes = [
        latest_change(ContractTerm, [term.pk], ["action_tracker", "start", "end"], action.created_at),
        latest_change(Contract, [term.contract_id], ["start", "end", "program"], action.created_at),
    ]
    latest = max((each for each in changes if each is not None), key=lambda each: each.timestamp, default=None)
    since = f", since a change {when_and_who(latest)}" if latest is not None else ""
    return f"Today a contract term covers such an action{since}. What is recorded from then on fires."


def _no_term_for_event_type(told: Told, action: Action, contracts: Iterable[ContractAndTerms]) -> str:
    day, tracker = _day(action), action.action_tracker
    for contract, terms in contracts:
        if not (contract.start <= day and (contract.end is None or day <= contract.end)):
            continue
        others = [term for term in terms if term.action_tracker_id == tracker.pk]
        told.links.append(Link("The contract", "partners.view_contract", "admin:partners_contract_change", contract.pk))
        if not told.today:
            query = {"contract": contract.pk, "action_tracker": tracker.pk}
            told.links.append(
                Link("Add a term", "partners.add_contractterm", "admin:partners_contractterm_add", query=query)
            )
        if others and not told.today:
            spans = ", ".join(f"{term.start} to {term.end or 'further notice'}" for term in others)
            return f"The contract's terms for the event type {tracker} hold on other days than {day}: {spans}."
    return f"The contract had no term for the event type {tracker} on {day}, so no postback of the partner fires."


def _no_contract(told: Told, action: Action, partner: Partner, contracts: list[ContractAndTerms]) -> str:
    day = _day(action)
    spans = []
    for contract, _ in contracts[:_MOST_CONTRACTS]:
        if contract.start > day:
            spans.append(f"one begins on {contract.start}")
        elif contract.end is not None and contract.end < day:
            spans.append(f"one ended on {contract.end}")
        told.links.append(Link("The contract", "partners.view_contract", "admin:partners_contract_change", contract.pk))
    if not contracts:
        query = {"partner": partner.pk, "program": action.program_id}
        told.links.append(Link("Add a contract", "partners.add_contract", "admin:partners_contract_add", query=query))
        return f"The partner had no contract with the program {action.program}, so its postbacks did not fire."
    which = f": {', '.join(spans)}" if spans else ""
    return f"No contract of the partner with the program {action.program} covered {day}{which}."
