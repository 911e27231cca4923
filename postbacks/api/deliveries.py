"""The addresses of deliveries: search as in the log, read with attempts, resend, try now, cancel."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from actions.api.answers import answer
from actions.api.authority import AccountToken, token_of
from actions.api.rights import Scope, sees_personal
from actions.api.shapes import Error
from actions.intake.reading import programs_of
from actions.models import ApiToken
from optimize_sources.models import MediaSource
from postbacks.api import shapes
from postbacks.api.answering import OF_ONE, REFUSALS, page
from postbacks.api.refusals import RefusedError
from postbacks.api.requests import refuse_unknown_filters
from postbacks.api.shapes import DeliveryFilter, DeliveryShape
from postbacks.api.shown import shown_attempt, shown_delivery
from postbacks.api.visible import deliveries_of, partners_of, the, trackers_of
from postbacks.delivery.cancel import cancel
from postbacks.delivery.try_now import IS_LEFT_OUT, prospects_of, try_now
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import NEWEST, Finder
from postbacks.delivery_log.history import ADDITION, CHANGE, note_by_token
from postbacks.delivery_log.personal import may_hold_personal_data
from postbacks.models import Delivery
from postbacks.replay.resend import resend

router = Router(tags=["Deliveries"], auth=AccountToken(Scope.MANAGE))
READ = AccountToken(Scope.READ)
_LOADED = ("postback__lane", "event", "action")


@router.get("", auth=READ, response={200: shapes.DeliveriesPage, **REFUSALS}, summary="Search deliveries")
def list_deliveries(request: HttpRequest, wanted: Query[DeliveryFilter]) -> HttpResponse:
    """The newest first."""
    refuse_unknown_filters(request, DeliveryFilter)
    token = token_of(request)
    filters = _filters(token, wanted)
    rows: list[Delivery] = []
    if filters is not None:
        high = NEWEST if wanted.before is None else wanted.before
        ids = Finder(filters, networks=True).below(high, wanted.limit + 1)
        found = deliveries_of(token).select_related(*_LOADED).defer("parameters", "event__parameters").in_bulk(ids)
        rows = [found[key] for key in ids if key in found]
    return page(request, "deliveries", rows, limit=wanted.limit, place="before", show=shown_delivery)


@router.get(
    "/{delivery_id}", auth=READ, response={200: shapes.DeliveryWithAttempts, **OF_ONE}, summary="Read a delivery"
)
def read_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """With its attempts, the first one first."""
    token = token_of(request)
    delivery = _find(token, delivery_id)
    hidden = not sees_personal(token) and may_hold_personal_data(delivery)
    attempts = [shown_attempt(each, texts=not hidden) for each in delivery.attempts.order_by("number")]
    return answer(request, {**shown_delivery(delivery), "attempts": attempts, "hidden": hidden})


@router.post(
    "/{delivery_id}/resend", response={200: DeliveryShape, 409: Error, **OF_ONE}, summary="Send a delivery again"
)
def resend_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """A finished one becomes a new delivery, which is answered; it goes behind live traffic."""
    token = token_of(request)
    made = resend([_find(token, delivery_id).pk])
    note_by_token(token, made, ADDITION, "Sent again.")
    if not made:
        reason = "it is not finished, waits as another delivery of its event, or is of a deleted postback"
        raise _unfit(delivery_id, reason)
    return answer(request, shown_delivery(_find(token, str(made[0]))))


@router.post(
    "/{delivery_id}/try-now", response={200: DeliveryShape, 409: Error, **OF_ONE}, summary="Try a delivery now"
)
def try_delivery_now(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """One that waits for its retry or for the Minimum Delay becomes due. A pause, a hold, the order of its action and
    the rate limit are respected; the try counts as an attempt."""
    token = token_of(request)
    found = _find(token, delivery_id)
    tried = try_now([found.pk])
    note_by_token(token, tried, CHANGE, "Tried now.")
    if not tried:
        code = next((each.code for each in prospects_of([found.pk])), "")
        raise _unfit(delivery_id, IS_LEFT_OUT.get(code, "changed meanwhile"))
    return answer(request, shown_delivery(_find(token, delivery_id)))


@router.post("/{delivery_id}/cancel", response={200: DeliveryShape, 409: Error, **OF_ONE}, summary="Cancel a delivery")
def cancel_delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """The receiver never gets the event; later events of the same action no longer wait for it."""
    token = token_of(request)
    ended = cancel([_find(token, delivery_id).pk], f"Cancelled by {token.author}.")
    note_by_token(token, ended, CHANGE, "Cancelled.")
    if not ended:
        raise _unfit(delivery_id, "it is finished, or being sent at this moment")
    return answer(request, shown_delivery(_find(token, delivery_id)))


def _find(token: ApiToken, delivery_id: str) -> Delivery:
    found: Delivery = the(deliveries_of(token).select_related(*_LOADED), "delivery", delivery_id)
    return found


def _unfit(delivery_id: str, reason: str) -> RefusedError:
    return RefusedError(409, f"Delivery {delivery_id} was left as it is: {reason}.")


def _filters(token: ApiToken, wanted: DeliveryFilter) -> Filters | None:
    """What the log is asked for; None if it names something that the token does not see."""
    rows = {
        "partner": (partners_of(token), wanted.partner),
        "network": (MediaSource.objects.all(), wanted.media_source),
        "event_type": (trackers_of(token), wanted.action_tracker),
    }
    found = {name: rows.filter(pk=key).first() for name, (rows, key) in rows.items() if key is not None}
    if None in found.values():
        return None
    states = Delivery.UNFINISHED if wanted.state == "unfinished" else (wanted.state,) if wanted.state else ()
    return Filters(
        search=wanted.search.strip(),
        states=states,
        postback=wanted.postback,
        replay=wanted.replay,
        since=wanted.since,
        until=wanted.until,
        programs=programs_of(token),
        **found,  # type: ignore[arg-type]  # by name
    )
