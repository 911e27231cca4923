"""The body of a POST: key-value pairs or a raw template, in one of three formats.

White space around a raw body is not sent: it is the text field's or the file's.
Pairs become `{"key":"value",…}`, or `<postback><key>value</key>…</postback>`, or `key=value&…`, in their order.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from postbacks.request.errors import Findings, stripped
from postbacks.request.template import Place, Template, Values
from postbacks.request.template.encoding import json_text, percent_encoded
from postbacks.request.template.foreign import foreign_in
from postbacks.request.template.tokens import OPENING

# XML 1.0, fifth edition, productions 4 and 4a, without the colon: no prefix is declared.
_NAME_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)


@cache  # Compiled when first needed: it takes as long as loading some modules.
def _xml_name() -> re.Pattern[str]:
    return re.compile(f"[{_NAME_START}][{_NAME_START}0-9.\u00b7\u0300-\u036f\u203f-\u2040-]*")


Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """A body format: where a raw body and a pair's value stand, and what is written around the pairs' values."""

    content_type: str
    raw_place: Place
    value_place: Place
    begin: str
    before_value: Callable[[str], str]
    after_value: Callable[[str], str]
    between: str
    end: str


FORMATS: Final = {
    "json": BodyFormat(
        content_type="application/json; charset=utf-8",
        raw_place=Place.JSON,
        value_place=Place.JSON_VALUE,
        begin="{",
        before_value=lambda key: f'"{json_text(key)}":"',
        after_value=lambda _key: '"',
        between=",",
        end="}",
    ),
    "xml": BodyFormat(
        content_type="application/xml; charset=utf-8",
        raw_place=Place.XML,
        value_place=Place.XML_VALUE,
        begin='<?xml version="1.0" encoding="UTF-8"?>\n<postback>',
        before_value=lambda key: f"<{key}>",
        after_value=lambda key: f"</{key}>",
        between="",
        end="</postback>",
    ),
    "querystring": BodyFormat(
        content_type="application/x-www-form-urlencoded; charset=utf-8",
        raw_place=Place.FORM,
        value_place=Place.FORM_VALUE,
        begin="",
        before_value=lambda key: f"{percent_encoded(key)}=",
        after_value=lambda _key: "",
        between="&",
        end="",
    ),
}
"""The body formats by name."""


@dataclass(frozen=True, slots=True)
class Body:
    """A compiled body: ready texts and templates in turn."""

    content_type: str
    parts: tuple[str | Template, ...]

    def render(self, values: Values) -> str:
        return "".join([part if isinstance(part, str) else part.render(values) for part in self.parts])


def compile_body(body_format: str, pairs: Pairs, raw: str, hidden: frozenset[str], found: Findings) -> Body | None:
    """Return the compiled body, or None if there are mistakes, which are added to `found`."""
    known = FORMATS.get(body_format)
    if known is None:
        wrong = f"“{body_format}” is no body format" if body_format else "A POST needs a body format"
        found.add("body_format", "", f"{wrong}: choose json, xml or querystring.")
        return None
    if bool(pairs) is bool(raw.strip()):
        both = "Both pairs and a raw body are given: keep one." if pairs else "A POST needs pairs or a raw body."
        found.add("body", "", both)
        return None
    before = len(found.mistakes)
    parts = _pairs(known, body_format, pairs, hidden, found) if pairs else _raw(known, raw, hidden, found)
    return Body(known.content_type, tuple(parts)) if len(found.mistakes) == before else None


def _raw(known: BodyFormat, raw: str, hidden: frozenset[str], found: Findings) -> list[str | Template]:
    template = found.compile("body", "", raw, stripped(raw), known.raw_place, hidden)
    return [template] if template is not None else []


def _pairs(
    known: BodyFormat, body_format: str, pairs: Pairs, hidden: frozenset[str], found: Findings
) -> list[str | Template]:
    parts: list[str | Template] = []
    seen: set[str] = set()
    text = known.begin
    for number, (key, value) in enumerate(pairs, 1):
        refusal = _refusal(body_format, key, seen)
        if refusal:
            found.add("body", f"pair {number}", refusal)
        seen.add(key)
        for foreign in foreign_in(key, known.value_place):
            found.warn("body", f"key “{key}”", f"{foreign.message}. {foreign.hint}")
        template = found.compile("body", f"key “{key}”", value, (0, len(value)), known.value_place, hidden)
        if template is not None:
            parts += (text + known.before_value(key), template)
            text = known.after_value(key) + known.between
    parts.append(text.removesuffix(known.between) + known.end)
    return parts


def _refusal(body_format: str, key: str, seen: set[str]) -> str:
    """Why this cannot be a key; empty if it can."""
    if not key:
        return "The key is empty."
    if OPENING.search(key):
        return f"The key “{key}” holds a placeholder; only values may."
    if body_format == "xml" and not _xml_name().fullmatch(key):
        return f"The key “{key}” is not a name that an XML element can have."
    if body_format == "json" and key in seen:
        return f"The key “{key}” is given twice."
    return ""
