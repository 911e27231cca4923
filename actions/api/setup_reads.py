"""The addresses of the account, its programs, partners and contracts, and of what is not offered."""

# The account's SID is in each address; who may use it is settled before an endpoint is called.
# ruff: noqa: ARG001

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from actions.api import filters, setup_shapes
from actions.api.answering import account_base, listed, query_of
from actions.api.answers import answer, error
from actions.api.authority import token_of
from actions.api.filters import NONE, Filter, listing
from actions.api.pages import OLDEST_FIRST
from actions.api.service import api
from actions.api.setup_fields import shown_campaign, shown_company, shown_contract, shown_partner
from actions.api.setup_rows import (
    ACTIVE,
    EXPIRED,
    INACTIVE,
    UPCOMING,
    campaigns_of,
    contracts_in,
    in_status,
    partners_by_relationship,
    partners_in,
    partners_of,
    with_contracts,
)
from actions.api.shapes import ACCOUNT, READ, REFUSALS, Error
from actions.reports.fields import read_ids, read_text
from partners.ids import row_of

_NAME: Final = Filter("Name", read_text, "Whose name has this in it, in any case.", filters.TEXT)
_ACTIVE: Final = Filter("State", filters.one_of(ACTIVE), "All are active.", {"type": "string", "enum": [ACTIVE]})
CAMPAIGNS: Final = listing(_NAME, _ACTIVE)
PARTNERS: Final = listing(
    Filter("Id", read_ids, "With these ids, separated by commas.", {"type": "string", "examples": ["3001,3002"]}),
    filters.id_filter("CampaignId", "With a contract, of any time, with this program."),
    _NAME,
    Filter(
        "State",
        filters.one_of(ACTIVE, INACTIVE),
        "Whether it takes part in new actions, or is switched off.",
        {"type": "string", "enum": [ACTIVE, INACTIVE]},
    ),
    Filter(
        "RelationshipState",
        filters.one_of(ACTIVE, INACTIVE),
        "With a contract of today, or without.",
        {"type": "string", "enum": [ACTIVE, INACTIVE]},
    ),
)
CONTRACTS: Final = listing(
    filters.id_filter("PartnerId", "Of this partner; also MediaPartnerId.", "MediaPartnerId"),
    Filter(
        "Status",
        filters.one_of(UPCOMING, ACTIVE, EXPIRED),
        "Whether its days are to come, have come, or are over; ACTIVE unless it says otherwise.",
        {"type": "string", "enum": [UPCOMING, ACTIVE, EXPIRED], "default": ACTIVE},
    ),
)
_PARTNERS_SINCE: Final = 14  # The version of the documented API that calls the list of partners by another name.


@api.get(
    f"{ACCOUNT}/CompanyInformation",
    response={200: setup_shapes.Company, **READ},
    summary="Read the account",
    description="Readers try their token here first.",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_company(request: HttpRequest, account_sid: str) -> HttpResponse:
    NONE.read(query_of(request))
    company = shown_company(token_of(request), account_base(account_sid))
    return answer(request, company, element="CompanyInformation")


@api.get(
    f"{ACCOUNT}/Campaigns",
    response={200: setup_shapes.CampaignsPage, **READ},
    by_alias=True,
    summary="List programs",
    openapi_extra={"parameters": CAMPAIGNS.parameters()},
)
def list_campaigns(request: HttpRequest, account_sid: str) -> HttpResponse:
    wanted = CAMPAIGNS.read(query_of(request))
    rows = _named(campaigns_of(token_of(request)), wanted)
    show = _shown(rows, shown_campaign, account_sid)
    return listed(request, "Campaigns", rows, OLDEST_FIRST, wanted=wanted, show=show)


@api.get(
    f"{ACCOUNT}/Campaigns/{{campaign_id}}",
    response={200: setup_shapes.CampaignShape, **READ},
    summary="Read a program",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_campaign(request: HttpRequest, account_sid: str, campaign_id: str) -> HttpResponse:
    NONE.read(query_of(request))
    program = row_of(campaigns_of(token_of(request)), campaign_id)
    if program is None:
        return _no_campaign(request, campaign_id)
    return answer(request, shown_campaign(program, account_base(account_sid)), element="Campaign")


@api.get(
    f"{ACCOUNT}/MediaPartners",
    response={200: setup_shapes.PartnersPage, **READ},
    by_alias=True,
    summary="List partners",
    description="Version 14 (`IR-Version: 14`) has them under `Partners`, others under `MediaPartners`.",
    openapi_extra={"parameters": PARTNERS.parameters()},
)
def list_media_partners(request: HttpRequest, account_sid: str) -> HttpResponse:
    wanted, token = PARTNERS.read(query_of(request)), token_of(request)
    programs, rows = campaigns_of(token), _named(partners_of(token), wanted)
    if "Id" in wanted:
        rows = rows.filter(pk__in=wanted["Id"])
    if "CampaignId" in wanted:
        rows = partners_in(rows, wanted["CampaignId"])
    if "State" in wanted:
        rows = rows.filter(active=wanted["State"] == ACTIVE)
    if "RelationshipState" in wanted:
        rows = partners_by_relationship(rows, wanted["RelationshipState"], programs)
    show = _shown(with_contracts(rows, programs), shown_partner, account_sid)
    return listed(request, _partners_name(request, wanted), rows, OLDEST_FIRST, wanted=wanted, show=show)


@api.get(
    f"{ACCOUNT}/MediaPartners/{{partner_id}}",
    response={200: setup_shapes.PartnerShape, **READ},
    summary="Read a partner",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_media_partner(request: HttpRequest, account_sid: str, partner_id: str) -> HttpResponse:
    NONE.read(query_of(request))
    token = token_of(request)
    partner = row_of(with_contracts(partners_of(token), campaigns_of(token)), partner_id)
    if partner is None:
        return error(request, 404, f"There is no partner {partner_id!r}.", "PartnerId", "PARTNER_NOT_FOUND")
    return answer(request, shown_partner(partner, account_base(account_sid)), element="MediaPartner")


@api.get(
    f"{ACCOUNT}/Campaigns/{{campaign_id}}/Contracts",
    response={200: setup_shapes.ContractsPage, **READ},
    by_alias=True,
    summary="List a program's contracts",
    openapi_extra={"parameters": CONTRACTS.parameters()},
)
def list_campaign_contracts(request: HttpRequest, account_sid: str, campaign_id: str) -> HttpResponse:
    wanted = CONTRACTS.read(query_of(request))
    program = row_of(campaigns_of(token_of(request)), campaign_id)
    if program is None:
        return _no_campaign(request, campaign_id)
    rows = contracts_in(program).filter(in_status(wanted.get("Status", ACTIVE)))
    if "PartnerId" in wanted:
        rows = rows.filter(partner=wanted["PartnerId"])
    show = _shown(rows, shown_contract, account_sid)
    return listed(request, "Contracts", rows, OLDEST_FIRST, wanted=wanted, show=show)


@api.get(
    f"{ACCOUNT}/Campaigns/{{campaign_id}}/Contracts/{{contract_id}}",
    response={200: setup_shapes.ContractShape, **READ},
    summary="Read a contract",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_campaign_contract(request: HttpRequest, account_sid: str, campaign_id: str, contract_id: str) -> HttpResponse:
    NONE.read(query_of(request))
    program = row_of(campaigns_of(token_of(request)), campaign_id)
    if program is None:
        return _no_campaign(request, campaign_id)
    contract = row_of(contracts_in(program), contract_id)
    if contract is None:
        return error(request, 404, f"There is no contract {contract_id!r} of this program.", "ContractId")
    return answer(request, shown_contract(contract, account_base(account_sid)), element="Contract")


def _not_offered(name: str, instead: str) -> None:
    """Add the address of something that is documented and not offered, and all below it."""

    def refuse(request: HttpRequest, account_sid: str) -> HttpResponse:
        return error(request, 501, f"{name} are not offered; {instead}.")

    def refuse_below(request: HttpRequest, account_sid: str, rest: str) -> HttpResponse:
        return refuse(request, account_sid)

    for path, view in ((name, refuse), (f"{name}/{{path:rest}}", refuse_below)):
        api.get(
            f"{ACCOUNT}/{path}",
            response={501: Error, **REFUSALS},
            summary=f"Not offered: {name}",
            operation_id=f"{view.__name__}_{name}",
            url_name=f"{view.__name__}_{name}",
        )(view)


_not_offered("Reports", "read Actions and ActionUpdates")
_not_offered("ReportExport", "read Actions and ActionUpdates")
_not_offered("Invoices", "Actions with a ClearedDate are to be paid")


def _no_campaign(request: HttpRequest, campaign_id: str) -> HttpResponse:
    return error(request, 404, f"There is no program {campaign_id!r}.", "CampaignId", "CAMPAIGN_NOT_FOUND")


def _named(rows: QuerySet[Any], wanted: dict[str, Any]) -> QuerySet[Any]:
    return rows.filter(name__icontains=wanted["Name"]) if "Name" in wanted else rows


def _shown(
    rows: QuerySet[Any], show: Callable[[Any, str], dict[str, Any]], account_sid: str
) -> Callable[[Sequence[int]], Iterator[dict[str, Any]]]:
    def shown(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        found: dict[int, Model] = rows.in_bulk(ids)
        return (show(found[pk], account_base(account_sid)) for pk in ids if pk in found)

    return shown


def _partners_name(request: HttpRequest, wanted: dict[str, Any]) -> str:
    version = request.headers.get("IR-Version", "") or str(wanted.get("IrVersion", ""))
    asked = int(version) if version.isascii() and version.isdecimal() and len(version) < 5 else 0
    return "Partners" if asked >= _PARTNERS_SINCE else "MediaPartners"
