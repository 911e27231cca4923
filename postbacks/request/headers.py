"""The HTTP Header field: one `Name: value` a line, the values templates."""

import re
from collections.abc import Iterable
from typing import Final

from postbacks.credentials.signing.signer import HEADERS as SIGNATURE_HEADERS
from postbacks.request.errors import Findings, stripped
from postbacks.request.template import Place, Template
from tracing.marks import HEADER as TRACE_HEADER

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch  # RFC 9110, section 5.6.2.

# Of one connection, not of the message (RFC 9110, section 7.6.1, and what proxies treat so): libcurl's business.
_HOP_BY_HOP: Final = {
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_FOLLOWS_FROM_THE_REST: Final = {"host": "the URL", "content-length": "the body"}
# Set where the request goes out, by what can be unpacked there. It was allowed once, so it is not refused.
_IGNORED: Final = "accept-encoding"


def compile_headers(text: str, hidden: frozenset[str], found: Findings) -> tuple[tuple[str, Template], ...]:
    """Return names and value templates in order; mistakes are added to `found`, with their line's number.

    Blank lines are skipped.
    """
    headers: dict[str, tuple[str, Template]] = {}
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        before, colon, _value = line.partition(":")
        name = before.strip()
        if colon and name.lower() == _IGNORED:
            _warn_of_ignored("headers", where, name, found)
            continue
        refusal = "Not “Name: value”: the colon is missing." if not colon else _refusal(name)
        if not refusal and name.lower() in headers:
            refusal = f"{name} is given twice."
        if refusal:
            found.add("headers", where, refusal)
            continue
        value = stripped(line, len(before) + 1)
        template = found.compile("headers", where, line, value, Place.HEADER, hidden)
        if template is not None:
            headers[name.lower()] = (name, template)
    return tuple(headers.values())


def check_secret_headers(names: Iterable[str], plain: Iterable[str], found: Findings) -> frozenset[str]:
    """Adds what is wrong with the names of secret headers, the `plain` ones given. Returns those that are not sent."""
    given = {name.lower() for name in plain}
    ignored = set()
    for name in names:
        if name.lower() == _IGNORED:
            ignored.add(name)
            _warn_of_ignored("secret_headers", "", name, found)
            continue
        refusal = _refusal(name)
        if not refusal and name.lower() in given:
            refusal = f"{name} is given twice."
        if refusal:
            found.add("secret_headers", "", refusal)
        given.add(name.lower())
    return frozenset(ignored)


def refuse_signature_headers(field: str, names: Iterable[str], found: Findings) -> None:
    """Adds to a field's mistakes the names that a signed request has already."""
    for name in names:
        if name.lower() in SIGNATURE_HEADERS:
            found.add(field, "", f"{name} is set by the signature. Take it out, or stop signing.")


def refuse_authorization(field: str, names: Iterable[str], found: Findings) -> None:
    """Adds to a field's mistakes `Authorization`, which the chosen authentication sets."""
    for name in names:
        if name.lower() == "authorization":
            found.add(field, "", f"{name} is set by the authentication. Take it out, or choose no authentication.")


def refuse_trace(field: str, names: Iterable[str], found: Findings) -> None:
    """Adds to a field's mistakes the header by which a receiver is told of the trace."""
    for name in names:
        if name.lower() == TRACE_HEADER:
            found.add(field, "", f"{name} is set by “Send trace context”. Take it out, or untick that.")


def _warn_of_ignored(field: str, where: str, name: str, found: Findings) -> None:
    found.warn(field, where, f"{name} is ignored: we name the encodings that we can read. Take it out.")


def _refusal(name: str) -> str:
    """Why no header of this name may be set; empty if it may."""
    lower = name.lower()
    if not _TOKEN(name):
        return f"“{name}” is not a header name: letters, digits and hyphens; placeholders belong into the value."
    if lower in _HOP_BY_HOP:
        return f"{name} belongs to the connection and cannot be set."
    if lower in _FOLLOWS_FROM_THE_REST:
        return f"{name} follows from {_FOLLOWS_FROM_THE_REST[lower]} and cannot be set."
    return ""
