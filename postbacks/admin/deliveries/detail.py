"""What the page of one delivery shows in addition to its row."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Coalesce

from actions.reports.parameters import is_personal
from postbacks.admin.deliveries.pretty import form_of, pretty_body, query_of
from postbacks.models import Attempt, Delivery


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an exchange. `pairs` come from the query of a URL, `fields` from a body that is a query string."""

    headers: str
    body: str
    pretty: str
    pairs: list[tuple[str, str]]
    fields: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """An attempt, with its request and answer in readable form."""

    attempt: Attempt
    request: Side
    answer: Side


def exchanges_of(delivery: Delivery) -> list[Exchange]:
    """The attempts of a delivery, the latest first; an overlap beside the one that it overlaps."""
    return [_exchange(attempt) for attempt in delivery.attempts.order_by(Coalesce("overlap_of", "number").desc(), "pk")]


def may_hold_personal_data(delivery: Delivery) -> bool:
    """Whether its requests, and answers that echo them, may reveal who or where the customer is: whether the values
    that they are built from do."""
    values = delivery.parameters or delivery.event.parameters
    return any(value not in (None, "") and is_personal(name) for name, value in values.items())


def waits_for(delivery: Delivery) -> Delivery | None:
    """The delivery of the same action that must finish before this one is sent."""
    if delivery.state != Delivery.State.BLOCKED:
        return None
    chain = Delivery.objects.filter(
        postback=delivery.postback_id, action=delivery.action_id, state__in=Delivery.UNFINISHED
    )
    under_way = chain.filter(state__in=(Delivery.State.READY, Delivery.State.SENDING)).first()
    earlier = Q(event__lt=delivery.event_id) | Q(event=delivery.event_id, pk__lt=delivery.pk)
    return under_way or chain.filter(earlier).order_by("event_id", "pk").first()


def others_of(delivery: Delivery) -> list[Delivery]:
    """The other deliveries of the same event by the same postback, from resending."""
    same = Delivery.objects.filter(event=delivery.event_id, postback=delivery.postback_id)
    return list(same.exclude(pk=delivery.pk).defer("parameters").order_by("pk"))


def _exchange(attempt: Attempt) -> Exchange:
    request = Side(
        headers=attempt.request_headers,
        body=attempt.request_body,
        pretty=pretty_body(attempt.request_body),
        pairs=query_of(attempt.url),
        fields=form_of(attempt.request_body, attempt.request_headers),
    )
    pretty = pretty_body(attempt.response_body)
    return Exchange(attempt, request, Side(attempt.response_headers, attempt.response_body, pretty, [], []))
