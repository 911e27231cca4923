"""A recorded request and its answer without personal data of the customer.

What is personal in a request cannot be told by looking at it: a template may have cut, joined or hashed it. So the
request is built again, once from the event's values and once with a word in place of each that is personal, by the
set-up of now or that of then. If the first is what was recorded, the second is shown; if none is, nothing is. An answer
may echo what the two have different, and is shown without that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote_plus

from actions.reports.parameters import is_personal
from portal.shown.set_ups import set_ups_of
from postbacks.credentials.secrets.mask import Scrubber, scrubber
from postbacks.delivery.attempt_rows import clean
from postbacks.models import Attempt, Delivery, Postback
from postbacks.request.building import Request, RequestErrors, Unbuildable, compile_request
from value_types.secret_text import MASK

STAND_IN: Final = "hidden-personal-data"
WHY_HIDDEN: Final = (
    "The request and the answer are not shown: they may hold personal data of the customer, and so much has changed "
    "since that it cannot be told what in them is personal."
)
_WORD = re.compile(r"[^\s&=?/;,\"'<>{}\[\]():]+")
_LEAST: Final = 3  # Characters of a piece that is looked for anywhere in an answer.


@dataclass(frozen=True, slots=True)
class Texts:
    """What is shown of an attempt. `hidden` says why its texts are not."""

    url: str
    request_headers: str
    request_body: str
    response_headers: str
    response_body: str
    reason: str
    hidden: str = ""


class Masking:
    """For the attempts of one delivery, with its event; `postback` has its event type loaded."""

    def __init__(self, delivery: Delivery, postback: Postback, *, personal: bool) -> None:
        self._delivery = delivery
        self._postback = postback
        self._personal = personal

    def texts_of(self, attempt: Attempt) -> Texts:
        recorded = Texts(
            attempt.url,
            attempt.request_headers,
            attempt.request_body,
            attempt.response_headers,
            attempt.response_body,
            attempt.reason,
        )
        if self._personal:
            return recorded
        if not attempt.request_headers:  # No longer kept.
            return replace(recorded, reason=_verdict(attempt))
        # Also where the event has nothing personal: it may have been deleted there, and not in a later request yet.
        built = self._built(attempt)
        if built is None:
            return Texts(_place(attempt.url), "", "", "", "", _verdict(attempt), WHY_HIDDEN)
        real, masked = built
        pieces = _pieces(real) - _pieces(masked) | self._personal_values
        scrub = _Pieces(pieces)
        return replace(
            recorded,
            url=masked.url,
            request_headers=_headers(attempt.request_headers, real, masked),
            request_body=_body(masked),
            response_headers=scrub.without(attempt.response_headers),
            response_body=scrub.without(attempt.response_body),
            reason=scrub.without(attempt.reason),
        )

    def values(self) -> dict[str, Any]:
        """The values that its requests are built from."""
        return dict(self._delivery.parameters or self._delivery.event.parameters)

    @cached_property
    def _personal_values(self) -> set[str]:
        return {str(value) for name, value in self.values().items() if is_personal(name) and value not in (None, "")}

    def _built(self, attempt: Attempt) -> tuple[Request, Request] | None:
        """The request as it was sent and the same without personal data; None unless the first is what was recorded."""
        values = self.values() | {"Attempt": str(attempt.number), "ActionEvent": str(self._delivery.event.kind)}
        hidden = {name: STAND_IN for name, value in values.items() if is_personal(name) and value not in (None, "")}
        unseen = frozenset(self._postback.action_tracker.hidden_parameters)
        for template in set_ups_of(self._postback, attempt.started_at):
            for known_as in self._known_as():
                try:
                    compiled = compile_request(template, unseen, as_stored=True)
                    real = compiled.build(values | {"DeliveryId": known_as})
                    if _is_recorded(real, attempt):
                        return real, compiled.build(values | hidden | {"DeliveryId": known_as})
                except (RequestErrors, Unbuildable):
                    break
        return None

    def _known_as(self) -> Iterable[str]:
        """All that `{DeliveryId}` may have been: earlier releases sent the number."""
        ids = (self._delivery.sent_as, self._delivery.known_by, self._delivery.known_as, self._delivery.pk)
        return dict.fromkeys(str(each) for each in ids if each is not None)


class _Pieces:
    """Takes pieces of text out of what a receiver answered, in whatever spelling; short ones only as whole words."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._long: Scrubber = scrubber(pieces)
        spelled = sorted((re.escape(piece) for piece in pieces if len(piece) >= _LEAST), key=len, reverse=True)
        short = sorted({re.escape(piece) for piece in pieces if 0 < len(piece) < _LEAST})
        words = [*spelled, *(rf"(?<!\w){piece}(?!\w)" for piece in short)]
        self._words = re.compile("|".join(words), re.IGNORECASE) if words else None

    def without(self, text: str) -> str:
        if self._words is not None:
            text = self._words.sub(MASK, text)
        return self._long.scrub(text)


def _is_recorded(request: Request, attempt: Attempt) -> bool:
    same = (request.method, clean(request.url), _body(request)) == (attempt.method, attempt.url, attempt.request_body)
    return same and {f"{name}: {value}" for name, value in _own(request).items()} <= set(
        attempt.request_headers.splitlines()
    )


def _own(request: Request) -> Mapping[str, str]:
    """Its headers but the one that names our release, which may have been another."""
    return {name: clean(value) for name, value in request.headers.items() if name != "User-Agent"}


def _headers(recorded: str, real: Request, masked: Request) -> str:
    """The recorded lines, those with a value in place of which `masked` has another changed to it."""
    lines = []
    for line in recorded.splitlines():
        name = line.partition(":")[0]
        changed = name in masked.headers and real.headers.get(name) != masked.headers[name]
        lines.append(f"{name}: {clean(masked.headers[name])}" if changed else line)
    return "\n".join(lines)


def _body(request: Request) -> str:
    return "" if request.body is None else clean(request.body.decode("utf-8", "replace"))


def _pieces(request: Request) -> set[str]:
    """The words of a request, as they are written and decoded."""
    text = "\n".join([request.url, *map(str, request.headers.values()), _body(request)])
    return {word for each in (text, unquote_plus(text)) for word in _WORD.findall(each)}


def _place(url: str) -> str:
    """Scheme and host alone."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split(r'[/?#]', rest)[0]}/…"


def _verdict(attempt: Attempt) -> str:
    """Without words of the answer, which a reason may quote."""
    return f"Status {attempt.status}" if attempt.status else "No answer"
