"""The list of deliveries, newest first, and what a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.utils.http import urlencode

from actions.models import ActionEvent
from partners.ids import read_id
from partners.models import Partner
from portal.pages import found as search
from portal.pages.visit import READING, Visit, page
from portal.pages.words import label_of, text_of
from portal.scope import Scope
from portal.shown.sent import SEARCHED, sent_by
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.finder_of import finder_of
from postbacks.delivery_log.hits import key_in
from postbacks.models import Attempt, Delivery, Postback

PER_PAGE: Final = 50
_MOST_TERM: Final = 255  # As long as an order id may be.
_STATES: Final = {
    "delivered": ("Delivered", (Delivery.State.DELIVERED,)),
    "failed": ("Failed", (Delivery.State.FAILED,)),
    "waiting": ("Waiting", Delivery.UNFINISHED),
    "cancelled": ("Not sent", (Delivery.State.CANCELLED,)),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery. `ids` are those of the order that its postback sends, with what they are; `answer` is the status and
    duration of the latest attempt."""

    delivery: Delivery
    postback: Postback
    label: str
    text: str
    ids: list[tuple[str, str]]
    answer: str

    @property
    def at(self) -> datetime:
        return self.delivery.created_at


@page(*READING)
def deliveries(visit: Visit) -> HttpResponse:
    asked = visit.request.GET
    term = asked.get("q", "").strip()[:_MOST_TERM]
    shared: dict[str, Any] = {
        "here": "deliveries",
        "term": term,
        "searchable": search.searchable(visit.scope),
        "states": [(key, label) for key, (label, _states) in _STATES.items()],
        "postbacks": visit.scope.postbacks(),
    }
    if term:
        found = search.find(visit.scope, term)
        return visit.show("deliveries", **shared, rows=rows_of(visit.scope, found.ids), found=found)
    state = asked.get("state", "")
    postback = read_id(  # One of another's shows nothing: the owner is compared as well.
        asked.get("postback", "")
    )
    finder = finder_of(_filters(visit.scope, state, postback), networks=True)
    hits = finder.older(key_in(asked.get("before", "")), PER_PAGE + 1)
    kept: dict[str, Any] = {"state": state if state in _STATES else "", "postback": postback or ""}
    older = urlencode({**kept, "before": hits[PER_PAGE - 1].key}) if len(hits) > PER_PAGE else ""
    rows = rows_of(visit.scope, [hit.delivery for hit in hits[:PER_PAGE]])
    return visit.show(
        "deliveries", **shared, rows=rows, older=older, first="before" not in asked, newest=urlencode(kept), **kept
    )


def rows_of(scope: Scope, ids: Sequence[int]) -> list[Row]:
    """The rows of these deliveries that are in the scope, in two queries."""
    found = scope.deliveries().select_related("event").in_bulk(list(ids))
    latest = Attempt.objects.filter(delivery__in=list(found), overlap_of=None)
    latest = latest.order_by("delivery_id", "-number").distinct("delivery_id")
    attempts = {
        each.delivery_id: each for each in latest.only("delivery_id", "number", "status", "duration_ms", "succeeded")
    }
    return [_row(scope, found[pk], attempts.get(pk)) for pk in ids if pk in found]


def brief_verdict(attempt: Attempt | None) -> str:
    """Without what the receiver answered, which may hold personal data."""
    if attempt is None:
        return ""
    if attempt.succeeded:
        return "Your server took it."
    return f"Your server answered {attempt.status}." if attempt.status else "Your server did not answer."


def _row(scope: Scope, delivery: Delivery, attempt: Attempt | None) -> Row:
    postback = scope.every_postback[delivery.postback_id]
    event: ActionEvent = delivery.event
    values = delivery.parameters or event.parameters
    sent = sent_by(postback)
    ids = [(label, str(values[name])) for name, label in SEARCHED.items() if name in sent and values.get(name)]
    answer = "" if attempt is None else f"{attempt.status or 'No answer'} · {attempt.duration_ms:,} ms"
    text = text_of(delivery, postback, brief_verdict(attempt))
    return Row(delivery, postback, label_of(delivery), text, ids, answer)


def _filters(scope: Scope, state: str, postback: int | None) -> Filters:
    owner = scope.owner
    states = tuple(str(each) for each in _STATES[state][1]) if state in _STATES else ()
    if isinstance(owner, Partner):
        return Filters(partner=owner, states=states, postback=postback)
    return Filters(network=owner, states=states, postback=postback)
