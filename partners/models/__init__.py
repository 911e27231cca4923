"""Engage: whose program it is, what counts as a conversion, who is paid for it, and on which terms."""

from partners.models.attribution import AttributionRule
from partners.models.contracts import MAX_DAYS, CategoryPayout, Contract, ContractTerm, Partner, Pays
from partners.models.currencies import ExchangeRate, HeldRate, RateFeed, currency_code, currency_field
from partners.models.figures import Figure, Figures
from partners.models.programs import ActionTracker, InAppEvent, Program

__all__ = [
    "MAX_DAYS",
    "ActionTracker",
    "AttributionRule",
    "CategoryPayout",
    "Contract",
    "ContractTerm",
    "ExchangeRate",
    "Figure",
    "Figures",
    "HeldRate",
    "InAppEvent",
    "Partner",
    "Pays",
    "Program",
    "RateFeed",
    "currency_code",
    "currency_field",
]
