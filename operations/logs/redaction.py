"""Removes from text what must not be in a log: queries of URLs, credentials in them, secret headers. Pure."""

from __future__ import annotations

import re

HIDDEN = "…"

# What follows the ? of a URL or a path, to its end: it may hold tokens and personal data.
_QUERY = re.compile(r"(?<=[\w/.~%:\]-])\?(?=[\w%.~+\[\]-]+(?:=|&))[^\s\"'<>\\^`|]+")
_CREDENTIALS = re.compile(r"(\w://)[^\s/@\"']+@")
_HEADERS = r"(?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:token|key|secret|auth)[\w-]*|api-?key|passw(?:or)?d"
# As a header line, a keyword argument or an entry of a dictionary.
_SECRET = re.compile(
    rf"(?i)(?<![\w-])(({_HEADERS})[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|(?:(?:basic|bearer|token)\s+)?[^\s,;)}}\"']+)"
)
_SECRET_FIELD = re.compile(rf"(?i)^(?:{_HEADERS})$")


def redact(text: str) -> str:
    """The text with `…` in place of what was removed."""
    # Most lines have none of these characters.
    if "?" in text:
        text = _QUERY.sub(f"?{HIDDEN}", text)
    if "@" in text:
        text = _CREDENTIALS.sub(rf"\1{HIDDEN}@", text)
    if ":" in text or "=" in text:
        text = _SECRET.sub(rf"\1{HIDDEN}", text)
    return text


def redact_value(name: str, value: object) -> object:
    """A field of a structured line, redacted; collections recursively."""
    if _SECRET_FIELD.match(name):
        return HIDDEN
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_value(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(name, one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))
