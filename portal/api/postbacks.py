"""The addresses of a partner's postbacks: list, read, pause, resume, make a signing key."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from actions.api.answers import answer
from actions.api.shapes import Error
from portal.api import shapes
from portal.api.authority import LinkToken, scope_of
from portal.api.shapes import PartnerPostback, PartnerPostbacksFilter
from portal.api.shown import shown_postback
from portal.history import note
from portal.models import PartnerLink, Proposal
from portal.pages.health import Health, health_of
from portal.pages.postback import OVERLAP
from portal.scope import Scope
from postbacks.api.answering import CHANGE, OF_ONE, REFUSALS, page
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import refuse_unknown_filters
from postbacks.api.visible import the
from postbacks.credentials.signing.renewal import SigningError, renew
from postbacks.lifecycle import PAUSED_BY_OWNER, pause, resume
from postbacks.models import Postback

router = Router(tags=["Partner API"], auth=LinkToken())
Right = PartnerLink.Right


@router.get("", response={200: shapes.PartnerPostbacksPage, **REFUSALS}, summary="List your postbacks")
def list_own_postbacks(request: HttpRequest, wanted: Query[PartnerPostbacksFilter]) -> HttpResponse:
    """With their health, by rising id."""
    refuse_unknown_filters(request, PartnerPostbacksFilter)
    found = scope_of(request).postbacks().filter(pk__gt=wanted.after).order_by("pk")
    rows = list(found[: wanted.limit + 1])
    healths = {each.postback.pk: each for each in health_of(rows)}
    waiting = _waiting(rows)
    return page(
        request,
        "postbacks",
        rows,
        limit=wanted.limit,
        place="after",
        show=lambda each: shown_postback(healths[each.pk], waiting.get(each.pk)),
    )


@router.get("/{postback_id}", response={200: PartnerPostback, **OF_ONE}, summary="Read a postback of yours")
def read_own_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    return _shown(request, find_own(scope_of(request), postback_id))


@router.post(
    "/{postback_id}/pause",
    auth=LinkToken(Right.PAUSE),
    response={200: PartnerPostback, 409: Error, **OF_ONE},
    summary="Pause a postback of yours",
)
def pause_own_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    """Deliveries are collected until you resume it. Pausing one that you have paused changes nothing."""
    with transaction.atomic():
        found = find_own(scope_of(request), postback_id, lock=True)
        if found.paused_at is not None and found.pause_reason != PAUSED_BY_OWNER:
            raise RefusedError(409, "It is paused already, by its operator.")
        pause(found, PAUSED_BY_OWNER)
    return _shown(request, find_own(scope_of(request), postback_id))


@router.post(
    "/{postback_id}/resume",
    auth=LinkToken(Right.PAUSE),
    response={200: PartnerPostback, 409: Error, **OF_ONE},
    summary="Resume a postback of yours",
)
def resume_own_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    """What was collected goes out at the allowed rate. Only one that you have paused is resumed."""
    with transaction.atomic():
        found = find_own(scope_of(request), postback_id, lock=True)
        if found.paused_at is not None and found.pause_reason != PAUSED_BY_OWNER:
            raise RefusedError(409, "Its operator has paused it, and resumes it.")
        resume(found)
    return _shown(request, find_own(scope_of(request), postback_id))


@router.post(
    "/{postback_id}/signing-key",
    auth=LinkToken(Right.ROTATE),
    response={200: shapes.PartnerKey, 409: Error, **CHANGE},
    summary="Renew the signing key of a postback of yours",
)
def renew_own_key(request: HttpRequest, postback_id: str) -> HttpResponse:
    """Requests are signed with it from now on, and for a day with the previous one as well."""
    with transaction.atomic():
        scope = scope_of(request)
        found = find_own(scope, postback_id, lock=True)
        if not found.signed:
            raise RefusedError(409, "Its requests are not signed. Ask its operator to sign them.")
        try:
            key = renew(found, OVERLAP)
        except SigningError as error:
            raise RefusedError(409, "It cannot be signed as it is set up. Ask its operator.") from error
        note(scope.link, found, "Has a new signing key.")
    return answer(request, {"key": str(key), "previous_until": found.previous_signing_key_until})


def find_own(scope: Scope, postback_id: str, *, lock: bool = False) -> Postback:
    """The postback of this id, if the link sees it. Raises RefusedError."""
    rows = scope.postbacks()
    rows = rows.select_for_update(of=("self",), no_key=True) if lock else rows
    found: Postback = the(rows, "postback", postback_id)
    return found


def _shown(request: HttpRequest, postback: Postback) -> HttpResponse:
    health: Health = health_of([postback])[0]
    return answer(request, shown_postback(health, _waiting([postback]).get(postback.pk)))


def _waiting(postbacks: list[Postback]) -> dict[int, int]:
    rows = Proposal.objects.filter(postback__in=postbacks, state=Proposal.State.WAITING)
    return dict(rows.values_list("postback", "pk"))
