"""The shapes of the account, its programs, partners and contracts, as the API's document tells them."""

from __future__ import annotations

from typing import Any

from ninja import Field, Schema

from actions.api.documented import CAMPAIGN, CONTRACT, ENVELOPE, PARTNER, Fields, many, schema

_NEXT: Fields = {**ENVELOPE, "NextPageUri": ("As @nextpageuri", "")}


class Company(Schema):
    """The account. What is not known here is empty."""

    CompanyName: str = Field(description="The names of its programs.", examples=["Summit Supply"])
    Currency: str = Field(description="That of its programs, if it is one.", examples=["USD"])
    Timezone: str = Field(examples=["UTC"])
    CorporateAddress: dict[str, str]
    BillingAddress: dict[str, str]
    FinancialContact: dict[str, str]
    TechnicalContact: dict[str, str]
    CommercialContact: dict[str, str]
    Uri: str = Field(examples=["/Advertisers/PPx1/CompanyInformation"])


class Membership(Schema):
    """A contract of a partner with a program."""

    Id: str = Field(description="The program's id.", examples=["1000"])
    Name: str = Field(examples=["Summit Supply"])
    ContractId: str = Field(examples=["4001"])
    JoinDate: str = Field(examples=["2026-01-01T00:00:00+00:00"])
    ExpirationDate: str = Field(description="Empty while it is open.", examples=[""])


class Rule(Schema):
    """What a payout is for."""

    Variable: str = Field(examples=["ITEM_CATEGORY"])
    Operator: str = Field(examples=["IS"])
    Values: list[str] = Field(examples=[["Watches"]])


class PayoutGroup(Schema):
    """What is paid for items of one category; either flat for each piece or a percentage."""

    Rank: str = Field(examples=["1"])
    Rules: list[Rule]
    Payout: str = Field(examples=[""])
    PayoutRate: str = Field(examples=["5"])


class EventPayout(Schema):
    """What is paid for one event type; either flat or a percentage."""

    EventTypeId: str = Field(examples=["2001"])
    EventTypeName: str = Field(examples=["Online Sale"])
    PayoutLevel: str = Field(description="ITEM where some categories are paid differently, else ORDER.")
    DefaultPayout: str = Field(examples=[""])
    DefaultPayoutRate: str = Field(examples=["8"])
    PayoutGroups: list[PayoutGroup]
    MonthlyActionLimit: str = Field(description="Empty without a limit.", examples=[""])
    MonthlyPayoutLimit: str = Field(description="Empty without a limit.", examples=[""])
    LockAfterDays: str = Field(examples=["30"])
    ClearAfterDays: str = Field(examples=["45"])


class TemplateTerms(Schema):
    """The usual terms."""

    Currency: str = Field(description="Of payouts.", examples=["USD"])
    EventPayouts: list[EventPayout]


class ScheduledTerm(Schema):
    """A term that takes the place of the usual one on some days."""

    Status: str = Field(description="UPCOMING, ACTIVE or EXPIRED.", examples=["ACTIVE"])
    StartDate: str = Field(examples=["2026-11-23T00:00:00+00:00"])
    EndDate: str = Field(description="Empty: until further notice.", examples=["2026-11-30T23:59:59+00:00"])
    EventPayouts: list[EventPayout]


_campaigns: Any = (list[Membership], Field(..., description="The programs that it has, or had, a contract with."))
CampaignShape = schema("Campaign", "A program.", CAMPAIGN)
PartnerShape = schema("MediaPartner", "A partner.", PARTNER, Campaigns=_campaigns)
ContractShape = schema(
    "Contract",
    "A contract and what it pays.",
    CONTRACT,
    TemplateTerms=(TemplateTerms, ...),
    ScheduledTerms=(list[ScheduledTerm], ...),
    CampaignTerms=(list[dict[str, str]], Field(..., description="Empty: there are none here.")),
)
CampaignsPage = schema("Campaigns", "A page of programs.", _NEXT, Campaigns=many(CampaignShape))
PartnersPage = schema(
    "MediaPartners",
    "A page of partners.",
    _NEXT,
    MediaPartners=many(PartnerShape, "To a reader of an earlier version than 14.", default=None),
    Partners=many(PartnerShape, "To a reader of version 14.", default=None),
)
ContractsPage = schema("Contracts", "A page of contracts.", _NEXT, Contracts=many(ContractShape))
