"""The addresses of what was sent to a partner: list, search, read with attempts, resend; and why an order was not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from actions.api.answers import answer
from actions.api.shapes import Error
from partners.models import Partner
from portal.api import shapes
from portal.api.authority import LinkToken, scope_of
from portal.api.shapes import OrderFilter, PartnerDeliveriesFilter, PartnerDelivery
from portal.api.shown import shown_attempt, shown_delivery, shown_moment
from portal.history import note
from portal.models import PartnerLink
from portal.pages.deliveries import rows_of
from portal.pages.found import find
from portal.scope import Scope
from portal.sessions import tries
from portal.shown.masked import Masking
from portal.shown.sent import values_shown
from postbacks.api.answering import OF_ONE, REFUSALS, page
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import refuse_unknown_filters
from postbacks.api.visible import the
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import NEWEST, Finder
from postbacks.models import Delivery
from postbacks.replay.resend import resend

router = Router(tags=["Partner API"], auth=LinkToken())
orders = Router(tags=["Partner API"], auth=LinkToken())


@router.get("", response={200: shapes.PartnerDeliveriesPage, **REFUSALS}, summary="Search what was sent to you")
def list_own_deliveries(request: HttpRequest, wanted: Query[PartnerDeliveriesFilter]) -> HttpResponse:
    """The newest first. With `search`, the newest hundred of what it names."""
    refuse_unknown_filters(request, PartnerDeliveriesFilter)
    scope = scope_of(request)
    high = NEWEST if wanted.before is None else wanted.before
    if wanted.search.strip():
        ids = [pk for pk in find(scope, wanted.search.strip()).ids if pk < high]
        rows = [row for row in rows_of(scope, ids) if _fits(row.delivery, wanted)][: wanted.limit + 1]
    else:
        ids = Finder(_filters(scope, wanted), networks=True).below(high, wanted.limit + 1)
        rows = rows_of(scope, ids)
    by_pk = {row.delivery.pk: row for row in rows}
    return page(
        request,
        "deliveries",
        [row.delivery for row in rows],
        limit=wanted.limit,
        place="before",
        show=lambda delivery: shown_delivery(by_pk[delivery.pk]),
    )


@router.get(
    "/{delivery_id}",
    response={200: shapes.PartnerDeliveryWithAttempts, **OF_ONE},
    summary="Read a delivery to you",
)
def read_own_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """With its attempts, the first one first."""
    scope = scope_of(request)
    found = _find(scope, delivery_id)
    personal = scope.link.personal_data
    masking = Masking(found, scope.every_postback[found.postback_id], personal=personal)
    attempts = [each for each in found.attempts.order_by("number") if each.overlap_of is None]
    values = values_shown(
        scope.every_postback[found.postback_id], masking.values(), str(found.event.kind), personal=personal
    )
    (row,) = rows_of(scope, [found.pk])
    shown = [shown_attempt(each, masking) for each in attempts]
    return answer(request, {**shown_delivery(row), "values": dict(values), "attempts": shown})


@router.post(
    "/{delivery_id}/resend",
    auth=LinkToken(PartnerLink.Right.RESEND),
    response={200: PartnerDelivery, 409: Error, **OF_ONE},
    summary="Have a delivery sent again",
)
def resend_own_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """A finished one becomes a new delivery, which is answered; its requests have the same {DeliveryId}."""
    scope = scope_of(request)
    found = _find(scope, delivery_id)
    if not tries.RESENDS.allows(scope.link.pk):
        raise RefusedError(429, f"More than {tries.RESENDS.most} within {tries.RESENDS.minutes} minutes. Go on later.")
    made = resend([found.pk])
    if not made:
        reason = "it is not finished, waits as another delivery of its event, or its postback is deleted"
        raise RefusedError(409, f"Delivery {found.pk} was left as it is: {reason}.")
    for each in Delivery.objects.filter(pk__in=made):
        note(scope.link, each, "Sent again.")
    (row,) = rows_of(scope, made)
    return answer(request, shown_delivery(row))


@orders.get("/why-not", response={200: shapes.WhyNot, **REFUSALS}, summary="Read why an order was not sent to you")
def why_order_was_not_sent(request: HttpRequest, wanted: Query[OrderFilter]) -> HttpResponse:
    """What was sent of it, and which of your postbacks were not told, with the reasons."""
    refuse_unknown_filters(request, OrderFilter)
    scope = scope_of(request)
    found = find(scope, wanted.search.strip())
    deliveries = [shown_delivery(row) for row in rows_of(scope, found.ids)]
    return answer(request, {"deliveries": deliveries, "missed": [shown_moment(each) for each in found.missed]})


def _find(scope: Scope, delivery_id: str) -> Delivery:
    found: Delivery = the(scope.deliveries().select_related("event", "action"), "delivery", delivery_id)
    return found


def _states(wanted: PartnerDeliveriesFilter) -> tuple[str, ...]:
    if wanted.state == "unfinished":
        return tuple(str(each) for each in Delivery.UNFINISHED)
    return (wanted.state,) if wanted.state else ()


def _fits(delivery: Delivery, wanted: PartnerDeliveriesFilter) -> bool:
    states = _states(wanted)
    return (not states or delivery.state in states) and wanted.postback in (None, delivery.postback_id)


def _filters(scope: Scope, wanted: PartnerDeliveriesFilter) -> Filters:
    """Those of the log, for the owner alone: a postback of another's is one that has no deliveries."""
    states, owner = _states(wanted), scope.owner
    if isinstance(owner, Partner):
        return Filters(partner=owner, states=states, postback=wanted.postback)
    return Filters(network=owner, states=states, postback=wanted.postback)
