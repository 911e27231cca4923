"""Requests and answers in readable form: bodies indented, queries with one value a line. Pure.

Only white space between tokens changes: numbers, escapes and repeated keys stay as they were sent.
"""

from __future__ import annotations

import json
import re
from urllib.parse import unquote_plus
from xml.dom import minidom
from xml.parsers.expat import ExpatError

_INDENT = "  "
_MOST_DEPTH = 100  # Deeper than this, indenting does not help.
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_DECLARATION = re.compile(r"\s*(<\?xml\b[^>]*\?>)")


def pretty_body(text: str) -> str:
    """Indents JSON and XML; returns anything else, and what only looks like them, unchanged."""
    text = text.removeprefix("\ufeff")  # Answers that were recorded before marks were dropped.
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _pretty_json(text)
    return _pretty_xml(text) if start == "<" else text


def query_of(url: str) -> list[tuple[str, str]]:
    """The names and values of a URL's query, decoded, in their order."""
    return _pairs(url.partition("?")[2].partition("#")[0])


def form_of(body: str, headers: str) -> list[tuple[str, str]]:
    """The names and values of a body that is a query string by its `Content-Type`; else none."""
    is_form = re.search(r"(?im)^content-type:\s*application/x-www-form-urlencoded", headers)
    return _pairs(body) if is_form else []


def _pairs(query: str) -> list[tuple[str, str]]:
    found = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if part:
            found.append((unquote_plus(name), unquote_plus(value) if equals else ""))
    return found


def _pretty_json(text: str) -> str:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    parts: list[str] = []
    depth, before = 0, ""
    for part in _JSON_TOKEN.findall(text):
        if part in ("}", "]"):
            depth -= 1
            if before not in ("{", "["):
                parts.append(_line(depth))
        elif before in ("{", "[", ","):
            parts.append(_line(depth))
        parts.append(": " if part == ":" else part)
        depth += part in ("{", "[")
        if depth > _MOST_DEPTH:
            return text
        before = part
    return "".join(parts)


def _line(depth: int) -> str:
    return "\n" + _INDENT * depth


def _pretty_xml(text: str) -> str:
    if "<!" in text:  # A document type may define entities, which must not be expanded.
        return text
    try:
        root = minidom.parseString(text).documentElement  # noqa: S318 -- it defines no entities
    except (ExpatError, ValueError, RecursionError):
        return text
    if root is None:
        return text
    lines = [line for line in root.toprettyxml(indent=_INDENT).splitlines() if line.strip()]
    declaration = _DECLARATION.match(text)
    return "\n".join([declaration[1], *lines] if declaration else lines)
