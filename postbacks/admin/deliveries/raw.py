"""The texts of an attempt as they were sent and received, to read and to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from partners.admin_kit import may_see_personal
from partners.ids import read_id
from postbacks.delivery_log.curl import as_curl
from postbacks.delivery_log.personal import may_hold_personal_data
from postbacks.models import Attempt, Delivery

_HIDDEN = "This request and its answer may contain personal data of the customer, which your role may not see.\n"
_NOT_KEPT = "The headers and bodies of this attempt are no longer kept.\n"
_NO_ATTEMPT = "This attempt has not been made.\n"


def _curl(attempt: Attempt) -> str:
    secured = attempt.delivery.postback
    shown = bool(secured.client_certificate), bool(secured.trusted_authorities)
    return as_curl(attempt.method, attempt.url, attempt.request_headers, attempt.request_body, *shown)


PARTS: Final[dict[str, Callable[[Attempt], str]]] = {
    "request": lambda each: f"{each.method} {each.url}\n{each.request_headers}\n\n{each.request_body}",
    "response": lambda each: f"{each.status or 'No answer'}\n{each.response_headers}\n\n{each.response_body}",
    "url": lambda each: each.url,
    "request-headers": lambda each: each.request_headers,
    "request-body": lambda each: each.request_body,
    "response-headers": lambda each: each.response_headers,
    "response-body": lambda each: each.response_body,
    "curl": _curl,
}


def raw_text(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    """The part of the attempt that the address names: by default the request of the latest.

    Refused to a role that the delivery's page shows no texts either. Plain text, whatever a receiver has answered.
    """
    if not may_see_personal(request) and may_hold_personal_data(delivery):
        return _text(_HIDDEN, 403)
    attempts = delivery.attempts.order_by("-number")
    number = read_id(request.GET.get("attempt", ""))
    attempt = (attempts.filter(overlap_of=None) if number is None else attempts.filter(number=number)).first()
    show = PARTS.get(request.GET.get("part", "request"))
    if show is None:
        return _text(f"An attempt has these parts: {', '.join(PARTS)}.\n", 400)
    if attempt is None:
        return _text(_NO_ATTEMPT)
    return _text(show(attempt) if attempt.request_headers else _NOT_KEPT)


def _text(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(text.encode(), status=status, content_type="text/plain; charset=utf-8")
