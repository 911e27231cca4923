"""Requests and answers in readable form: bodies indented, queries with one value a line. Pure.

Only white space between tokens changes: numbers, escapes and repeated keys stay as they were sent. A receiver chooses
what it answers, so indenting has bounds; beyond them a text stands as it came.
"""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import unquote_plus
from xml.dom import minidom
from xml.parsers import expat

_INDENT = "  "
_MOST_DEPTH: Final = 100  # Deeper than this, indenting does not help.
_MOST_CHARACTERS: Final = 128 * 1024  # Of an indented text. An answer has half as many; deep ones grow a hundredfold.
_MOST_PAIRS: Final = 500  # Of a query, one a line.
# What a browser does not show, or what turns around the text after it: all but tabs and line ends.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_DECLARATION = re.compile(r"\s*(<\?xml\b[^>]*\?>)")


def pretty_body(text: str) -> str:
    """Indents JSON and XML; returns anything else, and what only looks like them, unchanged."""
    text = text.removeprefix("\ufeff")  # Answers that were recorded before marks were dropped.
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _pretty_json(text)
    return _pretty_xml(text) if start == "<" else text


def visible(text: str) -> str:
    """The text with a code in place of each character that would not show, or would turn others around."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def query_of(url: str) -> list[tuple[str, str]]:
    """The names and values of a URL's query, decoded, in their order; none where there are hundreds."""
    return _pairs(url.partition("?")[2].partition("#")[0])


def form_of(body: str, headers: str) -> list[tuple[str, str]]:
    """The names and values of a body that is a query string by its `Content-Type`; else none."""
    is_form = re.search(r"(?im)^content-type:\s*application/x-www-form-urlencoded", headers)
    return _pairs(body) if is_form else []


def _pairs(query: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if query.count("&") >= _MOST_PAIRS:
        return found
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
    depth, before, room = 0, "", _MOST_CHARACTERS
    for found in _JSON_TOKEN.finditer(text):
        part = found[0]
        if part in ("}", "]"):
            depth -= 1
            if before not in ("{", "["):
                parts.append(_line(depth))
        elif before in ("{", "[", ","):
            parts.append(_line(depth))
        parts.append(": " if part == ":" else part)
        depth += part in ("{", "[")
        room -= len(part) + len(_INDENT) * depth
        if depth > _MOST_DEPTH or room < 0:
            return text
        before = part
    return "".join(parts)


def _line(depth: int) -> str:
    return "\n" + _INDENT * depth


def _pretty_xml(text: str) -> str:
    if "<!" in text:  # A document type may define entities, which must not be expanded.
        return text
    try:
        if not _is_flat(text):
            return text
        root = minidom.parseString(text).documentElement  # noqa: S318 -- it defines no entities
    except (expat.ExpatError, ValueError, RecursionError):
        return text
    if root is None:
        return text
    lines = [line for line in root.toprettyxml(indent=_INDENT).splitlines() if line.strip()]
    declaration = _DECLARATION.match(text)
    return "\n".join([declaration[1], *lines] if declaration else lines)


def _is_flat(text: str) -> bool:
    """Whether XML stays small when it is indented. Found without a tree, which is built and written by recursion.

    Raises ExpatError where it is not well-formed.
    """
    depth, deepest, grown = 0, 0, len(text)

    def opened(_name: str, _attributes: object) -> None:
        nonlocal depth, deepest, grown
        depth += 1
        deepest = max(deepest, depth)
        grown += 3 * len(_INDENT) * depth  # Before it, after it, and before a text next to it.

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    reader = expat.ParserCreate()
    reader.StartElementHandler, reader.EndElementHandler = opened, closed
    reader.Parse(text, True)
    return deepest <= _MOST_DEPTH and grown <= _MOST_CHARACTERS
