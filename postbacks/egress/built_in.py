"""The built-in receiver of the sample: it answers within the process, and no connection is opened to anything.

Its host is a name that no name server can have (RFC 6761), so a request that it does not take leads nowhere. It takes
only paths that were made for a sample: they end with a code that nobody can make without SECRET_KEY. What it took is in
the delivery log like every other request; it keeps nothing itself. Pure.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

from postbacks.egress.answer import Answer
from postbacks.request.building import Request

PREFIX: Final = "http://sample.invalid/"
_CODE_CHARACTERS: Final = 32  # 128 bits.
_PATH: Final = re.compile(rf"{re.escape(PREFIX)}([1-9][0-9]{{0,18}})/([0-9a-f]{{{_CODE_CHARACTERS}}})(?:\?|\Z)")


def address_for(partner: int) -> str:
    """The URL, without a query, that the receiver takes for the sample of this partner."""
    return f"{PREFIX}{partner}/{_code(partner)}"


def partner_of(url: str) -> int | None:
    """The partner for whom this URL, or URL template, was made; None if the receiver does not take it."""
    if not url.startswith(PREFIX):  # Nearly all.
        return None
    found = _PATH.match(url)
    if found is None:
        return None
    partner = int(found[1])
    return partner if constant_time_compare(found[2], _code(partner)) else None


def answer(request: Request) -> Answer | None:
    """What the receiver answers; None if the request is not for it."""
    if partner_of(request.url) is None:
        return None
    return Answer(200, b'{"received":true}', "Content-Type: application/json")


def _code(partner: int) -> str:
    digest: str = salted_hmac("postbacks.egress.built_in", str(partner), algorithm="sha256").hexdigest()
    return digest[:_CODE_CHARACTERS]
