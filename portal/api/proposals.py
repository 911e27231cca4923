"""The addresses of proposals: list, read, propose, withdraw."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from actions.api.answers import answer
from actions.api.shapes import Error
from portal.api import shapes
from portal.api.authority import LinkToken, scope_of
from portal.api.postbacks import find_own
from portal.api.postbacks import router as of_postbacks
from portal.api.reading import changes_in, refused
from portal.api.shapes import ProposalsFilter, ProposalShape
from portal.api.shown import shown_proposal
from portal.models import PartnerLink, Proposal
from portal.proposals.making import proposals_of, propose, withdraw
from portal.proposals.trying import WrongProposalError
from postbacks.api.answering import CHANGE, OF_ONE, REFUSALS, page
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import read_object, refuse_unknown, refuse_unknown_filters
from postbacks.api.shapes import json_body
from postbacks.api.visible import named, the

router = Router(tags=["Partner API"], auth=LinkToken())
MAY_PROPOSE = LinkToken(PartnerLink.Right.PROPOSE)


@router.get("", response={200: shapes.ProposalsPage, **REFUSALS}, summary="List proposals")
def list_proposals(request: HttpRequest, wanted: Query[ProposalsFilter]) -> HttpResponse:
    """The newest first."""
    refuse_unknown_filters(request, ProposalsFilter)
    found = named(_all(request), postback=wanted.postback, state=wanted.state, id__lt=wanted.before)
    rows = list(found.order_by("-id")[: wanted.limit + 1])
    return page(request, "proposals", rows, limit=wanted.limit, place="before", show=shown_proposal)


@router.get("/{proposal_id}", response={200: ProposalShape, **OF_ONE}, summary="Read a proposal")
def read_proposal(request: HttpRequest, proposal_id: str) -> HttpResponse:
    return answer(request, shown_proposal(_find(request, proposal_id)))


@router.post(
    "/{proposal_id}/withdraw",
    auth=MAY_PROPOSE,
    response={200: ProposalShape, 409: Error, **OF_ONE},
    summary="Withdraw a proposal",
)
def withdraw_proposal(request: HttpRequest, proposal_id: str) -> HttpResponse:
    """Only while it waits."""
    if not withdraw(_find(request, proposal_id)):
        raise RefusedError(409, "It does not wait any more.")
    return answer(request, shown_proposal(_find(request, proposal_id)))


@of_postbacks.post(
    "/{postback_id}/proposals",
    auth=MAY_PROPOSE,
    response={201: ProposalShape, **CHANGE},
    summary="Propose a change of a postback of yours",
    openapi_extra=json_body(shapes.NEW_PROPOSAL),
)
def propose_change(request: HttpRequest, postback_id: str) -> HttpResponse:
    """It waits for an operator's yes; one that waited is superseded. The mask stands for a stored secret. For another
    scheme, host or port, headers and secrets are given again."""
    scope = scope_of(request)
    postback = find_own(scope, postback_id)
    asked = read_object(request)
    refuse_unknown(asked, ("changes", "note"))
    try:
        proposal = propose(scope.link, postback, changes_in(asked), note=_note(asked), by_api=True)
    except WrongProposalError as error:
        raise refused(error) from error
    return answer(request, shown_proposal(proposal), 201)


def _note(asked: dict[str, Any]) -> str:
    note = asked.get("note") or ""
    if not isinstance(note, str):
        raise RefusedError(400, "note: This must be a text.", "note")
    return note


def _all(request: HttpRequest) -> QuerySet[Proposal]:
    return proposals_of(scope_of(request))


def _find(request: HttpRequest, proposal_id: str) -> Proposal:
    found: Proposal = the(_all(request), "proposal", proposal_id)
    return found
