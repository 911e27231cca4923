"""The account, its programs, partners and contracts, under the documented names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

from actions.api.documented import CAMPAIGN, CONTRACT, PARTNER, filled
from actions.api.setup_rows import ACTIVE, INACTIVE, campaigns_of, status_of
from actions.models import ApiToken
from actions.reports.fields import write_date
from partners.models import Contract, ContractTerm, Pays, Program

UNNAMED: Final = "Partner Postbacks"  # The login check of some readers needs a name, also before there is a program.
_ADDRESS: Final = ("AddressLine1", "AddressLine2", "City", "State", "PostalCode", "Country")
_CONTACT: Final = ("UserId", "Name", "Email", "WorkPhoneNumber", "WorkPhoneNumberCountry")
_UNKNOWN: Final = ("Website", "PrimaryPhoneNumber", "SecondaryPhoneNumber", "OrganizationType")


def shown_company(token: ApiToken, account: str) -> dict[str, Any]:
    """The account: the names of its programs, and their currency if it is one. The rest is not known here."""
    programs = list(campaigns_of(token).order_by("pk").values_list("name", "currency"))
    currencies = {currency for _, currency in programs}
    return {
        "CompanyName": ", ".join(name for name, _ in programs) or UNNAMED,
        "Currency": currencies.pop() if len(currencies) == 1 else "",
        "Timezone": "UTC",
        **dict.fromkeys(_UNKNOWN, ""),
        "CorporateAddress": dict.fromkeys(_ADDRESS, ""),
        "BillingAddress": dict.fromkeys(_ADDRESS, ""),
        "FinancialContact": dict.fromkeys(_CONTACT, ""),
        "TechnicalContact": dict.fromkeys(_CONTACT, ""),
        "CommercialContact": dict.fromkeys(_CONTACT, ""),
        "Uri": f"{account}/CompanyInformation",
    }


def shown_campaign(program: Program, account: str) -> dict[str, Any]:
    """One program."""
    values = {
        "Id": str(program.pk),
        "CampaignId": str(program.pk),
        "Name": program.name,
        "CampaignName": program.name,
        "State": ACTIVE,
        "Type": "Performance",
        "Currency": program.currency,
        "Uri": f"{account}/Campaigns/{program.pk}",
    }
    return filled(CAMPAIGN, values)


def shown_partner(partner: Any, account: str) -> dict[str, Any]:
    """One partner of `with_contracts`."""
    contracts: Sequence[Contract] = partner.shown_contracts
    related = any(status_of(each) == ACTIVE for each in contracts)
    values = {
        "Id": str(partner.pk),
        "Name": partner.name,
        "State": ACTIVE if partner.active else INACTIVE,
        "RelationshipState": ACTIVE if related else INACTIVE,
        "PartnerType": "DIRECT",
        "Currency": partner.currency,
        "Campaigns": [
            {
                "Id": str(each.program_id),
                "Name": each.program.name,
                "ContractId": str(each.pk),
                "JoinDate": _midnight(each.start),
                "ExpirationDate": _day_end(each.end),
            }
            for each in contracts
        ],
        "Uri": f"{account}/MediaPartners/{partner.pk}",
    }
    return filled(PARTNER, values)


def shown_contract(contract: Contract, account: str) -> dict[str, Any]:
    """One contract of `contracts_in`, with its usual terms and those that are scheduled."""
    terms = sorted(contract.terms.all(), key=lambda term: term.pk)
    values = {
        "Id": str(contract.pk),
        "CampaignId": str(contract.program_id),
        "CampaignName": contract.program.name,
        "PartnerId": str(contract.partner_id),
        "MediaPartnerId": str(contract.partner_id),
        "MediaPartnerName": contract.partner.name,
        "Status": status_of(contract),
        "StartDate": _midnight(contract.start),
        "EndDate": _day_end(contract.end),
        "TemplateTerms": {
            "Currency": contract.partner.currency,
            "EventPayouts": [_payout(term) for term in terms if term.start is None],
        },
        "ScheduledTerms": _scheduled(term for term in terms if term.start is not None),
        "CampaignTerms": [],
        "Uri": f"{account}/Campaigns/{contract.program_id}/Contracts/{contract.pk}",
    }
    return filled(CONTRACT, values)


def _scheduled(terms: Iterable[ContractTerm]) -> list[dict[str, Any]]:
    return [
        {
            "Status": status_of(term),
            "StartDate": _midnight(term.start),
            "EndDate": _day_end(term.end),
            "EventPayouts": [_payout(term)],
        }
        for term in terms
    ]


def _payout(term: ContractTerm) -> dict[str, Any]:
    categories = sorted(term.category_payouts.all(), key=lambda each: each.pk)
    return {
        "EventTypeId": str(term.action_tracker_id),
        "EventTypeName": term.action_tracker.name,
        "PayoutLevel": "ITEM" if categories else "ORDER",
        **_figures(term, "DefaultPayout"),
        "PayoutGroups": [
            {
                "Rank": str(rank),
                "Rules": [{"Variable": "ITEM_CATEGORY", "Operator": "IS", "Values": [each.category]}],
                **_figures(each, "Payout"),
            }
            for rank, each in enumerate(categories, 1)
        ],
        "MonthlyActionLimit": _known(term.monthly_action_limit),
        "MonthlyPayoutLimit": _known(term.monthly_payout_limit),
        "LockAfterDays": str(term.lock_after_days),
        "ClearAfterDays": str(term.clear_after_days),
    }


def _figures(pays: Pays, name: str) -> dict[str, str]:
    """The payout under its name, and under that of rates if it is a percentage."""
    figure = f"{pays.payout.normalize():f}"
    return {name: figure if pays.is_flat else "", f"{name}Rate": "" if pays.is_flat else figure}


def _known(value: object) -> str:
    return "" if value is None else str(value)


def _midnight(day: date | None) -> str:
    return "" if day is None else write_date(datetime.combine(day, time(), UTC))


def _day_end(day: date | None) -> str:
    return "" if day is None else write_date(datetime.combine(day, time(23, 59, 59), UTC))
