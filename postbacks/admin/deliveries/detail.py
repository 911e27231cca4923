"""What the page of one delivery shows in addition to its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.db.models.functions import Coalesce

from postbacks.admin.deliveries.pretty import form_of, pretty_body, query_of, visible
from postbacks.models import Attempt, Delivery

Pairs = list[tuple[str, str]]

_MOST_TEXT: Final = 128 * 1024  # Characters of all attempts on one page; an attempt may have 400,000, and there are 15.


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an exchange. `pairs` come from the query of a URL, `fields` from a body that is a query string."""

    headers: str
    body: str
    pretty: str
    pairs: Pairs
    fields: Pairs


@dataclass(frozen=True, slots=True)
class Exchange:
    """An attempt, with its request and answer in readable form; without them (None) where the page has enough text."""

    attempt: Attempt
    request: Side | None
    answer: Side | None


def exchanges_of(delivery: Delivery, asked: int | None = None) -> list[Exchange]:
    """The attempts of a delivery, the latest first; an overlap beside the one that it overlaps.

    Texts come with the attempt `asked` for, or with the latest, and with others as long as they are short.
    """
    attempts = list(delivery.attempts.order_by(Coalesce("overlap_of", "number").desc(), "pk"))
    first = next((each.number for each in attempts if each.number == asked), attempts[0].number if attempts else None)
    room = _MOST_TEXT
    exchanges = []
    for attempt in attempts:
        size = sum(len(text) for text in (attempt.url, *_texts(attempt)))
        if attempt.number == first or size <= room:
            room -= size
            exchanges.append(_exchange(attempt))
        else:
            exchanges.append(Exchange(attempt, None, None))
    return exchanges


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


def _texts(attempt: Attempt) -> tuple[str, str, str, str]:
    return attempt.request_headers, attempt.request_body, attempt.response_headers, attempt.response_body


def _exchange(attempt: Attempt) -> Exchange:
    sent_headers, sent, headers, content = _texts(attempt)
    request = _side(sent_headers, sent, query_of(attempt.url), form_of(sent, sent_headers))
    return Exchange(attempt, request, _side(headers, content, [], []))


def _side(headers: str, body: str, pairs: Pairs, fields: Pairs) -> Side:
    return Side(visible(headers), visible(body), visible(pretty_body(body)), _shown(pairs), _shown(fields))


def _shown(pairs: Pairs) -> Pairs:
    return [(visible(name), visible(value)) for name, value in pairs]
