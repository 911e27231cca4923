"""The addresses of partners and contracts, to read."""

from __future__ import annotations

from django.db.models import F, Prefetch
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from actions.api.answers import answer
from actions.api.authority import AccountToken, token_of
from actions.api.rights import Scope
from partners.models import ContractTerm
from postbacks.api import shapes
from postbacks.api.answering import OF_ONE, REFUSALS, page
from postbacks.api.requests import refuse_unknown_filters
from postbacks.api.shapes import ContractFilter, PartnerFilter
from postbacks.api.shown import shown_contract, shown_partner
from postbacks.api.visible import contracts_of, named, partners_of, the

partners = Router(tags=["Partners"], auth=AccountToken(Scope.READ))
contracts = Router(tags=["Partners"], auth=AccountToken(Scope.READ))
_BY_DAY = ContractTerm.objects.order_by("action_tracker_id", F("start").asc(nulls_first=True))
_TERMS = Prefetch("terms", _BY_DAY.prefetch_related("category_payouts"))


@partners.get("", response={200: shapes.PartnersPage, **REFUSALS}, summary="List partners")
def list_partners(request: HttpRequest, wanted: Query[PartnerFilter]) -> HttpResponse:
    """By rising id; with `program`, those that have a contract with it."""
    refuse_unknown_filters(request, PartnerFilter)
    token = token_of(request)
    found = partners_of(token).filter(id__gt=wanted.after)
    if wanted.program is not None:
        found = found.filter(pk__in=contracts_of(token).filter(program=wanted.program).values("partner"))
    rows = list(found.order_by("id")[: wanted.limit + 1])
    return page(request, "partners", rows, limit=wanted.limit, place="after", show=shown_partner)


@partners.get("/{partner_id}", response={200: shapes.PartnerShape, **OF_ONE}, summary="Read a partner")
def read_partner(request: HttpRequest, partner_id: str) -> HttpResponse:
    return answer(request, shown_partner(the(partners_of(token_of(request)), "partner", partner_id)))


@contracts.get("", response={200: shapes.ContractsPage, **REFUSALS}, summary="List contracts")
def list_contracts(request: HttpRequest, wanted: Query[ContractFilter]) -> HttpResponse:
    """With their terms, by rising id."""
    refuse_unknown_filters(request, ContractFilter)
    found = named(
        contracts_of(token_of(request)), partner=wanted.partner, program=wanted.program, id__gt=wanted.after
    ).prefetch_related(_TERMS)
    rows = list(found.order_by("id")[: wanted.limit + 1])
    return page(request, "contracts", rows, limit=wanted.limit, place="after", show=shown_contract)


@contracts.get("/{contract_id}", response={200: shapes.ContractShape, **OF_ONE}, summary="Read a contract")
def read_contract(request: HttpRequest, contract_id: str) -> HttpResponse:
    rows = contracts_of(token_of(request)).prefetch_related(_TERMS)
    return answer(request, shown_contract(the(rows, "contract", contract_id)))
