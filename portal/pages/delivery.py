"""One delivery with its attempts, and sending it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from partners.ids import read_id
from portal.history import note
from portal.models import PartnerLink
from portal.pages.deliveries import brief_verdict
from portal.pages.visit import DOING, READING, Visit, page
from portal.pages.words import label_of, text_of
from portal.sessions import tries
from portal.shown.masked import Masking, Texts
from portal.shown.sent import values_shown
from postbacks.admin.deliveries.pretty import form_of, pretty_body, query_of, visible
from postbacks.delivery_log.resent import NOT_RESENT, resent_among
from postbacks.delivery_log.seen import seen_by, seen_now
from postbacks.models import Attempt, Delivery, Postback
from postbacks.replay.resend import resend

_MOST_CHARACTERS: Final = 64 * 1024  # Of a text on the page.


@dataclass(frozen=True, slots=True)
class Shown:
    """The attempt whose texts are on the page. `pairs` are what the request carried, one a line."""

    attempt: Attempt
    url: str
    pairs: list[tuple[str, str]]
    request_headers: str
    request_body: str
    response_headers: str
    response_body: str
    reason: str
    hidden: str
    kept: bool


@page(*READING)
def delivery(visit: Visit, pk: int) -> HttpResponse:
    found = visit.scope.deliveries().select_related("event", "action").filter(pk=pk).first()
    if found is None:
        return visit.nothing_here()
    postback = visit.scope.every_postback[found.postback_id]
    masking = Masking(found, postback, personal=visit.link.personal_data)
    attempts = list(found.attempts.defer("request_headers", "request_body", "response_headers", "response_body"))
    attempts = sorted((each for each in attempts if each.overlap_of is None), key=lambda each: -each.number)
    shown = _shown(found, attempts, masking, read_id(visit.request.GET.get("attempt", "")))
    return visit.show(
        "delivery",
        here="deliveries",
        delivery=found,
        postback=postback,
        label=label_of(found),
        text=text_of(found, postback, _latest_verdict(attempts, shown)),
        values=values_shown(postback, masking.values(), str(found.event.kind), personal=visit.link.personal_data),
        attempts=[(each, brief_verdict(each)) for each in attempts],
        shown=shown,
        resent=resent_among([found.pk]).get(found.pk, NOT_RESENT),
        may_resend=visit.scope.may(PartnerLink.Right.RESEND) and _fits(found, postback),
        seen=seen_now(),
    )


@page(*DOING, right=PartnerLink.Right.RESEND)
def resend_delivery(visit: Visit, pk: int) -> HttpResponse:
    """Makes a new delivery of the same, with the id that the receiver knows."""
    found = visit.scope.deliveries().select_related("event", "action").filter(pk=pk).first()
    if found is None:
        return visit.nothing_here()
    if not tries.RESENDS.allows(visit.link.pk):
        return _go_to(pk, "often")
    made = resend([pk], since=seen_by(visit.request.POST.get("seen", "")).delivery)
    for row in Delivery.objects.filter(pk__in=made):
        note(visit.link, row, "Sent again.")
    return _go_to(made[0], "resent") if made else _go_to(pk, "left")


def _latest_verdict(attempts: list[Attempt], shown: Shown | None) -> str:
    """Of the latest attempt: in full if it is the one on the page."""
    if shown is not None and shown.attempt is attempts[0]:
        return shown.reason
    return brief_verdict(attempts[0] if attempts else None)


def _fits(found: Delivery, postback: Postback) -> bool:
    return found.state in Delivery.FINISHED and postback.deleted_at is None


def _go_to(pk: int, done: str) -> HttpResponse:
    return redirect(f"{reverse('portal:delivery', args=(pk,))}?done={done}")


def _shown(found: Delivery, attempts: list[Attempt], masking: Masking, asked: int | None) -> Shown | None:
    chosen = next((each for each in attempts if each.number == asked), attempts[0] if attempts else None)
    if chosen is None:
        return None
    chosen.refresh_from_db()  # With its texts.
    chosen.delivery = found
    texts: Texts = masking.texts_of(chosen)
    pairs = [*query_of(texts.url), *form_of(texts.request_body, texts.request_headers)]
    return Shown(
        chosen,
        _cut(visible(texts.url)),
        [(visible(name), visible(value)) for name, value in pairs],
        _cut(visible(texts.request_headers)),
        _cut(visible(pretty_body(texts.request_body))),
        _cut(visible(texts.response_headers)),
        _cut(visible(pretty_body(texts.response_body))),
        visible(texts.reason),
        texts.hidden,
        kept=bool(chosen.request_headers),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}\n… (cut)"
